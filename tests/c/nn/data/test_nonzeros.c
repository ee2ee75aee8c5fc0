/* Rows of non-zeros: what is gathered of them is what rows with all their zeros give, scaled or
 * not, in any order; what they hold is counted in bytes. */
#include "nn/data/rows/nonzeros.h"
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

/* A list with room for the numbers of `starts`. */
static nb_nonzeros begun(int64_t rows, int64_t count, int64_t columns, nb_dtype dtype)
{
    nb_nonzeros list;
    assert_int_equal(nb_nonzeros_begin(ctx, rows, columns, dtype, &list), NB_OK);
    assert_int_equal(nb_nonzeros_reserve(ctx, &list, count), NB_OK);
    return list;
}

/* Whole numbers, of bytes. */
static nb_feed *packed(nb_dtype dtype)
{
    nb_nonzeros list = begun(ROWS, starts[ROWS], COLUMNS, dtype);
    for (int row = 0; row < ROWS; row++) {
        for (int64_t at = starts[row]; at < starts[row + 1]; at++)
            nb_nonzeros_put(&list, column_of[at],
                            dtype == NB_U8 ? (double)(255 - 9 * at) : value_of((int)at));
        nb_nonzeros_end_row(&list);
    }
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
    static const int32_t order[] = {4, 2, 0, 0, 3, 1, 4, 0};
    enum { PICKED = 6, FOLLOW = 2 };
    nb_feed *a = packed(from), *b = dense(from);
    const nb_pick pick = {.order = order, .n = PICKED, .behind = FOLLOW};
    double got[PICKED * COLUMNS], wanted[PICKED * COLUMNS];
    size_t bytes = PICKED * COLUMNS * nb_dtype_size(to);
    memset(got, 0x55, sizeof got);
    assert_int_equal(nb_feed_gather(ctx, a, &pick, scale, &(nb_room){got, to, COLUMNS}), NB_OK);
    assert_int_equal(nb_feed_gather(ctx, b, &pick, scale, &(nb_room){wanted, to, COLUMNS}), NB_OK);
    assert_memory_equal(got, wanted, bytes);
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

/* Six bytes of a float each while their columns take two, else eight; and eight a row. */
static void check_bytes(int64_t wide, int64_t each)
{
    enum { MANY = 1000, EACH = 30 };
    size_t before = ctx->memory.live;
    nb_nonzeros list = begun(MANY, MANY * EACH, wide, NB_F32);
    for (int64_t i = 0; i < MANY; i++) {
        for (int64_t k = 0; k < EACH; k++) nb_nonzeros_put(&list, wide - 1 - k, 1);
        nb_nonzeros_end_row(&list);
    }
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    size_t bytes = (size_t)(MANY * (EACH * each + 8));
    assert_in_range(ctx->memory.live - before, bytes, bytes * 5 / 4);
    nb_feed_release(ctx, feed);
    assert_int_equal(ctx->memory.live, before);
}

static void test_bytes(void **state)
{
    (void)state;
    check_bytes(NB_NONZEROS_NARROW, 6);
    check_bytes(NB_NONZEROS_NARROW + 1, 8);
}

/* Whole rows of every kind of numbers, over the ends of blocks: each comes back as it was, -0 and
 * NaN too, with its zeros and without. */
static void check_rows(nb_dtype dtype, int64_t wide, int64_t block)
{
    size_t size = nb_dtype_size(dtype), bytes = (size_t)wide * size;
    int64_t many = block / (wide / 7) + 20; /* rows hold a fifth to a seventh */
    nb_nonzeros list;
    char *row = nb_alloc(ctx, bytes), *back = nb_alloc(ctx, bytes);
    assert_int_equal(nb_nonzeros_begin(ctx, many, wide, dtype, &list), NB_OK);
    assert_int_equal(list.each, block);
    for (int64_t i = 0; i < many; i++) {
        memset(row, 0, bytes);
        for (int64_t k = i % 7; k < wide; k += 5 + i % 3)
            memset(row + (size_t)k * size, (int)(k % 250) + 1, size);
        if (i == 3 && dtype == NB_F32) ((float *)(void *)row)[wide - 1] = -0.0f;
        if (i == 4 && dtype == NB_F64) ((double *)(void *)row)[0] = NAN;
        assert_int_equal(nb_nonzeros_add(ctx, &list, row), NB_OK);
    }
    assert_true(list.blocks > 1);
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    for (int64_t i = many - 1; i >= 0; i--) {
        nb_thin thin = {.dtype = NB_F64, .columns = wide};
        const nb_pick pick = {.start = i, .n = 1};
        memset(row, 0, bytes);
        for (int64_t k = i % 7; k < wide; k += 5 + i % 3)
            memset(row + (size_t)k * size, (int)(k % 250) + 1, size);
        if (i == 3 && dtype == NB_F32) ((float *)(void *)row)[wide - 1] = -0.0f;
        if (i == 4 && dtype == NB_F64) ((double *)(void *)row)[0] = NAN;
        nb_room room = {back, dtype, wide};
        assert_int_equal(nb_feed_gather(ctx, feed, &pick, NULL, &room), NB_OK);
        assert_memory_equal(back, row, bytes);
        assert_int_equal(feed->type->thin(ctx, feed, &pick, 2, &thin), NB_OK);
        assert_int_equal(thin.count, feed->type->count(feed, &pick));
        assert_int_equal(thin.start[1], thin.count);
        for (int64_t k = 1; k < thin.count; k++) assert_true(thin.index[k - 1] < thin.index[k]);
        if (dtype == NB_U8 && thin.count) {
            assert_int_equal(thin.index[0], i % 7);
            assert_true(((double *)thin.value)[0] == 2.0 * (double)(i % 7 + 1));
        }
        nb_thin_free(ctx, &thin);
    }
    nb_free(ctx, row, bytes);
    nb_free(ctx, back, bytes);
    nb_feed_release(ctx, feed);
}

static void test_rows(void **state)
{
    (void)state;
    size_t before = ctx->memory.live;
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
        check_rows(dtype, NB_NONZEROS_NARROW, NB_NONZEROS_BLOCK);
        check_rows(dtype, NB_NONZEROS_NARROW + 1, NB_NONZEROS_BLOCK);
        check_rows(dtype, 20011, NB_NONZEROS_BLOCK);
    }
    check_rows(NB_U8, 1500007, NB_NONZEROS_LARGE);
    assert_int_equal(ctx->memory.live, before);
}

