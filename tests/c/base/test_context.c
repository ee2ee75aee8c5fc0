/* Status, messages, dtypes, and a context's first state. */
#include "base/context.h"
#include "base/workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = nb_ctx_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nb_ctx_free(*state);
    return 0;
}

/* Catches a default that changes what scripts compute. */
static void test_new_context(void **state)
{
    nb_ctx *ctx = *state;
    assert_int_equal(ctx->status, NB_OK);
    assert_string_equal(ctx->message, "");
    assert_int_equal(ctx->dtype, NB_F32);
    assert_true(ctx->recording);
    assert_true(ctx->seed == 0 && ctx->draws == 0 && ctx->sequence == 0);
    assert_null(ctx->interrupt);
    assert_null(ctx->host);
    assert_int_equal(ctx->memory.live, 0);
    assert_int_equal(ctx->memory.limit, nb_memory_available());
    assert_int_equal(ctx->memory.pool_cap, NB_POOL_CAP);
    assert_in_range(ctx->threads, 1, NB_MAX_THREADS);
    nb_ctx_free(NULL);
}

static void test_fail(void **state)
{
    nb_ctx *ctx = *state;
    assert_int_equal(nb_fail(ctx, NB_ESHAPE, "%d and %s", 3, "four"), NB_ESHAPE);
    assert_int_equal(ctx->status, NB_ESHAPE);
    assert_string_equal(ctx->message, "3 and four");
    assert_null(nb_fail_null(ctx, NB_EIO, "no %s", "file"));
    assert_int_equal(ctx->status, NB_EIO);
    assert_string_equal(ctx->message, "no file");
}

/* Catches a message formatted from itself being overwritten while it is read, and a prefix that
 * changes the status. */
static void test_fail_in(void **state)
{
    nb_ctx *ctx = *state;
    nb_fail(ctx, NB_EVALUE, "NaN in w");
    nb_fail_in(ctx, "layer %d", 2);
    assert_string_equal(ctx->message, "layer 2: NaN in w");
    assert_int_equal(ctx->status, NB_EVALUE);
    nb_fail(ctx, NB_EARG, "net: %s", ctx->message);
    assert_string_equal(ctx->message, "net: layer 2: NaN in w");
}

/* A message of one byte less than NB_MESSAGE_MAX is whole, a longer one is cut and still ends. */
static void test_message_limit(void **state)
{
    nb_ctx *ctx = *state;
    char line[2 * NB_MESSAGE_MAX + 1];
    memset(line, 'x', sizeof line);
    line[NB_MESSAGE_MAX - 1] = '\0';
    nb_fail(ctx, NB_EARG, "%s", line);
    assert_string_equal(ctx->message, line);
    line[NB_MESSAGE_MAX - 1] = 'x';
    line[sizeof line - 1] = '\0';
    nb_fail(ctx, NB_EARG, "%s", line);
    assert_int_equal(strlen(ctx->message), NB_MESSAGE_MAX - 1);
    nb_fail_in(ctx, "%s", line);
    assert_int_equal(strlen(ctx->message), NB_MESSAGE_MAX - 1);
}

/* Catches a cut in the middle of a character: the euro sign has three bytes, and every offset of it
 * to the end of the message is tried. */
static void test_message_cut_between_characters(void **state)
{
    nb_ctx *ctx = *state;
    for (int before = NB_MESSAGE_MAX - 5; before < NB_MESSAGE_MAX; before++) {
        nb_fail(ctx, NB_EARG, "%*s\xE2\x82\xAC%s", before, "", "tail");
        size_t length = strlen(ctx->message);
        const char *end = ctx->message + before;
        if (before + 3 < NB_MESSAGE_MAX) {
            assert_memory_equal(end, "\xE2\x82\xAC", 3);
        } else {
            assert_int_equal(length, before);
        }
    }
}

/* Bytes that are no UTF-8 at all must not empty the message. */
static void test_message_of_stray_bytes(void **state)
{
    nb_ctx *ctx = *state;
    char line[NB_MESSAGE_MAX + 1];
    memset(line, 0x80, sizeof line);
    line[NB_MESSAGE_MAX] = '\0';
    nb_fail(ctx, NB_EARG, "%s", line);
    assert_in_range(strlen(ctx->message), NB_MESSAGE_MAX - 4, NB_MESSAGE_MAX - 1);
}

static void test_poll(void **state)
{
    nb_ctx *ctx = *state;
    volatile sig_atomic_t pressed = 0;
    assert_false(nb_interrupted(ctx));
    assert_int_equal(nb_poll(ctx), NB_OK);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_poll(ctx), NB_OK);
    pressed = 1;
    assert_true(nb_interrupted(ctx));
    assert_int_equal(nb_poll(ctx), NB_EINTERRUPT);
    assert_string_equal(ctx->message, "interrupted");
    ctx->interrupt = NULL;
}

static void test_dtypes(void **state)
{
    static const struct {
        nb_dtype dtype;
        const char *name;
        size_t size;
        bool computes;
    } rows[] = {
        {NB_F32, "f32", 4, true},
        {NB_F64, "f64", 8, true},
        {NB_U8, "u8", 1, false},
        {NB_I32, "i32", 4, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nb_dtype found = NB_DTYPES;
        assert_int_equal(nb_dtype_size(rows[i].dtype), rows[i].size);
        assert_string_equal(nb_dtype_name(rows[i].dtype), rows[i].name);
        assert_int_equal(nb_dtype_computes(rows[i].dtype), rows[i].computes);
        assert_true(nb_dtype_from_name(rows[i].name, &found));
        assert_int_equal(found, rows[i].dtype);
    }
}

static void test_no_dtype(void **state)
{
    static const char *const names[] = {"", "f", "f16", "F32", "f32 ", "double"};
    nb_dtype found = NB_U8;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(nb_dtype_from_name(names[i], &found));
        assert_int_equal(found, NB_U8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_context, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message_cut_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message_of_stray_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll, setup, teardown),
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_no_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
