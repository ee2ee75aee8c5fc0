/* The limit of memory: what counts against it, what is asked of the machine, what the message says.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exactly the limit is allowed, a byte less of it is not; the message has the figures. */
static void test_limit(void **state)
{
    nb_ctx *ctx = *state;
    void *held = nb_alloc(ctx, 458752);
    ctx->memory.limit = 458752 + 14336;
    void *block = nb_alloc(ctx, 14336);
    assert_non_null(block);
    nb_free(ctx, block, 14336);
    nb_pool_trim(ctx);
    ctx->memory.limit--;
    assert_null(nb_alloc(ctx, 14336));
    assert_int_equal(ctx->status, NB_EMEMORY);
    ctx->memory.limit = 460000;
    assert_null(nb_alloc(ctx, 12345));
    assert_string_equal(ctx->message,
                        "not enough memory for 12.3 kB (limit 460 kB, in use 459 kB)");
    assert_null(nb_alloc(ctx, 460001));
    assert_int_equal(ctx->memory.live, 458752);
    nb_free(ctx, held, 458752);
}

/* The units of the message turn over where three digits would be four. */
static void test_units(void **state)
{
    static const struct {
        size_t bytes;
        const char *text;
    } rows[] = {
        {200, "200 bytes"},
        {999, "999 bytes"},
        {1000, "1 kB"},
        {999499, "999 kB"},
        {999500, "1 MB"},
        {12300000, "12.3 MB"},
        {512000000, "512 MB"},
        {(size_t)3 << 30, "3.22 GB"},
        {(size_t)5 << 40, "5.5 TB"},
        {(size_t)1 << 60, "1.15 EB"},
    };
    char expected[100];
    nb_ctx *ctx = *state;
    ctx->memory.limit = 100;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(nb_alloc(ctx, rows[i].bytes));
        snprintf(expected, sizeof expected,
                 "not enough memory for %s (limit 100 bytes, in use 0 bytes)", rows[i].text);
        assert_string_equal(ctx->message, expected);
    }
}

/* What waits in the pool counts against the limit, and is given back before a request is refused.
 */
static void test_limit_trims_pool(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.limit = 4096;
    nb_free(ctx, nb_alloc(ctx, 2048), 2048);
    assert_int_equal(ctx->memory.pooled, 2048);
    void *block = nb_alloc(ctx, 4096);
    assert_non_null(block);
    assert_int_equal(ctx->memory.pooled, 0);
    assert_int_equal(ctx->memory.peak, 4096);
    nb_free(ctx, block, 4096);
}

/* Limit 0 is no limit; the message then names none. */
static void test_no_limit(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.limit = 0;
    ctx->memory.fail_at = 1;
    assert_null(nb_alloc(ctx, 2000));
    assert_string_equal(ctx->message, "not enough memory for 2 kB (in use 0 bytes)");
    void *block = nb_alloc(ctx, 2000);
    assert_non_null(block);
    nb_free(ctx, block, 2000);
}

/* What the host holds beside counts, for its requests and for the core's. */
static void test_beside(void **state)
{
    nb_ctx *ctx = *state;
    size_t beside = 3000;
    const size_t more = NB_MEMORY_ODDMENT;
    ctx->memory.limit = 4096;
    ctx->memory.beside = &beside;
    assert_null(nb_alloc(ctx, 1280));
    assert_string_equal(ctx->message, "not enough memory for 1.28 kB (limit 4.1 kB, in use 3 kB)");
    void *block = nb_alloc(ctx, 1024);
    assert_non_null(block);
    assert_int_equal(nb_memory_used(&ctx->memory), 4024);
    assert_true(nb_memory_has_room(ctx, more + 72));
    assert_false(nb_memory_has_room(ctx, more + 73));
    nb_free(ctx, block, 1024);
    assert_true(nb_memory_has_room(ctx, more + 72));
    assert_int_equal(ctx->memory.pooled, 1024);
    assert_true(nb_memory_has_room(ctx, more + 73)); /* the pool gives way */
    assert_int_equal(ctx->memory.pooled, 0);
    assert_false(nb_memory_has_room(ctx, SIZE_MAX));
}

/* Past the limit there is the reserve, counted from what is held, and only where it was lent. */
static void test_lent(void **state)
{
    nb_ctx *ctx = *state;
    size_t beside = 5000;
    ctx->memory.beside = &beside;
    ctx->memory.limit = 4096;
    assert_false(nb_memory_has_room(ctx, NB_MEMORY_ODDMENT));
    nb_memory_lend(ctx);
    assert_true(nb_memory_has_room(ctx, NB_MEMORY_RESERVE));
    assert_false(nb_memory_has_room(ctx, NB_MEMORY_RESERVE + 1));
    beside += NB_MEMORY_RESERVE;
    assert_false(nb_memory_has_room(ctx, 1));
    nb_memory_lend(ctx);
    assert_true(nb_memory_has_room(ctx, 1));
}

static size_t left_now;
static int times_asked;

static size_t tell_left(void)
{
    times_asked++;
    return left_now;
}

/* Under the limit the machine must have it too; it is not asked for every block. */
static void test_machine(void **state)
{
    nb_ctx *ctx = *state;
    ctx->memory.left = tell_left;
    left_now = (size_t)400 << 20;
    times_asked = 0;
    assert_false(nb_memory_has_room(ctx, left_now + 1));
    assert_true(nb_memory_has_room(ctx, 1));
    assert_int_equal(times_asked, 2);
    assert_true(nb_memory_has_room(ctx, (size_t)100 << 20));
    assert_int_equal(times_asked, 2);
    assert_true(nb_memory_has_room(ctx, (size_t)101 << 20));
    assert_int_equal(times_asked, 3);
    left_now = 0;
    assert_null(nb_alloc(ctx, (size_t)500 << 20));
    assert_string_equal(ctx->message, "not enough memory for 524 MB (in use 0 bytes)");
    ctx->memory.limit = 0;
    assert_true(nb_memory_has_room(ctx, (size_t)500 << 20));
}

/* A machine that can run this has at least a few megabytes. */
static void test_available(void **state)
{
    (void)state;
    assert_true(nb_memory_available() > (size_t)8 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_units, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit_trims_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_beside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_machine, setup, teardown),
        cmocka_unit_test(test_available),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
