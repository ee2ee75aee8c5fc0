/* Copies are forked, for functions of the host belong to one thread and its state. Each takes the
 * next task's number from memory that all share and writes its answer into one pipe, whole: an
 * answer is smaller than what the system writes at once. The pipe ends when the last copy has. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include "base/processes/crew.h"

#include "base/arith.h"
#include "base/processes/copy.h"
#include "base/memory.h"
#include "base/workers.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOOK_MS = 50 }; /* between two looks at Ctrl-C while nothing comes */

/* What comes through the pipe. */
typedef struct answer {
    int64_t task;
    nb_status status;
    union {
        _Alignas(max_align_t) char bytes[NB_CREW_ANSWER]; /* whatever a task makes of them */
        char message[NB_MESSAGE_MAX];                     /* of a failure */
    };
} answer;

_Static_assert(sizeof(answer) <= PIPE_BUF, "an answer is written whole");

typedef struct gang {
    nb_ctx *ctx;
    const nb_crew *crew;
    atomic_llong *next; /* the first task that nobody has taken, in memory that all share */
    int pipe[2];        /* from all copies: read, write */
    pid_t copy[NB_MAX_THREADS];
    int copies;
    uint8_t *done; /* of each task */
    int64_t answers;
    int64_t failed;            /* the task whose function of the host failed there; -1: none … */
    char said[NB_MESSAGE_MAX]; /* … and what it said */
    bool scant;                /* a copy's share of the memory was too small */
} gang;

/* ---- In a copy ------------------------------------------------------------------------------- */

static _Noreturn void be_copy(const gang *g)
{
    nb_ctx *ctx = g->ctx;
    int64_t task;
    bool fine = true;
    close(g->pipe[0]);
    while (fine && (task = atomic_fetch_add(g->next, 1)) < g->crew->tasks) {
        answer a;
        if (g->done[task]) continue;
        memset(&a, 0, sizeof a);
        a.task = task;
        a.status = g->crew->work(ctx, g->crew->self, task, a.bytes);
        if (a.status != NB_OK) memcpy(a.message, ctx->message, sizeof a.message);
        if (a.status == NB_ECALLBACK && ctx->host_error)
            ctx->host_error(ctx, a.message, sizeof a.message);
        fine = a.status == NB_OK;
        if (write(g->pipe[1], &a, sizeof a) != (ssize_t)sizeof a) fine = false;
    }
    nb_copy_leave();
}

/* ---- Beginning and ending -------------------------------------------------------------------- */

static void begin(gang *g, int copies)
{
    while (g->copies < copies) {
        pid_t pid = nb_copy_make(g->ctx, copies);
        if (pid == 0) be_copy(g);
        if (pid < 0) break;
        g->copy[g->copies++] = pid;
    }
    close(g->pipe[1]);
    g->pipe[1] = -1;
}

static void end(gang *g, bool at_once)
{
    for (int i = 0; i < g->copies && at_once; i++) kill(g->copy[i], SIGKILL);
    for (int i = 0; i < 2; i++)
        if (g->pipe[i] >= 0) close(g->pipe[i]);
    for (int i = 0; i < g->copies; i++) nb_copy_wait(g->copy[i]);
    munmap(g->next, sizeof *g->next);
}

