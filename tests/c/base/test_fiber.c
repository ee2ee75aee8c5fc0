/* Fibers: that calls take turns, keep what is on their stacks, and are gone when they have ended.
 */
#include "base/fiber.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HANG_SECONDS = 120, MANY = 200 };

static int setup(void **state)
{
    alarm(HANG_SECONDS);
    *state = nb_ctx_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nb_ctx_free(*state);
    alarm(0);
    return 0;
}

typedef struct walker {
    nb_ctx *ctx;
    nb_fiber *fiber;
    char *log;
    char name;
    int stops;
    struct walker *inner; /* that it runs itself */
} walker;

static void say(walker *w, char what)
{
    size_t end = strlen(w->log);
    w->log[end] = w->name;
    w->log[end + 1] = what;
    w->log[end + 2] = '\0';
}

static void walk(void *arg)
{
    walker *w = arg;
    for (int i = 0; i < w->stops; i++) {
        say(w, (char)('0' + i));
        while (w->inner && i == 0 && !nb_fiber_enter(w->inner->fiber)) say(w, '-');
        nb_fiber_leave(w->fiber);
    }
    say(w, '.');
}

static void start(walker *w)
{
    w->fiber = nb_fiber_new(w->ctx, walk, w);
    assert_non_null(w->fiber);
}

static void test_turns(void **state)
{
    char log[64] = "";
    walker a = {.ctx = *state, .log = log, .name = 'a', .stops = 2};
    walker b = {.ctx = *state, .log = log, .name = 'b', .stops = 1};
    start(&a);
    start(&b);
    assert_false(nb_fiber_enter(a.fiber));
    assert_false(nb_fiber_enter(b.fiber));
    assert_false(nb_fiber_enter(a.fiber));
    assert_true(nb_fiber_enter(b.fiber));
    assert_true(nb_fiber_enter(a.fiber));
    assert_string_equal(log, "a0b0a1b.a.");
    nb_fiber_free(a.fiber);
    nb_fiber_free(b.fiber);
}

/* One that enters another itself. */
static void test_nested(void **state)
{
    char log[64] = "";
    walker b = {.ctx = *state, .log = log, .name = 'b', .stops = 2};
    walker a = {.ctx = *state, .log = log, .name = 'a', .stops = 2, .inner = &b};
    start(&a);
    start(&b);
    assert_false(nb_fiber_enter(a.fiber));
    assert_string_equal(log, "a0b0a-b1a-b.");
    assert_false(nb_fiber_enter(a.fiber));
    assert_true(nb_fiber_enter(a.fiber));
    nb_fiber_free(a.fiber);
    nb_fiber_free(b.fiber);
}

typedef struct digger {
    nb_fiber *fiber;
    unsigned depth, sum;
} digger;

/* Numbers on the stack, of which the others must not touch one: 1 KiB at each depth. */
static unsigned dig(digger *d, unsigned depth)
{
    volatile unsigned held[256];
    for (unsigned i = 0; i < 256; i++) held[i] = depth * 256 + i;
    unsigned below = depth ? dig(d, depth - 1) : 0;
    if (depth == 0) nb_fiber_leave(d->fiber);
    for (unsigned i = 0; i < 256; i++) below += held[i] - (depth * 256 + i);
    return below + 1;
}

static void run_digger(void *arg)
{
    digger *d = arg;
    d->sum = dig(d, d->depth);
}

/* Many at once, some with much of their stacks in use; and again. */
static void test_deep_and_many(void **state)
{
    static digger d[MANY];
    nb_ctx *ctx = *state;
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            d[i] = (digger){.depth = i < 4 ? 1000 : i % 7};
            d[i].fiber = nb_fiber_new(ctx, run_digger, &d[i]);
            assert_non_null(d[i].fiber);
            assert_false(nb_fiber_enter(d[i].fiber));
        }
        for (unsigned i = 0; i < MANY; i++) {
            assert_true(nb_fiber_enter(d[i].fiber));
            assert_int_equal(d[i].sum, d[i].depth + 1);
            nb_fiber_free(d[i].fiber);
        }
    }
}

/* One that never began is given back like one that has ended. */
static void test_unused(void **state)
{
    nb_ctx *ctx = *state;
    digger d = {.depth = 1};
    nb_fiber_free(nb_fiber_new(ctx, run_digger, &d));
    nb_fiber_free(NULL);
    d.fiber = nb_fiber_new(ctx, run_digger, &d);
    assert_non_null(d.fiber);
    assert_false(nb_fiber_enter(d.fiber));
    assert_true(nb_fiber_enter(d.fiber));
    nb_fiber_free(d.fiber);
}

static void fork_inside(void *arg)
{
    digger *d = arg;
    pid_t child = fork();
    nb_fiber_leave(d->fiber);
    if (child == 0) _exit(7);
    int status = 0;
    waitpid(child, &status, 0);
    d->sum = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
}

/* A copy of the process has them too, and they go on there. */
static void test_copies(void **state)
{
    nb_ctx *ctx = *state;
    digger d = {.sum = 0};
    d.fiber = nb_fiber_new(ctx, fork_inside, &d);
    assert_non_null(d.fiber);
    assert_false(nb_fiber_enter(d.fiber));
    assert_true(nb_fiber_enter(d.fiber));
    assert_int_equal(d.sum, 7);
    nb_fiber_free(d.fiber);
}

static void test_no_memory(void **state)
{
    nb_ctx *ctx = *state;
    struct rlimit before, none = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    if (getrlimit(RLIMIT_AS, &before) != 0 || before.rlim_cur != RLIM_INFINITY) skip();
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    nb_fiber *fiber = nb_fiber_new(ctx, walk, NULL);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_null(fiber);
    assert_int_equal(ctx->status, NB_EMEMORY);
    assert_string_equal(ctx->message, "not enough memory for a stack");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nested, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deep_and_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests_name("fiber", tests, NULL, NULL);
}