/* Batches of a set as their non-zeros are those with their zeros: rows in order. */
static void check_thin(const nb_set *set, const int32_t *order, int64_t n, nb_dtype dtype)
{
    nb_thin thin = {.dtype = dtype, .columns = COLUMNS};
    nb_tensor *x = nb_tensor_new(ctx, dtype, SHAPE(n, COLUMNS));
    nb_tensor *back = nb_tensor_zeros(ctx, dtype, SHAPE(n, COLUMNS));
    assert_int_equal(nb_set_gather(ctx, set, order, 1, n, 0, x, NULL), NB_OK);
    assert_int_equal(nb_set_gather_thin(ctx, set, order, 1, n, 0, &thin), NB_OK);
    assert_int_equal(thin.rows, n);
    assert_int_equal(thin.start[0], 0);
    assert_int_equal(thin.start[n], thin.count);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t at = thin.start[i]; at < thin.start[i + 1]; at++) {
            double value =
                dtype == NB_F32 ? (double)((float *)thin.value)[at] : ((double *)thin.value)[at];
            assert_true(at == thin.start[i] || thin.index[at - 1] < thin.index[at]);
            nb_tensor_set(back, (const int64_t[]){i, thin.index[at]}, value);
        }
    }
    assert_memory_equal(nb_tensor_data(back), nb_tensor_data(x),
                        (size_t)(n * COLUMNS) * nb_dtype_size(dtype));
    nb_thin_free(ctx, &thin);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, back);
}

