/* What sets gather their rows through: any kind of feed serves a set, numbers are scaled by column,
 * integers stay integers, and what does not fit is told by its example. */
#include "nn/data/set.h"

#include "../../support.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>

/* ---- A feed of another kind ----------------------------------------------------------------- */

/* Rows that are computed when they are asked for: row i is i, i + 1/2. It counts what it is asked.
 */
typedef struct counted {
    nb_feed head;
    int64_t gathered, ahead, first_ahead;
    bool *freed;
} counted;

static nb_status gather_counted(nb_ctx *c, nb_feed *feed, const nb_pick *pick,
                                const nb_scale *scale, const nb_room *room)
{
    counted *self = (counted *)feed;
    (void)c;
    assert_int_equal(room->width, 2);
    for (int64_t i = 0; i < pick->n; i++) {
        double at = (double)nb_pick_row(pick, i), row[2] = {at, at + 0.5};
        char *to = (char *)room->data + (size_t)i * 2 * nb_dtype_size(room->dtype);
        nb_scale_rows(scale, 1, 2, row, NB_F64, to, room->dtype);
    }
    self->gathered += pick->n;
    return NB_OK;
}

static void announce_counted(nb_feed *feed, const nb_pick *pick)
{
    counted *self = (counted *)feed;
    self->ahead += pick->n;
    self->first_ahead = nb_pick_row(pick, 0);
}

static void free_counted(nb_ctx *c, nb_feed *feed)
{
    counted *self = (counted *)feed;
    *self->freed = true;
    nb_free(c, self, sizeof *self);
}

static const nb_feed_type computed = {
    .gather = gather_counted, .announce = announce_counted, .free = free_counted};

static counted *new_counted(int64_t count, bool *freed)
{
    counted *self = nb_alloc(ctx, sizeof *self);
    *self = (counted){.head = {.refs = 1, .type = &computed, .dtype = NB_F64}, .freed = freed};
    self->head.count = count;
    self->head.dims = 1;
    self->head.shape[0] = 2;
    *freed = false;
    return self;
}

static double at(const nb_tensor *t, int64_t i, int64_t k)
{
    return nb_tensor_get(t, (const int64_t[]){i, k});
}

/* Parts, order, scale and what is announced are the set's, whatever feeds it. */
static void test_any_feed(void **state)
{
    (void)state;
    bool freed;
    counted *feed = new_counted(10, &freed);
    nb_scale *scale = nb_scale_new(ctx, 2, VALUES(1, 0.5), VALUES(2, 10));
    nb_set *set = nb_set_from(ctx, &feed->head, scale, NULL, NULL, "computed");
    nb_scale_release(ctx, scale);
    nb_feed_release(ctx, &feed->head);
    nb_set *part = nb_set_take(ctx, set, -6);
    nb_set_release(ctx, set);
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, SHAPE(2, 2));
    const int32_t order[] = {5, 0, 3, 2};
    assert_int_equal(nb_set_gather(ctx, part, order, 0, 2, 2, x, NULL), NB_OK);
    assert_true(at(x, 0, 0) == (9 - 1) * 2 && at(x, 0, 1) == (9.5 - 0.5) * 10);
    assert_true(at(x, 1, 0) == (4 - 1) * 2 && at(x, 1, 1) == (4.5 - 0.5) * 10);
    assert_int_equal(feed->gathered, 2);
    assert_int_equal(feed->ahead, 2);
    assert_int_equal(feed->first_ahead, 7);
    assert_int_equal(nb_set_gather(ctx, part, NULL, 1, 2, 0, x, NULL), NB_OK);
    assert_true(at(x, 0, 0) == (5 - 1) * 2);
    assert_int_equal(feed->ahead, 2);
    assert_false(freed);
    nb_set_release(ctx, part);
    assert_true(freed);
    nb_tensor_release(ctx, x);
}

/* What is known to follow is never more than the order holds, however a pick is cut. */
static void test_picks(void **state)
{
    (void)state;
    static const int32_t order[] = {4, 1, 3, 0, 2};
    const nb_pick all = {.order = order, .n = 3, .behind = 2};
    assert_true(nb_pick_knows(&all, 4) && !nb_pick_knows(&all, 5));
    nb_pick some = nb_pick_some(&all, 1, 1), next = nb_pick_behind(&all);
    assert_int_equal(nb_pick_row(&some, 0), 1);
    assert_int_equal(some.n, 1);
    assert_int_equal(some.behind, 3);
    assert_int_equal(nb_pick_row(&some, 3), 2);
    assert_int_equal(nb_pick_row(&next, 0), 0);
    assert_int_equal(next.n, 2);
    assert_int_equal(next.behind, 0);
    const nb_pick straight = {.start = 7, .n = 2, .behind = 3};
    next = nb_pick_behind(&straight);
    assert_int_equal(nb_pick_row(&next, 0), 9);
    assert_int_equal(next.n, 3);
}

