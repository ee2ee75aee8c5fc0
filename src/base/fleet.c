/* Each copy writes into a pipe of its own: a head, then the text. The pipe ends when the copy has,
 * and a text that is shorter than its head says was cut off by whatever ended it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "base/fleet.h"

#include "base/arith.h"
#include "base/copy.h"
#include "base/memory.h"
#include "base/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS = 50, /* between two looks at Ctrl-C while nothing comes */
    CHUNK = 1 << 16
};

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

struct nb_fleet {
    nb_ctx *ctx;
    nb_fleet_plan plan;
    int abreast; /* copies at once; fewer once the system makes no more */
    int copies;
    berth berth[NB_MAX_THREADS];
    int64_t next;  /* the first task that had no turn */
    int64_t *late; /* those that come again alone, a list with room for all */
    int64_t lates, answers;
    berth last; /* whose answer was given last */
};

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
    nb_status status = f->plan.work(ctx, f->plan.self, task, alone, &text);
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
    while (made && f->copies < f->abreast && f->next < f->plan.tasks) {
        made = begin(f, f->next, false);
        f->next += made;
    }
    if (made && f->copies == 0 && f->lates > 0) {
        made = begin(f, f->late[f->lates - 1], true);
        f->lates -= made;
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

static void end_copies(nb_fleet *f)
{
    for (int i = 0; i < f->copies; i++) kill(f->berth[i].copy, SIGKILL);
    while (f->copies > 0) {
        berth b;
        leave_berth(f, 0, &b);
        nb_text_free(&b.said);
    }
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void tell(const nb_fleet *f)
{
    if (f->plan.what) nb_tell(f->ctx, f->plan.what, f->answers, f->plan.tasks);
}

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

/* The copy at berth i has ended. True: `out` is its answer; else it comes again. */
static bool take_answer(nb_fleet *f, int i, nb_fleet_answer *out)
{
    head h = {.length = -1};
    nb_text_free(&f->last.said);
    int how = leave_berth(f, i, &f->last);
    nb_text *said = &f->last.said;
    bool whole = said->length >= sizeof h;
    if (whole) memcpy(&h, said->data, sizeof h);
    whole = whole && said->length - sizeof h == (size_t)h.length;
    if (said->failed || (whole && h.status == NB_EMEMORY && !f->last.alone)) {
        f->late[f->lates++] = f->last.task;
        return false;
    }
    size_t before = whole ? sizeof h : 0;
    if (!whole) say_end(&f->last, how);
    *out = (nb_fleet_answer){.task = f->last.task,
                             .failed = !whole || h.status != NB_OK,
                             .text = nb_text_get(said) + before,
                             .length = said->length - before};
    f->answers++;
    tell(f);
    return true;
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

/* Waits a while for one that has something to say; hears all that have. *ended: the berth of a copy
 * that has ended, or -1. */
static nb_status listen(nb_fleet *f, int *ended)
{
    struct pollfd ready[NB_MAX_THREADS];
    for (int i = 0; i < f->copies; i++) ready[i] = (struct pollfd){f->berth[i].pipe, POLLIN, 0};
    poll(ready, (nfds_t)f->copies, LOOK_MS);
    tell(f);
    *ended = -1;
    for (int i = 0; i < f->copies && *ended < 0; i++)
        if (ready[i].revents && hear(&f->berth[i])) *ended = i;
    return nb_poll(f->ctx);
}

nb_status nb_fleet_next(nb_fleet *f, nb_fleet_answer *out)
{
    *out = (nb_fleet_answer){.task = -1};
    nb_status status = begin_more(f);
    while (status == NB_OK && f->copies > 0) {
        int ended;
        status = listen(f, &ended);
        if (status != NB_OK || ended < 0) continue;
        bool scant = f->berth[ended].said.failed;
        if (take_answer(f, ended, out)) return NB_OK;
        status = scant ? f->ctx->status : begin_more(f);
    }
    if (status != NB_OK && status != NB_EMEMORY) end_copies(f);
    return status;
}

/* ---- From its beginning to its end ----------------------------------------------------------- */

static size_t late_bytes(const nb_fleet *f)
{
    return sizeof(int64_t) * (size_t)(f->plan.tasks + 1);
}

nb_fleet *nb_fleet_new(nb_ctx *ctx, const nb_fleet_plan *plan)
{
    nb_fleet *f = nb_alloc_zero(ctx, 1, sizeof *f);
    if (!f) return NULL;
    f->ctx = ctx;
    f->plan = *plan;
    f->abreast = (int)nb_least_i64(ctx->threads, NB_MAX_THREADS);
    nb_text_init(&f->last.said, ctx);
    f->late = nb_alloc(ctx, late_bytes(f));
    if (f->late) return f;
    nb_fleet_free(f);
    return NULL;
}

void nb_fleet_free(nb_fleet *f)
{
    if (!f) return;
    end_copies(f);
    nb_text_free(&f->last.said);
    if (f->late) nb_free(f->ctx, f->late, late_bytes(f));
    nb_free(f->ctx, f, sizeof *f);
}
