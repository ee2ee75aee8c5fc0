/* Another program as a filter. */
#define _GNU_SOURCE
#include "io/process.h"

#include "base/hush.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHUNK = 64 << 10,
    SAID_MAX = 16 << 10, /* bytes of what it says that are kept */
    LOOK_MS = 50         /* between two looks at Ctrl-C while nothing comes */
};

extern char **environ;

/* Our end of each pipe, or -1 when it is closed; in the program's order. */
typedef struct pipes {
    int ours[3], its[3];
} pipes;

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0) close(fds[i]);
        fds[i] = -1;
    }
}

static bool open_pipes(pipes *p)
{
    *p = (pipes){{-1, -1, -1}, {-1, -1, -1}};
    for (int i = 0; i < 3; i++) {
        int ends[2], mine = i == 0; /* ends[0] reads */
        if (pipe2(ends, O_CLOEXEC) != 0) return false;
        p->ours[i] = ends[mine];
        p->its[i] = ends[!mine];
        if (fcntl(ends[mine], F_SETFL, O_NONBLOCK) != 0) return false;
    }
    return true;
}

/* 0, or the errno. Signals of writes are for it as for any program, whatever the host does. */
static int spawn(const pipes *p, const char *const *argv, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
    int error = posix_spawnattr_init(&attributes);
    if (!error) {
        for (int i = 0; i < 3 && !error; i++)
            error = posix_spawn_file_actions_adddup2(&actions, p->its[i], i);
        posix_spawnattr_setsigdefault(&attributes, &usual);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        union {
            const char *const *given;
            char *const *wanted; /* the prototype is older than const */
        } list = {argv};
        if (!error) error = posix_spawnp(pid, argv[0], &actions, &attributes, list.wanted, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* False: no more of it. */
static bool feed(int fd, nb_process *process)
{
    nb_hush hush;
    nb_hush_begin(&hush);
    ssize_t n = write(fd, process->input, process->input_bytes);
    nb_hush_end(&hush);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    process->input += n;
    process->input_bytes -= (size_t)n;
    return process->input_bytes > 0;
}

static bool take(int fd, nb_process *process, bool output)
{
    char chunk[CHUNK];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    size_t bytes = (size_t)n, room = SAID_MAX - process->said->length;
    if (output)
        nb_sink_write(process->output, chunk, bytes);
    else
        nb_text_add_bytes(process->said, chunk, bytes < room ? bytes : room);
    return n > 0;
}

/* Until the program has closed both its outputs. */
static nb_status converse(nb_ctx *ctx, pipes *p, nb_process *process)
{
    while (p->ours[1] >= 0 || p->ours[2] >= 0) {
        struct pollfd ready[3] = {
            {p->ours[0], POLLOUT, 0}, {p->ours[1], POLLIN, 0}, {p->ours[2], POLLIN, 0}};
        int count = poll(ready, 3, LOOK_MS);
        nb_status status = nb_poll(ctx);
        if (status) return status;
        for (int i = 0; i < 3 && count > 0; i++) {
            if (p->ours[i] < 0 || !ready[i].revents) continue;
            if (i == 0 ? feed(p->ours[i], process) : take(p->ours[i], process, i == 1)) continue;
            close(p->ours[i]);
            p->ours[i] = -1;
        }
    }
    return NB_OK;
}

/* A host that ignores SIGCHLD does not learn how its children ended. */
static bool ended_well(pid_t pid)
{
    int status = 0;
    pid_t got;
    do got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

nb_status nb_process_run(nb_ctx *ctx, nb_process *process)
{
    pipes p;
    pid_t pid;
    int error = open_pipes(&p) ? spawn(&p, process->argv, &pid) : errno;
    close_all(p.its);
    process->missing = error == ENOENT;
    if (error) {
        close_all(p.ours);
        return nb_fail(ctx, NB_EIO, "cannot start %s: %s", process->argv[0], strerror(error));
    }
    nb_status status = converse(ctx, &p, process);
    close_all(p.ours);
    if (status) kill(pid, SIGKILL);
    process->done = ended_well(pid) && !status;
    return status ? status : process->said->failed ? NB_EMEMORY : NB_OK;
}
