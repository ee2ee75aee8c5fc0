/* Work in a copy of the process that can be ended. An alarm turns a hang into a failure; nothing
 * else here looks at a clock. */
#include "base/processes/errand.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HANG_SECONDS = 120, NUMBERS = 100000 };

static nb_ctx *ctx;
static volatile sig_atomic_t interrupted;
static double number[NUMBERS];
static int info, beside;
static pid_t who;

static int setup(void **state)
{
    (void)state;
    alarm(HANG_SECONDS);
    ctx = nb_ctx_new();
    interrupted = 0;
    if (ctx) ctx->interrupt = &interrupted;
    memset(number, 0, sizeof number);
    info = beside = 7;
    who = 0;
    return ctx ? 0 : -1;
}

/* No child is left and no memory. */
static int teardown(void **state)
{
    (void)state;
    bool child = waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
    bool memory = ctx->memory.live != 0;
    nb_ctx_free(ctx);
    alarm(0);
    return child || memory ? -1 : 0;
}

static nb_errand errand_of(double operations)
{
    return (nb_errand){
        .operations = operations,
        .written = {{number, sizeof number}, {NULL, 5}, {&info, sizeof info}, {&who, sizeof who}}};
}

static void work(void)
{
    for (int i = 0; i < NUMBERS; i++) number[i] = i + 0.5;
    info = 3;
    beside = 4;
    who = getpid();
}

static nb_status run(nb_errand *e)
{
    if (nb_errand_begin(ctx, e)) work();
    return nb_errand_end(ctx, e);
}

static void check_numbers(void)
{
    for (int i = 0; i < NUMBERS; i++) assert_true(number[i] == i + 0.5);
    assert_int_equal(info, 3);
}

static void test_long_work_goes_away(void **state)
{
    (void)state;
    nb_errand e = errand_of(NB_ERRAND_LEAST);
    assert_int_equal(run(&e), NB_OK);
    check_numbers();
    assert_int_not_equal(who, getpid());
    assert_int_equal(beside, 7);
}

/* Short work, or where nobody can ask for an end, or memory is short. */
static void test_else_it_stays(void **state)
{
    (void)state;
    nb_errand brief = errand_of(NB_ERRAND_LEAST / 2), first = errand_of(1e300), second = first;
    assert_int_equal(run(&brief), NB_OK);
    check_numbers();
    assert_int_equal(who, getpid());
    who = 0;
    ctx->interrupt = NULL;
    assert_int_equal(run(&first), NB_OK);
    assert_int_equal(who, getpid());
    who = 0;
    ctx->interrupt = &interrupted;
    ctx->memory.limit = nb_memory_used(&ctx->memory) + sizeof number / 2;
    assert_int_equal(run(&second), NB_OK);
    assert_int_equal(who, getpid());
}

/* A copy that never ends is ended, and nothing has been written. */
static void test_interrupt(void **state)
{
    (void)state;
    nb_errand e = errand_of(1e300);
    interrupted = 1;
    if (nb_errand_begin(ctx, &e)) {
        if (e.away) pause();
        work();
    }
    assert_int_equal(nb_errand_end(ctx, &e), NB_EINTERRUPT);
    assert_int_equal(info, 7);
    assert_true(number[1] == 0);
}

/* What a copy that is killed did not do is done here. */
static void test_a_killed_copy(void **state)
{
    (void)state;
    nb_errand e = errand_of(1e300);
    if (nb_errand_begin(ctx, &e)) {
        if (e.away) kill(getpid(), SIGKILL);
        work();
    }
    assert_int_equal(nb_errand_end(ctx, &e), NB_OK);
    check_numbers();
    assert_int_equal(who, getpid());
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(long_work_goes_away),
        TEST(else_it_stays),
        TEST(interrupt),
        TEST(a_killed_copy),
    };
    return cmocka_run_group_tests_name("errand", tests, NULL, NULL);
}