static void test_sets(void **state)
{
    (void)state;
    static const int32_t order[] = {4, 2, 0, 4};
    double share;
    nb_feed *feed = packed(NB_F32);
    nb_tensor *y = tensor_of(NB_I32, SHAPE(ROWS), VALUES(1, 2, 1, 2, 1));
    nb_set *set = nb_set_of_rows(ctx, feed, 0.3, y, NULL, 2, NULL);
    assert_true(nb_set_is_thin(set));
    nb_feed *bytes = packed(NB_U8);
    nb_set *of_bytes = nb_set_of_rows(ctx, bytes, 0.3, y, NULL, 2, NULL);
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (int kind = 0; kind < 2; kind++) {
            const nb_set *one = kind ? of_bytes : set;
            check_thin(one, NULL, 4, dtype);
            check_thin(one, order, 4, dtype);
            check_thin(one, order + 1, 1, dtype);
        }
    nb_set_release(ctx, of_bytes);
    nb_feed_release(ctx, bytes);
    assert_int_equal(nb_set_share(ctx, set, &share), NB_OK);
    assert_true(share == 14.0 / (ROWS * COLUMNS));
    nb_set *last = nb_set_take(ctx, set, -1);
    assert_int_equal(nb_set_share(ctx, last, &share), NB_OK);
    assert_true(share == 1);
    nb_scale *offset = nb_scale_new(ctx, 1, VALUES(0.5), VALUES(2));
    nb_set *moved = nb_set_from(ctx, feed, offset, NULL, NULL, NULL);
    assert_false(nb_set_is_thin(moved));
    nb_scale_release(ctx, offset);
    nb_set_release(ctx, moved);
    nb_set_release(ctx, last);
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, y);
    nb_feed_release(ctx, feed);
}

/* The rows' bound: no number passes it, and it is hardly above the largest byte's; a set that says
 * none has its numbers looked at. */
static void test_bound(void **state)
{
    (void)state;
    static const double factors[] = {1, 1.0 / 255, -3, 1e30};
    nb_tensor *y = tensor_of(NB_I32, SHAPE(1), VALUES(1));
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++)
        for (int kind = 0; kind < 2; kind++) {
            nb_nonzeros list = begun(1, 2, COLUMNS, kind ? NB_F32 : NB_U8);
            nb_nonzeros_put(&list, 1, 7);
            nb_nonzeros_put(&list, 4, 255);
            nb_nonzeros_end_row(&list);
            nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
            nb_set *set = nb_set_of_rows(ctx, feed, factors[f], y, NULL, 1, NULL);
            nb_thin thin = {.dtype = NB_F32, .columns = COLUMNS};
            assert_int_equal(nb_set_gather_thin(ctx, set, NULL, 0, 1, 0, &thin), NB_OK);
            double largest = fabs((double)((float *)thin.value)[1]);
            assert_true(largest >= 254.9 * fabs(factors[f]));
            assert_true(kind ? thin.most == 0
                             : thin.most >= largest && thin.most <= 1.00001 * largest);
            nb_thin_free(ctx, &thin);
            nb_set_release(ctx, set);
            nb_feed_release(ctx, feed);
        }
    nb_tensor_release(ctx, y);
}

