/* Each copy writes into a pipe of its own: a head, then the text. The pipe ends when the copy has,
 * and a text that is shorter than its head says was cut off by whatever ended it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "base/processes/fleet.h"

#include "base/arith.h"
#include "base/processes/copy.h"
#include "base/memory.h"
#include "base/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, ROOM_LEAST = 16 };

typedef struct head {
    int64_t length; /* of the text behind it */
    int32_t status; /* with a bad one the text is its message */
} head;

/* A copy and what it has said so far. */
typedef struct berth {
    pid_t copy;
    int pipe;
    int64_t task;
    bool alone;
    nb_text said;
} berth;

/* Tasks that wait for their turn. */
typedef struct stretch {
    int64_t first, count;
} stretch;

/* A list of stretches that grows. */
typedef struct waiting {
    stretch *list;
    int64_t count, room;
    int64_t tasks; /* in all of them */
} waiting;

struct nb_fleet {
    nb_ctx *ctx;
    nb_fleet_work *work;
    void *self;
    int abreast; /* copies at once; fewer once the system makes no more */
    int copies;
    berth berth[NB_MAX_THREADS];
    waiting next, late; /* late: those that come again alone */
    berth last;         /* whose answer was given last */
};

/* ---- Tasks that wait ------------------------------------------------------------------------- */

static nb_status put(nb_ctx *ctx, waiting *w, int64_t first, int64_t count)
{
    size_t size = sizeof *w->list;
    if (count <= 0) return NB_OK;
    if (w->count == w->room) {
        int64_t room = w->room ? 2 * w->room : ROOM_LEAST;
        stretch *list = nb_resize(ctx, w->list, (size_t)w->room * size, (size_t)room * size);
        if (!list) return ctx->status;
        w->list = list;
        w->room = room;
    }
    w->list[w->count++] = (stretch){first, count};
    w->tasks += count;
    return NB_OK;
}

/* The first of them, which stays until `drop`. */
static int64_t first_of(const waiting *w)
{
    return w->list[0].first;
}

static void drop(waiting *w)
{
    w->tasks--;
    w->list[0].first++;
    if (--w->list[0].count > 0) return;
    memmove(w->list, w->list + 1, (size_t)--w->count * sizeof *w->list);
}

static void free_waiting(nb_ctx *ctx, waiting *w)
{
    nb_free(ctx, w->list, (size_t)w->room * sizeof *w->list);
}

/* ---- In a copy ------------------------------------------------------------------------------- */

static void write_whole(int pipe, const void *bytes, size_t count)
{
    for (const char *at = bytes; count > 0;) {
        ssize_t n = write(pipe, at, count);
        if (n < 0 && errno != EINTR) return;
        if (n < 0) continue;
        at += n;
        count -= (size_t)n;
    }
}

static _Noreturn void be_copy(const nb_fleet *f, int64_t task, bool alone, int pipe)
{
    nb_ctx *ctx = f->ctx;
    char said[NB_MESSAGE_MAX];
    nb_text text;
    nb_text_init(&text, ctx);
    nb_status status = f->work(ctx, f->self, task, alone, &text);
    if (status == NB_OK && text.failed) status = NB_EMEMORY;
    head h = {(int64_t)text.length, (int32_t)status};
    if (status == NB_OK) {
        write_whole(pipe, &h, sizeof h);
        write_whole(pipe, nb_text_get(&text), text.length);
        nb_copy_leave();
    }
    memcpy(said, ctx->message, sizeof said);
    if (status == NB_ECALLBACK && ctx->host_error) ctx->host_error(ctx, said, sizeof said);
    h.length = (int64_t)strlen(said);
    write_whole(pipe, &h, sizeof h);
    write_whole(pipe, said, strlen(said));
    nb_copy_leave();
}

/* ---- Beginning and ending -------------------------------------------------------------------- */

/* False where the system makes no copy. */
static bool begin(nb_fleet *f, int64_t task, bool alone)
{
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) return false;
    pid_t copy = nb_copy_make(f->ctx, alone ? 1 : f->abreast);
    if (copy == 0) be_copy(f, task, alone, pipe[1]);
    close(pipe[1]);
    if (copy < 0) {
        close(pipe[0]);
        return false;
    }
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    berth *b = &f->berth[f->copies++];
    *b = (berth){.copy = copy, .pipe = pipe[0], .task = task, .alone = alone};
    nb_text_init(&b->said, f->ctx);
    return true;
}

/* As many as there is room for; those that need all memory when nothing else is under way. */
static nb_status begin_more(nb_fleet *f)
{
    bool made = true;
    while (made && f->copies < f->abreast && f->next.tasks > 0) {
        made = begin(f, first_of(&f->next), false);
        if (made) drop(&f->next);
    }
    if (made && f->copies == 0 && f->late.tasks > 0) {
        made = begin(f, first_of(&f->late), true);
        if (made) drop(&f->late);
    }
    if (made) return NB_OK;
    if (f->copies == 0)
        return nb_fail(f->ctx, NB_EIO, "the system makes no process: %s", strerror(errno));
    f->abreast = f->copies;
    return NB_OK;
}

