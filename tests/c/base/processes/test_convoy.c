/* Tasks spread over copies of a process and over processes: each is done once, all get the same
 * answers in the same order, whatever becomes of a copy. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "base/processes/convoy.h"
#include "base/memory.h"
#include "base/workers.h"

#include "fake_peers.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CHECK(what)                                                                                \
    if (!(what)) return fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #what, ctx->message), false

enum { TASKS = 60, LONG = 200000 };

/* What is asked for; -1: no task. */
typedef struct field {
    int64_t tasks, killed, left, long_one, scant, fails, breaks_at;
    int threads, deviates; /* deviates: the rank that runs another sweep; -1: none */
} field;

static const field plain = {.tasks = TASKS,
                            .killed = -1,
                            .left = -1,
                            .long_one = -1,
                            .scant = -1,
                            .fails = -1,
                            .breaks_at = -1,
                            .threads = 3,
                            .deviates = -1};

static nb_status work(nb_ctx *ctx, void *self, int64_t task, bool alone, nb_text *answer)
{
    const field *f = self;
    if (task == f->killed) raise(SIGKILL);
    if (task == f->left) _exit(7);
    if (task == f->fails) return nb_fail(ctx, NB_EVALUE, "this one fails");
    if (task == f->scant && !alone) return nb_fail(ctx, NB_EMEMORY, "not enough memory");
    nb_text_add(answer, "%lld squared is %lld%s", (long long)task, (long long)(task * task),
                ctx->threads == 1 && !ctx->peers && !ctx->interrupt ? "" : " in no copy");
    for (int i = 0; task == f->long_one && i < LONG; i++) nb_text_add(answer, " and so on");
    return NB_OK;
}

/* What task i answers when nothing happens to it. */
static bool is_right(const nb_fleet_answer *answer)
{
    char words[64];
    int length = snprintf(words, sizeof words, "%lld squared is %lld", (long long)answer->task,
                          (long long)(answer->task * answer->task));
    return !answer->failed && answer->length >= (size_t)length &&
           memcmp(answer->text, words, (size_t)length) == 0;
}

static bool says(const nb_fleet_answer *answer, const char *words)
{
    return answer->failed && memmem(answer->text, answer->length, words, strlen(words));
}

static bool judge(nb_ctx *ctx, const field *f, const nb_fleet_answer *answer)
{
    int64_t task = answer->task;
    if (task == f->killed) {
        CHECK(says(answer, "signal 9"));
    } else if (task == f->left) {
        CHECK(says(answer, "code 7"));
    } else if (task == f->fails) {
        CHECK(says(answer, "this one fails") && answer->length == strlen("this one fails"));
    } else {
        CHECK(is_right(answer));
        CHECK(answer->length > 1000000 || task != f->long_one);
        CHECK(answer->length < 64 || task == f->long_one);
    }
    return true;
}

/* Processes tell each other the order that they saw. */
static bool is_the_same(nb_ctx *ctx, const int64_t *order, int64_t count)
{
    int64_t others[TASKS];
    size_t came;
    if (!ctx->peers) return true;
    for (int r = 1; r < ctx->peers->ranks; r++) {
        if (ctx->peers->rank == r)
            CHECK(nb_peers_send(ctx, 0, order, (size_t)count * sizeof *order) == NB_OK);
        if (ctx->peers->rank > 0) continue;
        CHECK(nb_peers_receive(ctx, r, others, sizeof others, &came, NULL) == NB_OK);
        CHECK(came == (size_t)count * sizeof *order && memcmp(others, order, came) == 0);
    }
    return true;
}

static bool take_all(nb_ctx *ctx, const field *f, nb_convoy *convoy)
{
    int64_t order[TASKS], count = 0;
    int seen[TASKS] = {0};
    nb_fleet_answer answer;
    do {
        CHECK(nb_convoy_next(convoy, &answer) == NB_OK);
        if (answer.task < 0) break;
        CHECK(answer.task < f->tasks && !seen[answer.task]++);
        if (!judge(ctx, f, &answer)) return false;
        order[count++] = answer.task;
    } while (true);
    CHECK(count == f->tasks);
    CHECK(nb_convoy_next(convoy, &answer) == NB_OK && answer.task == -1);
    CHECK(count < 2 || f->scant < 0 || ctx->peers || order[count - 1] == f->scant);
    return is_the_same(ctx, order, count);
}

static bool run(nb_ctx *ctx, void *arg)
{
    field *f = arg;
    ctx->threads = f->threads;
    nb_convoy_plan plan = {.tasks = f->tasks, .work = work, .self = f};
    nb_convoy *convoy = nb_convoy_new(ctx, &plan);
    CHECK(convoy);
    bool fine = take_all(ctx, f, convoy);
    nb_convoy_free(convoy);
    return fine;
}

/* ---- In one process -------------------------------------------------------------------------- */

static void run_here(const field *f)
{
    field own = *f;
    alarm(FAKE_PEERS_SECONDS);
    nb_ctx *ctx = nb_ctx_new();
    assert_non_null(ctx);
    assert_true(run(ctx, &own));
    nb_pool_trim(ctx);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
    alarm(0);
}

