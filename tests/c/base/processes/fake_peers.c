/* A transport over socket pairs, each message after its length. Nobody blocks on a write: what
 * cannot be written waits while what comes is read. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fake_peers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct fake {
    nb_peers peers;
    int socket[FAKE_PEERS_MOST];
} fake;

/* What is on its way to or from one process; length first. */
typedef struct way {
    int fd;
    uint64_t length;
    char *data;
    size_t room, done; /* done: of length and data */
} way;

static int fail(nb_peers *peers, const char *what)
{
    snprintf(peers->said, sizeof peers->said, "%s: %s", what, strerror(errno));
    return -1;
}

static bool is_done(const way *w)
{
    return w->done >= sizeof w->length && w->done == sizeof w->length + w->length;
}

/* Some of it; false where the other process is gone. */
static bool move(way *w, bool out)
{
    char dropped[4096], *at = dropped;
    size_t count = sizeof dropped;
    if (w->done < sizeof w->length) {
        at = (char *)&w->length + w->done;
        count = sizeof w->length - w->done;
    } else {
        size_t place = w->done - sizeof w->length, left = (size_t)w->length - place;
        if (out || place < w->room) {
            at = w->data + place;
            count = out || left < w->room - place ? left : w->room - place;
        } else if (left < count) {
            count = left;
        }
    }
    ssize_t n = out ? send(w->fd, at, count, MSG_NOSIGNAL) : recv(w->fd, at, count, 0);
    if (n > 0) w->done += (size_t)n;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int carry(nb_peers *peers, way *out, way *in)
{
    while ((out && !is_done(out)) || (in && !is_done(in))) {
        struct pollfd ready[2] = {{-1, POLLOUT, 0}, {-1, POLLIN, 0}};
        if (out && !is_done(out)) ready[0].fd = out->fd;
        if (in && !is_done(in)) ready[1].fd = in->fd;
        if (poll(ready, 2, -1) < 0) continue;
        if (ready[0].revents && !move(out, true)) return fail(peers, "send");
        if (ready[1].revents && !move(in, false)) return fail(peers, "receive");
    }
    return 0;
}

static way sending(nb_peers *peers, int to, const void *data, size_t bytes)
{
    return (way){.fd = ((fake *)peers)->socket[to], .length = bytes, .data = (char *)data};
}

static int fake_send(nb_peers *peers, int to, const void *data, size_t bytes)
{
    way out = sending(peers, to, data, bytes);
    return carry(peers, &out, NULL);
}

/* Who has written first; -1 where all are gone. One that is gone has nothing to say. */
static int first_of(const fake *f)
{
    struct pollfd ready[FAKE_PEERS_MOST];
    int left = f->peers.ranks - 1;
    for (int i = 0; i < f->peers.ranks; i++)
        ready[i] = (struct pollfd){i == f->peers.rank ? -1 : f->socket[i], POLLIN, 0};
    while (left > 0) {
        if (poll(ready, (nfds_t)f->peers.ranks, -1) < 0) continue;
        for (int i = 0; i < f->peers.ranks; i++) {
            char byte;
            if (ready[i].fd < 0 || !ready[i].revents) continue;
            if (recv(ready[i].fd, &byte, 1, MSG_PEEK) > 0) return i;
            ready[i].fd = -1;
            left--;
        }
    }
    return -1;
}

static int fake_receive(nb_peers *peers, int from, void *data, size_t room, size_t *came, int *who)
{
    *who = from == NB_PEERS_ANY ? first_of((fake *)peers) : from;
    if (*who < 0) return fail(peers, "receive");
    way in = {.fd = ((fake *)peers)->socket[*who], .data = data, .room = room};
    if (carry(peers, NULL, &in) != 0) return -1;
    *came = (size_t)in.length;
    return 0;
}

static int fake_swap(nb_peers *peers, int with, const void *out, size_t bytes, void *in,
                     size_t room, size_t *came)
{
    way to = sending(peers, with, out, bytes);
    way from = {.fd = to.fd, .data = in, .room = room};
    if (carry(peers, &to, &from) != 0) return -1;
    *came = (size_t)from.length;
    return 0;
}

static void fake_abort(nb_peers *peers, int code)
{
    (void)peers;
    _exit(code ? code : 1);
}

static void fake_end(nb_peers *peers)
{
    (void)peers;
}

static const nb_peers_type fake_type = {
    "sockets", fake_send, fake_receive, fake_swap, fake_abort, fake_end,
};

static _Noreturn void be_child(fake *f, bool (*body)(nb_ctx *ctx, void *arg), void *arg)
{
    alarm(FAKE_PEERS_SECONDS);
    nb_ctx *ctx = nb_ctx_new();
    if (!ctx) _exit(2);
    ctx->threads = 1;
    ctx->peers = &f->peers;
    bool fine = body(ctx, arg);
    if (ctx->memory.live != 0) {
        fprintf(stderr, "rank %d keeps %zu bytes\n", f->peers.rank, ctx->memory.live);
        fine = false;
    }
    nb_ctx_free(ctx);
    fflush(NULL);
    _exit(fine ? 0 : 1);
}

/* A socket for each pair: side[i][j] is i's end of the one to j. */
static bool connect_all(int side[FAKE_PEERS_MOST][FAKE_PEERS_MOST], int ranks)
{
    for (int i = 0; i < ranks; i++)
        for (int j = i + 1; j < ranks; j++) {
            int ends[2];
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) return false;
            side[i][j] = ends[0];
            side[j][i] = ends[1];
        }
    return true;
}

/* In the child, only its own ends stay open, so that who waits for one that died is told. */
static void close_others(int side[FAKE_PEERS_MOST][FAKE_PEERS_MOST], int ranks, int mine)
{
    for (int i = 0; i < ranks; i++)
        for (int j = 0; j < ranks && i != mine; j++)
            if (i != j) close(side[i][j]);
}

bool fake_peers_run(int ranks, bool (*body)(nb_ctx *ctx, void *arg), void *arg)
{
    int side[FAKE_PEERS_MOST][FAKE_PEERS_MOST], started = 0;
    bool fine = ranks <= FAKE_PEERS_MOST && connect_all(side, ranks);
    fflush(NULL);
    for (; started < ranks && fine; started++) {
        pid_t pid = fork();
        if (pid < 0) break;
        if (pid > 0) continue;
        fake f = {.peers = {.type = &fake_type,
                            .rank = started,
                            .ranks = ranks,
                            .local = started,
                            .here = ranks}};
        memcpy(f.socket, side[started], sizeof f.socket);
        close_others(side, ranks, started);
        be_child(&f, body, arg);
    }
    if (fine) close_others(side, ranks, -1);
    fine = fine && started == ranks;
    for (int i = 0; i < started; i++) {
        int status = 0;
        while (wait(&status) < 0 && errno == EINTR) continue;
        fine = WIFEXITED(status) && WEXITSTATUS(status) == 0 && fine;
    }
    return fine;
}