/* Takes berth i out of the list; what waitpid says of its copy. */
static int leave_berth(nb_fleet *f, int i, berth *out)
{
    *out = f->berth[i];
    f->berth[i] = f->berth[--f->copies];
    close(out->pipe);
    return nb_copy_wait(out->copy);
}

void nb_fleet_end_copies(nb_fleet *f)
{
    for (int i = 0; i < f->copies; i++) kill(f->berth[i].copy, SIGKILL);
    while (f->copies > 0) {
        berth b;
        leave_berth(f, 0, &b);
        nb_text_free(&b.said);
    }
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* What ended a copy that has not said all. */
static void say_end(berth *b, int how)
{
    nb_text_free(&b->said);
    if (WIFSIGNALED(how))
        nb_text_add(&b->said, "the process of this run was ended by signal %d (%s)", WTERMSIG(how),
                    strsignal(WTERMSIG(how)));
    else
        nb_text_add(&b->said, "the process of this run left with code %d before it was through",
                    WIFEXITED(how) ? WEXITSTATUS(how) : 0);
}

/* The copy at berth i has ended. Its answer into `out`, unless it comes again. */
static nb_status take_answer(nb_fleet *f, int i, nb_fleet_answer *out)
{
    head h = {.length = -1};
    nb_text_free(&f->last.said);
    int how = leave_berth(f, i, &f->last);
    nb_text *said = &f->last.said;
    bool whole = said->length >= sizeof h;
    if (whole) memcpy(&h, said->data, sizeof h);
    whole = whole && said->length - sizeof h == (size_t)h.length;
    bool again = whole && h.status == NB_EMEMORY && !f->last.alone;
    if (said->failed || again) {
        nb_status status = put(f->ctx, &f->late, f->last.task, 1);
        return said->failed ? f->ctx->status : status;
    }
    size_t before = whole ? sizeof h : 0;
    if (!whole) say_end(&f->last, how);
    *out = (nb_fleet_answer){.task = f->last.task,
                             .failed = !whole || h.status != NB_OK,
                             .text = nb_text_get(said) + before,
                             .length = said->length - before};
    return NB_OK;
}

/* Reads what has come from a copy; true: it has ended, or there is no memory for what it says. */
static bool hear(berth *b)
{
    char chunk[CHUNK];
    ssize_t n;
    while ((n = read(b->pipe, chunk, sizeof chunk)) > 0 && !b->said.failed)
        nb_text_add_bytes(&b->said, chunk, (size_t)n);
    if (n > 0) kill(b->copy, SIGKILL);
    return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* The berth of a copy that has ended within so many milliseconds, or -1; hears all that have
 * something to say. */
static int listen(nb_fleet *f, int ms)
{
    struct pollfd ready[NB_MAX_THREADS];
    for (int i = 0; i < f->copies; i++) ready[i] = (struct pollfd){f->berth[i].pipe, POLLIN, 0};
    if (poll(ready, (nfds_t)f->copies, ms) <= 0) return -1;
    for (int i = 0; i < f->copies; i++)
        if (ready[i].revents && hear(&f->berth[i])) return i;
    return -1;
}

nb_status nb_fleet_wait(nb_fleet *f, int ms, nb_fleet_answer *out)
{
    *out = (nb_fleet_answer){.task = -1};
    nb_status status = begin_more(f);
    if (status != NB_OK) return status;
    int ended = listen(f, ms);
    if (ended < 0) return NB_OK;
    status = take_answer(f, ended, out);
    return status == NB_OK ? begin_more(f) : status;
}

/* ---- From its beginning to its end ----------------------------------------------------------- */

nb_fleet *nb_fleet_new(nb_ctx *ctx, nb_fleet_work *work, void *self)
{
    nb_fleet *f = nb_alloc_zero(ctx, 1, sizeof *f);
    if (!f) return NULL;
    f->ctx = ctx;
    f->work = work;
    f->self = self;
    f->abreast = (int)nb_least_i64(ctx->threads, NB_MAX_THREADS);
    nb_text_init(&f->last.said, ctx);
    return f;
}

void nb_fleet_free(nb_fleet *f)
{
    if (!f) return;
    nb_fleet_end_copies(f);
    nb_text_free(&f->last.said);
    free_waiting(f->ctx, &f->next);
    free_waiting(f->ctx, &f->late);
    nb_free(f->ctx, f, sizeof *f);
}

nb_status nb_fleet_give(nb_fleet *f, int64_t first, int64_t count)
{
    return put(f->ctx, &f->next, first, count);
}

int nb_fleet_room(const nb_fleet *f)
{
    return f->abreast;
}

int64_t nb_fleet_load(const nb_fleet *f)
{
    return f->copies + f->next.tasks + f->late.tasks;
}
