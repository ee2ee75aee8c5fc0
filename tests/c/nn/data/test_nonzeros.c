/* Rows of non-zeros: what is gathered of them is what rows with all their zeros give, scaled or
 * not, in any order; what they hold is counted in bytes. */
#include "nn/data/set.h"

#include "../../support.h"

#include "base/memory.h"

#include <math.h>

enum { ROWS = 5, COLUMNS = 7 };

/* The same numbers twice; row 3 is all zeros, and columns of rows stand in no order. */
static const int8_t column_of[] = {6, 0, 3, 2, 5, 1, 4, 0, 1, 2, 3, 4, 5, 6};
static const int64_t starts[ROWS + 1] = {0, 3, 6, 6, 7, 14};

static double value_of(int at)
{
    return 0.5 * at - 2.25;
}

static nb_feed *packed(nb_dtype dtype)
{
    nb_nonzeros list;
    assert_int_equal(nb_nonzeros_new(ctx, ROWS, starts[ROWS], COLUMNS, dtype, &list), NB_OK);
    memcpy(list.start, starts, sizeof starts);
    for (int at = 0; at < starts[ROWS]; at++)
        nb_nonzeros_put(&list, at, column_of[at], value_of(at));
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    assert_non_null(feed);
    assert_null(list.start);
    return feed;
}

static nb_feed *dense(nb_dtype dtype)
{
    nb_tensor *x = nb_tensor_zeros(ctx, dtype, SHAPE(ROWS, COLUMNS));
    for (int64_t i = 0; i < ROWS; i++)
        for (int64_t at = starts[i]; at < starts[i + 1]; at++)
            nb_tensor_set(x, (const int64_t[]){i, column_of[at]}, value_of((int)at));
    nb_feed *feed = nb_feed_of_tensor(ctx, x, "x");
    nb_tensor_release(ctx, x);
    return feed;
}

/* Both feeds give the same numbers for these rows. */
static void check_same(nb_dtype from, nb_dtype to, const nb_scale *scale)
{
    static const int32_t order[] = {4, 2, 0, 0, 3, 1};
    enum { PICKED = 6 };
    nb_feed *a = packed(from), *b = dense(from);
    const nb_pick pick = {.order = order, .n = PICKED};
    double got[PICKED * COLUMNS], wanted[PICKED * COLUMNS];
    size_t bytes = PICKED * COLUMNS * nb_dtype_size(to);
    memset(got, 0x55, sizeof got);
    assert_int_equal(nb_feed_gather(ctx, a, &pick, scale, &(nb_room){got, to, COLUMNS}), NB_OK);
    assert_int_equal(nb_feed_gather(ctx, b, &pick, scale, &(nb_room){wanted, to, COLUMNS}), NB_OK);
    assert_memory_equal(got, wanted, bytes);
    a->type->prefetch(a, &pick, PICKED);
    nb_feed_release(ctx, a);
    nb_feed_release(ctx, b);
}

static void test_gathers(void **state)
{
    (void)state;
    const nb_dtype kinds[] = {NB_F32, NB_F64};
    nb_scale *factor = nb_scale_new(ctx, 1, NULL, VALUES(3));
    nb_scale *one = nb_scale_new(ctx, 1, VALUES(0.5), VALUES(2));
    nb_scale *each =
        nb_scale_new(ctx, COLUMNS, VALUES(1, 0, -1, 2, 0.5, 0, 3), VALUES(2, 1, 4, 0.5, 1, 8, 1));
    for (int i = 0; i < 4; i++) {
        check_same(kinds[i / 2], kinds[i % 2], NULL);
        check_same(kinds[i / 2], kinds[i % 2], factor);
        check_same(kinds[i / 2], kinds[i % 2], one);
        check_same(kinds[i / 2], kinds[i % 2], each);
    }
    nb_scale_release(ctx, factor);
    nb_scale_release(ctx, one);
    nb_scale_release(ctx, each);
}

/* A million of them would take 248 MB: eight bytes each and eight a row. */
static void test_bytes(void **state)
{
    (void)state;
    enum { MANY = 1000, EACH = 30, WIDE = 50000 };
    nb_nonzeros list;
    size_t before = ctx->memory.live;
    assert_int_equal(nb_nonzeros_new(ctx, MANY, MANY * EACH, WIDE, NB_F32, &list), NB_OK);
    for (int64_t i = 0; i < MANY * EACH; i++) nb_nonzeros_put(&list, i, WIDE - 1 - i % EACH, 1);
    for (int64_t i = 0; i <= MANY; i++) list.start[i] = i * EACH;
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    assert_in_range(ctx->memory.live - before, MANY * EACH * 8, MANY * EACH * 10);
    nb_feed_release(ctx, feed);
    assert_int_equal(ctx->memory.live, before);
}

static void test_refuses(void **state)
{
    (void)state;
    nb_nonzeros list;
    assert_int_equal(nb_nonzeros_new(ctx, 0, 0, 3, NB_F32, &list), NB_ESHAPE);
    assert_string_equal(ctx->message, "there are no rows");
    assert_int_equal(nb_nonzeros_new(ctx, 1, 0, 0, NB_F32, &list), NB_ESHAPE);
    assert_string_equal(ctx->message, "rows have 1 to 2147483647 columns, not 0");
    assert_int_equal(nb_nonzeros_new(ctx, 2, 0, INT32_MAX, NB_F32, &list), NB_OK);
    nb_nonzeros_free(ctx, &list);
}

static void test_stops(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_nonzeros list;
    assert_int_equal(nb_nonzeros_new(ctx, 3, 0, 4, NB_F32, &list), NB_OK);
    ctx->interrupt = &pressed;
    assert_null(nb_feed_of_nonzeros(ctx, &list));
    ctx->interrupt = NULL;
    assert_non_null(list.start);
    nb_nonzeros_free(ctx, &list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(gathers), TEST(bytes), TEST(refuses), TEST(stops)};
    return cmocka_run_group_tests_name("nonzeros", tests, NULL, NULL);
}