static void each_task_is_done_once(void **state)
{
    field f = plain;
    (void)state;
    for (f.threads = 1; f.threads < 9; f.threads += 3) run_here(&f);
    f.tasks = 0;
    run_here(&f);
    f.tasks = 1;
    run_here(&f);
}

static field with_trouble(void)
{
    field f = plain;
    f.killed = 3;
    f.left = 20;
    f.long_one = 21;
    f.scant = 5;
    f.fails = TASKS - 1;
    return f;
}

static void a_copy_that_ends_is_an_answer(void **state)
{
    (void)state;
    const field f = with_trouble();
    run_here(&f);
}

static nb_status wait_for_ever(nb_ctx *ctx, void *self, int64_t task, bool alone, nb_text *answer)
{
    (void)ctx;
    (void)self;
    (void)alone;
    (void)answer;
    while (task >= 0) pause();
    return NB_OK;
}

static void ctrl_c_ends_all(void **state)
{
    volatile sig_atomic_t pressed = 0;
    const nb_convoy_plan plan = {.tasks = TASKS, .work = wait_for_ever};
    nb_fleet_answer answer;
    (void)state;
    alarm(FAKE_PEERS_SECONDS);
    nb_ctx *ctx = nb_ctx_new();
    nb_convoy *convoy = nb_convoy_new(ctx, &plan);
    assert_non_null(convoy);
    pressed = 1;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_convoy_next(convoy, &answer), NB_EINTERRUPT);
    nb_convoy_free(convoy);
    nb_ctx_free(ctx);
    alarm(0);
}

/* ---- Over processes -------------------------------------------------------------------------- */

static void processes_get_the_same_answers(void **state)
{
    (void)state;
    for (int ranks = 1; ranks < 6; ranks++) {
        field f = with_trouble();
        f.threads = 1 + ranks % 2;
        assert_true(fake_peers_run(ranks, run, &f));
    }
}

static bool fewer_than_processes(nb_ctx *ctx, void *arg)
{
    field *f = arg;
    for (f->tasks = 0; f->tasks < 4; f->tasks++)
        if (!run(ctx, f)) return false;
    return true;
}

static void there_may_be_fewer_tasks_than_processes(void **state)
{
    field f = plain;
    (void)state;
    assert_true(fake_peers_run(5, fewer_than_processes, &f));
}

static bool other_sweep(nb_ctx *ctx, void *arg)
{
    field *f = arg;
    const char *const names[NB_PEERS_DIGESTS] = {"lr", "seed"};
    const uint64_t digest[NB_PEERS_DIGESTS] = {1, ctx->peers->rank == f->deviates ? 2 : 1};
    const nb_convoy_plan plan = {
        .tasks = f->tasks, .digest = digest, .names = names, .work = work, .self = f};
    CHECK(!nb_convoy_new(ctx, &plan));
    CHECK(ctx->status == NB_EARG && strstr(ctx->message, "seed differs between process"));
    return true;
}

static void another_sweep_is_told(void **state)
{
    field f = plain;
    (void)state;
    for (f.deviates = 0; f.deviates < 3; f.deviates++)
        assert_true(fake_peers_run(3, other_sweep, &f));
}

/* One process stops in the midst, by Ctrl-C or because its script fails: all stop. */
static bool one_stops(nb_ctx *ctx, void *arg)
{
    field *f = arg;
    volatile sig_atomic_t pressed = 1;
    bool mine = ctx->peers->rank == f->deviates, by_key = f->breaks_at < 0;
    const nb_convoy_plan plan = {.tasks = f->tasks, .work = work, .self = f};
    nb_fleet_answer answer;
    nb_convoy *convoy = nb_convoy_new(ctx, &plan);
    CHECK(convoy);
    if (mine && by_key) ctx->interrupt = &pressed;
    if (mine && !by_key) {
        nb_convoy_free(convoy);
        return true;
    }
    nb_status status = NB_OK;
    while (status == NB_OK && (status = nb_convoy_next(convoy, &answer)) == NB_OK)
        CHECK(answer.task >= 0);
    nb_convoy_free(convoy);
    CHECK(status == (by_key ? NB_EINTERRUPT : NB_EARG));
    CHECK(by_key || strstr(ctx->message, "it has left a sweep before its end"));
    ctx->interrupt = NULL;
    return true;
}

static void where_one_stops_all_stop(void **state)
{
    (void)state;
    for (int rank = 0; rank < 3; rank++)
        for (int way = -1; way < 1; way++) {
            field f = plain;
            f.deviates = rank;
            f.breaks_at = way;
            assert_true(fake_peers_run(3, one_stops, &f));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_is_done_once),
        cmocka_unit_test(a_copy_that_ends_is_an_answer),
        cmocka_unit_test(ctrl_c_ends_all),
        cmocka_unit_test(processes_get_the_same_answers),
        cmocka_unit_test(there_may_be_fewer_tasks_than_processes),
        cmocka_unit_test(another_sweep_is_told),
        cmocka_unit_test(where_one_stops_all_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