static void test_misfits(void **state)
{
    (void)state;
    bool freed, other;
    nb_feed *x = &new_counted(10, &freed)->head, *y = &new_counted(9, &other)->head;
    assert_null(nb_set_from(ctx, x, NULL, y, NULL, NULL));
    assert_failed(NB_ESHAPE, "x holds 10 examples, y 9");
    nb_scale *scale = nb_scale_new(ctx, 3, NULL, VALUES(1, 2, 3));
    assert_null(nb_set_from(ctx, x, scale, NULL, NULL, NULL));
    assert_failed(NB_ESHAPE, "x has 2 columns, its scale 3");
    nb_scale_release(ctx, scale);
    nb_feed_release(ctx, x);
    nb_feed_release(ctx, y);
    assert_true(freed && other);
}

/* ---- Scales --------------------------------------------------------------------------------- */

/* Every dtype into both that compute: one for all, with and without an offset, and by column. The
 * numbers are exact, so every way gives the same. */
static void test_scales(void **state)
{
    (void)state;
    const double values[] = {3, 16, 5, 32, 7, 64};
    static const double offsets[3][2] = {{0, 0}, {1, 1}, {1, 16}};
    static const double factors[3][2] = {{0.5, 0.5}, {0.5, 0.5}, {2, 0.25}};
    for (int from = 0; from < NB_DTYPES; from++)
        for (int to = NB_F32; to <= NB_F64; to++)
            for (int way = 0; way < 3; way++) {
                nb_tensor *raw = tensor_of((nb_dtype)from, SHAPE(3, 2), values);
                nb_feed *feed = nb_feed_of_tensor(ctx, raw, "x");
                nb_scale *scale = nb_scale_new(ctx, way == 2 ? 2 : 1, offsets[way], factors[way]);
                nb_set *set = nb_set_from(ctx, feed, scale, NULL, NULL, NULL);
                nb_tensor *x = nb_tensor_new(ctx, (nb_dtype)to, SHAPE(3, 2));
                const int32_t order[] = {0, 1, 2};
                for (int ordered = 0; ordered < 2; ordered++) {
                    nb_set_gather(ctx, set, ordered ? order : NULL, 0, 3, 0, x, NULL);
                    for (int64_t i = 0; i < 3; i++)
                        for (int64_t k = 0; k < 2; k++)
                            assert_true(at(x, i, k) ==
                                        (values[2 * i + k] - offsets[way][k]) * factors[way][k]);
                }
                nb_tensor_release(ctx, x);
                nb_set_release(ctx, set);
                nb_scale_release(ctx, scale);
                nb_feed_release(ctx, feed);
                nb_tensor_release(ctx, raw);
            }
}

/* What an offset takes away must not be rounded first: seconds of a year in f32. */
static void test_offset_before_rounding(void **state)
{
    (void)state;
    nb_tensor *raw = tensor_of(NB_F64, SHAPE(2, 1), VALUES(1700000000.25, 1700000001.75));
    nb_feed *feed = nb_feed_of_tensor(ctx, raw, "x");
    nb_scale *scale = nb_scale_new(ctx, 1, VALUES(1700000000), VALUES(1));
    nb_set *set = nb_set_from(ctx, feed, scale, NULL, NULL, NULL);
    nb_tensor *x = nb_set_x(ctx, set, NB_F32);
    assert_true(at(x, 0, 0) == 0.25 && at(x, 1, 0) == 1.75);
    nb_tensor_release(ctx, x);
    nb_set_release(ctx, set);
    nb_scale_release(ctx, scale);
    nb_feed_release(ctx, feed);
    nb_tensor_release(ctx, raw);
}

static void test_bad_scales(void **state)
{
    (void)state;
    assert_null(nb_scale_new(ctx, 1, NULL, VALUES(NAN)));
    assert_failed(NB_EARG, "scale must be a number, not nan");
    assert_null(nb_scale_new(ctx, 3, NULL, VALUES(1, 2, INFINITY)));
    assert_failed(NB_EARG, "scale must be a number, not inf in column 3");
    assert_null(nb_scale_new(ctx, 2, VALUES(0, -INFINITY), VALUES(1, 2)));
    assert_failed(NB_EARG, "offset must be a number, not -inf in column 2");
}

/* Bytes are not looked at unless their scale can make them infinite. */
static void test_scale_beyond_f32(void **state)
{
    (void)state;
    nb_tensor *raw = tensor_of(NB_U8, SHAPE(3, 1), VALUES(1, 2, 3));
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, SHAPE(3, 1));
    nb_set *set = nb_set_new(ctx, raw, 0x1p127, NULL, NULL, 0, NULL); /* 2 is one too many */
    assert_false(set->scale->tame);
    assert_int_equal(nb_set_gather(ctx, set, NULL, 0, 3, 0, x, NULL), NB_EVALUE);
    assert_failed(NB_EVALUE, "x holds 2 in example 2; it needs numbers that fit f32");
    nb_set_release(ctx, set);
    set = nb_set_new(ctx, raw, FLT_MAX / 0x1p31, NULL, NULL, 0, NULL);
    assert_true(set->scale->tame);
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, raw);
}