/* What is not finite is told by its example, in the same words as of rows with their zeros. */
static void test_not_finite(void **state)
{
    (void)state;
    nb_thin thin = {.dtype = NB_F32, .columns = 3};
    static const int32_t order[] = {2, 0, 1};
    nb_nonzeros list = begun(3, 3, 3, NB_F64);
    for (int i = 0; i < 3; i++) {
        nb_nonzeros_put(&list, i, i == 1 ? 1e300 : 1);
        nb_nonzeros_end_row(&list);
    }
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    nb_set *set = nb_set_of_rows(ctx, feed, 1, NULL, NULL, 0, NULL);
    assert_int_equal(nb_set_gather_thin(ctx, set, order, 0, 3, 0, &thin), NB_EVALUE);
    assert_string_equal(ctx->message, "x holds 1e300 in example 2; it needs numbers that fit f32");
    assert_int_equal(nb_set_gather_thin(ctx, set, order, 0, 2, 1, &thin), NB_OK);
    nb_thin_free(ctx, &thin);
    nb_set_release(ctx, set);
    nb_feed_release(ctx, feed);
}

/* Buffers grow, and what failed leaves them as they can be used. */
static nb_status grow(void *of)
{
    nb_feed *feed = of;
    nb_thin thin = {.dtype = NB_F32, .columns = COLUMNS};
    const nb_pick few = {.start = 1, .n = 1}, all = {.n = ROWS};
    nb_status status = feed->type->thin(ctx, feed, &few, 1, &thin);
    if (status == NB_OK) status = feed->type->thin(ctx, feed, &all, 1, &thin);
    if (status == NB_OK) assert_int_equal(thin.count, starts[ROWS]);
    nb_thin_free(ctx, &thin);
    return status;
}

static void test_buffers(void **state)
{
    (void)state;
    nb_feed *feed = packed(NB_F64);
    sweep(grow, feed);
    nb_feed_release(ctx, feed);
}

static void test_refuses(void **state)
{
    (void)state;
    nb_nonzeros list;
    assert_int_equal(nb_nonzeros_begin(ctx, 0, 3, NB_F32, &list), NB_ESHAPE);
    assert_string_equal(ctx->message, "there are no rows");
    assert_int_equal(nb_nonzeros_begin(ctx, 1, 0, NB_F32, &list), NB_ESHAPE);
    assert_string_equal(ctx->message, "rows have 1 to 2147483647 columns, not 0");
    assert_int_equal(nb_nonzeros_begin(ctx, 2, INT32_MAX, NB_F32, &list), NB_OK);
    nb_nonzeros_free(ctx, &list);
}

/* Two rows, of which the second has these two columns. */
static void check_refused(int64_t a, int64_t b, const char *message)
{
    size_t before = ctx->memory.live;
    nb_nonzeros list = begun(2, 3, 5, NB_U8);
    nb_nonzeros_put(&list, 4, 1);
    nb_nonzeros_end_row(&list);
    nb_nonzeros_put(&list, a, 1);
    nb_nonzeros_put(&list, b, 1);
    nb_nonzeros_end_row(&list);
    assert_null(nb_feed_of_nonzeros(ctx, &list));
    assert_int_equal(ctx->status, NB_EVALUE);
    assert_string_equal(ctx->message, message);
    nb_nonzeros_free(ctx, &list);
    assert_int_equal(ctx->memory.live, before);
}

static void test_columns(void **state)
{
    (void)state;
    check_refused(3, 3, "row 2 of x has the index 4 twice");
    check_refused(0, 5, "row 2 of x has the index 6; they are 1 to 5");
    check_refused(-1, 2, "row 2 of x has the index 0; they are 1 to 5");
    check_refused(1, NB_NONZEROS_NARROW + 3, "row 2 of x has the index 65540; they are 1 to 5");
}

static void test_stops(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_nonzeros list = begun(3, 0, 4, NB_F32);
    ctx->interrupt = &pressed;
    assert_null(nb_feed_of_nonzeros(ctx, &list));
    ctx->interrupt = NULL;
    assert_non_null(list.start);
    nb_nonzeros_free(ctx, &list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gathers),    TEST(bytes),   TEST(rows),    TEST(sets),    TEST(bound),
        TEST(not_finite), TEST(buffers), TEST(refuses), TEST(columns), TEST(stops)};
    return cmocka_run_group_tests_name("nonzeros", tests, NULL, NULL);
}