/* False where the system gives no more. */
static bool prepare(gang *g)
{
    void *shared =
        mmap(NULL, sizeof *g->next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return false;
    g->next = shared;
    atomic_init(g->next, 0);
    if (pipe2(g->pipe, O_CLOEXEC) == 0) return true;
    munmap(shared, sizeof *g->next);
    return false;
}

/* ---- Here ------------------------------------------------------------------------------------ */

static void take(gang *g, int64_t task, const void *bytes)
{
    g->crew->take(g->crew->self, task, bytes);
    g->done[task] = 1;
    nb_tell(g->ctx, g->crew->what, ++g->answers, g->crew->tasks);
}

static nb_status take_answer(gang *g, const answer *a)
{
    if (a->status == NB_OK) {
        take(g, a->task, a->bytes);
        return NB_OK;
    }
    if (a->status == NB_EMEMORY) {
        g->scant = true;
        return NB_OK;
    }
    if (a->status == NB_ECALLBACK) {
        g->failed = a->task;
        memcpy(g->said, a->message, sizeof g->said);
    }
    return nb_fail(g->ctx, a->status, "%.*s", NB_MESSAGE_MAX - 1, a->message);
}

/* Until the last copy has ended. */
static nb_status listen(gang *g)
{
    answer a;
    nb_status status = NB_OK;
    while (status == NB_OK) {
        struct pollfd ready = {g->pipe[0], POLLIN, 0};
        int count = poll(&ready, 1, LOOK_MS);
        status = nb_poll(g->ctx);
        if (status != NB_OK || count <= 0) continue;
        ssize_t n = read(g->pipe[0], &a, sizeof a);
        if (n == 0) break;
        if (n == (ssize_t)sizeof a) status = take_answer(g, &a);
    }
    return status;
}

static nb_status work_here(gang *g, int64_t task)
{
    _Alignas(max_align_t) char bytes[NB_CREW_ANSWER] = {0};
    nb_status status = nb_poll(g->ctx);
    if (status == NB_OK) status = g->crew->work(g->ctx, g->crew->self, task, bytes);
    if (status == NB_OK) take(g, task, bytes);
    return status;
}

/* The error object of a function of the host stayed in the copy: it is called for here. */
static nb_status fail_here(gang *g)
{
    nb_status status = work_here(g, g->failed);
    if (status != NB_OK) return status;
    return nb_fail(g->ctx, NB_EARG,
                   "a function failed in one process and not in another, so it hangs on more than "
                   "what it is given: %.*s",
                   NB_MESSAGE_MAX / 2, g->said);
}

/* What is not done, by so many copies. */
static nb_status run_in(gang *g, int64_t copies)
{
    g->scant = false;
    if (!prepare(g)) return NB_OK;
    begin(g, (int)copies);
    nb_status status = listen(g);
    end(g, status != NB_OK);
    g->copies = 0;
    return g->failed >= 0 ? fail_here(g) : status;
}

static nb_status run(gang *g)
{
    int64_t copies = nb_least_i64(g->ctx->threads, g->crew->tasks);
    nb_status status = NB_OK;
    for (g->scant = true; g->scant && copies > 1 && status == NB_OK; copies /= 2)
        status = run_in(g, copies);
    for (int64_t i = 0; i < g->crew->tasks && status == NB_OK; i++)
        if (!g->done[i]) status = work_here(g, i);
    return status;
}

nb_status nb_crew_run(nb_ctx *ctx, const nb_crew *crew)
{
    gang g = {.ctx = ctx, .crew = crew, .pipe = {-1, -1}, .failed = -1};
    size_t bytes = (size_t)crew->tasks;
    g.done = nb_alloc_zero(ctx, 1, bytes ? bytes : 1);
    if (!g.done) return ctx->status;
    nb_status status = run(&g);
    nb_free(ctx, g.done, bytes ? bytes : 1);
    return status;
}

/* ---- Memory that all share ------------------------------------------------------------------- */

void *nb_crew_block(nb_ctx *ctx, size_t bytes)
{
    nb_memory *memory = &ctx->memory;
    void *block = MAP_FAILED;
    if (nb_memory_has_room(ctx, bytes))
        block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        char text[NB_SIZE_TEXT_MAX];
        nb_fail(ctx, NB_EMEMORY, "not enough memory for %s that copies share",
                nb_size_text(bytes, text));
        return NULL;
    }
    memory->live += bytes;
    if (memory->live + memory->pooled > memory->peak) memory->peak = memory->live + memory->pooled;
    return block;
}

void nb_crew_free(nb_ctx *ctx, void *block, size_t bytes)
{
    if (!block) return;
    munmap(block, bytes);
    ctx->memory.live -= bytes;
}