/* ---- Integers ------------------------------------------------------------------------------- */

/* Numbers that stand for things: kept as they are from every dtype, not scaled. */
static void test_integers_stay(void **state)
{
    (void)state;
    for (int from = 0; from < NB_DTYPES; from++)
        for (int to = NB_U8; to <= NB_I32; to++) {
            nb_tensor *raw = tensor_of((nb_dtype)from, SHAPE(3, 2), VALUES(0, 255, 7, 1, 2, 9));
            nb_set *set = nb_set_new(ctx, raw, 0.5, NULL, NULL, 0, NULL);
            nb_tensor *x = nb_tensor_new(ctx, (nb_dtype)to, SHAPE(2, 2));
            const int32_t order[] = {2, 0};
            assert_int_equal(nb_set_gather(ctx, set, order, 0, 2, 0, x, NULL), NB_OK);
            assert_true(at(x, 0, 0) == 2 && at(x, 0, 1) == 9);
            assert_true(at(x, 1, 0) == 0 && at(x, 1, 1) == 255);
            nb_tensor_release(ctx, x);
            nb_set_release(ctx, set);
            nb_tensor_release(ctx, raw);
        }
}

static void assert_no_integer(nb_dtype from, double value, nb_dtype to, const char *words)
{
    nb_tensor *raw = tensor_of(from, SHAPE(4, 2), VALUES(1, 2, 3, 4, 5, value, 7, 8));
    nb_tensor *x = nb_tensor_new(ctx, to, SHAPE(2, 2));
    nb_set *set = nb_set_new(ctx, raw, 1, NULL, NULL, 0, NULL), *part = nb_set_take(ctx, set, -3);
    assert_int_equal(nb_set_gather(ctx, part, (const int32_t[]){2, 1}, 0, 2, 0, x, NULL),
                     words ? NB_EVALUE : NB_OK);
    if (words) assert_failed(NB_EVALUE, words);
    nb_set_release(ctx, part);
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, raw);
}

/* Both sides of every limit. */
static void test_no_integers(void **state)
{
    (void)state;
    assert_no_integer(NB_I32, 255, NB_U8, NULL);
    assert_no_integer(NB_I32, 256, NB_U8,
                      "x holds 256 in example 2, step 2; it needs whole numbers that fit u8");
    assert_no_integer(NB_I32, -1, NB_U8, "x holds -1 in example 2");
    assert_no_integer(NB_F64, 2147483647, NB_I32, NULL);
    assert_no_integer(
        NB_F64, 2147483648.0, NB_I32,
        "x holds 2147483648 in example 2, step 2; it needs whole numbers that fit i32");
    assert_no_integer(NB_F64, -2147483648.0, NB_I32, NULL);
    assert_no_integer(NB_F64, -2147483649.0, NB_I32, "x holds -2147483649 in example 2");
    assert_no_integer(NB_F32, 2147483648.0, NB_I32, "x holds 2147483648 in example 2");
    assert_no_integer(NB_F32, 2.5, NB_I32, "x holds 2.5 in example 2");
    assert_no_integer(NB_F32, NAN, NB_I32, "x holds nan in example 2");
    assert_no_integer(NB_F64, INFINITY, NB_U8, "x holds inf in example 2");
}

static nb_status everything_once(void *raw)
{
    nb_feed *feed = nb_feed_of_tensor(ctx, raw, "x");
    nb_scale *scale = feed ? nb_scale_new(ctx, 2, VALUES(1, 2), VALUES(3, 4)) : NULL;
    nb_set *set = scale ? nb_set_from(ctx, feed, scale, feed, NULL, "both") : NULL;
    nb_tensor *x = set ? nb_tensor_new(ctx, NB_I32, SHAPE(3, 2)) : NULL;
    nb_status status = x ? nb_set_gather(ctx, set, NULL, 0, 3, 0, x, x) : ctx->status;
    nb_tensor_release(ctx, x);
    nb_set_release(ctx, set);
    nb_scale_release(ctx, scale);
    nb_feed_release(ctx, feed);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_tensor *raw = tensor_of(NB_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6));
    sweep(everything_once, raw);
    nb_tensor_release(ctx, raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_feed),
        TEST(picks),
        TEST(misfits),
        TEST(scales),
        TEST(offset_before_rounding),
        TEST(bad_scales),
        TEST(scale_beyond_f32),
        TEST(integers_stay),
        TEST(no_integers),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
