/* Folds over every set of dimensions of views in every order, against plain loops; large ones in
 * pieces; and lines with their places. */
#include "base/workers.h"
#include "grad/fold.h"
#include "grad/lines.h"

#include "../support.h"

#include <math.h>

/* Whole numbers, so that sums are exact in every order. */
static double value(int64_t i)
{
    return (double)((i * 7919 + 5) % 23 - 9);
}

static nb_tensor *numbers(nb_dtype dtype, int dims, const int64_t *shape)
{
    nb_tensor *x = nb_tensor_new(ctx, dtype, dims, shape);
    assert_non_null(x);
    int64_t count = nb_tensor_count(x);
    for (int64_t i = 0; i < count; i++) {
        if (dtype == NB_F32)
            ((float *)nb_tensor_data(x))[i] = (float)value(i);
        else
            ((double *)nb_tensor_data(x))[i] = value(i);
    }
    return x;
}

/* The sum over `dims` at every place of out, which kept them with size 1. */
static void check_sums(const nb_tensor *x, unsigned dims, const nb_tensor *out)
{
    nb_tensor *wanted = nb_tensor_zeros(ctx, NB_F64, out->dims, out->shape);
    int64_t index[NB_MAX_DIMS] = {0}, to[NB_MAX_DIMS];
    int64_t count = nb_tensor_count(x);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        for (int d = x->dims - 1; d >= 0; d--) {
            index[d] = rest % x->shape[d];
            rest /= x->shape[d];
            to[d] = dims >> d & 1 ? 0 : index[d];
        }
        nb_tensor_set(wanted, to, nb_tensor_get(wanted, to) + nb_tensor_get(x, index));
    }
    count = nb_tensor_count(out);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        for (int d = out->dims - 1; d >= 0; d--) {
            index[d] = rest % out->shape[d];
            rest /= out->shape[d];
        }
        if (nb_tensor_get(out, index) != nb_tensor_get(wanted, index))
            fail_msg("dims %x, element %d: %g, not %g", dims, (int)i, nb_tensor_get(out, index),
                     nb_tensor_get(wanted, index));
    }
    nb_tensor_release(ctx, wanted);
}

static nb_tensor *sum(const nb_tensor *x, unsigned dims)
{
    nb_fold_plan plan;
    nb_fold_plan_make(&plan, x, dims);
    double *acc = malloc((size_t)plan.count * sizeof *acc + 1);
    assert_int_equal(nb_fold_run(ctx, &plan, NB_FOLD_sum, NULL, acc), NB_OK);
    nb_tensor *out = nb_fold_tensor(ctx, &plan, acc, NB_F64, 1, true);
    free(acc);
    assert_non_null(out);
    return out;
}

static void check_all_sums(const nb_tensor *x)
{
    for (unsigned dims = 0; dims < 1u << x->dims; dims++) {
        nb_tensor *out = sum(x, dims);
        check_sums(x, dims, out);
        nb_tensor_release(ctx, out);
    }
}

/* Catches axes that are joined though they do not continue each other, accumulators in the wrong
 * order, and a dimension that runs backwards or stands still. */
static void test_views(void **state)
{
    (void)state;
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
    nb_tensor *x = numbers(NB_F64, SHAPE(3, 17, 1, 9));
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        nb_tensor *turned = nb_tensor_permute(ctx, x, orders[i]);
        nb_tensor *back =
            nb_tensor_narrow(ctx, turned, 1, turned->shape[1] - 1, (turned->shape[1] + 1) / 2,
                             turned->shape[1] > 1 ? -2 : 1);
        nb_tensor *wide = nb_tensor_reshape(ctx, x, 5, (int64_t[]){3, 17, 1, 1, 9});
        nb_tensor *still = nb_tensor_expand(ctx, wide, 5, (int64_t[]){3, 17, 2, 10, 9});
        check_all_sums(turned);
        check_all_sums(back);
        check_all_sums(still);
        nb_tensor *all[] = {turned, back, wide, still};
        for (size_t k = 0; k < 4; k++) nb_tensor_release(ctx, all[k]);
    }
    nb_tensor_release(ctx, x);
}

/* Nothing folds to where the fold starts, for each element of the output. */
static void test_empty(void **state)
{
    (void)state;
    nb_tensor *x = numbers(NB_F32, SHAPE(0, 3)), *one = numbers(NB_F32, 0, NULL);
    check_all_sums(x);
    check_all_sums(one);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, one);
}

static void check_large(int dims, const int64_t *shape)
{
    nb_tensor *x = numbers(NB_F32, dims, shape);
    check_all_sums(x);
    nb_tensor_release(ctx, x);
}

/* Sizes at which a kept dimension, a reduced one, rows and columns are cut; a piece more or less is
 * a wrong sum. */
static void test_pieces(void **state)
{
    (void)state;
    check_large(SHAPE(700, 431));
    check_large(SHAPE(2, 65537, 3));
    check_large(SHAPE(300001));
    check_large(SHAPE(40000, 9));
}

/* A tensor's rows `times` over, summed. */
static void check_repeated(const nb_tensor *x, int64_t times)
{
    nb_tensor *wide = nb_tensor_expand(ctx, x, 2, (int64_t[]){times, x->shape[0]});
    nb_tensor *out = sum(wide, 1);
    for (int64_t i = 0; i < x->shape[0]; i++)
        assert_true(nb_tensor_get(out, (int64_t[]){0, i}) == (double)times * value(i));
    nb_tensor_release(ctx, wide);
    nb_tensor_release(ctx, out);
}

/* Both sides of the sizes at which a piece, one of 32, looks for Ctrl-C again: along a row 2^20
 * elements, down eight columns 2^17 rows. A stretch more or less is a wrong sum. */
static void test_stretches(void **state)
{
    (void)state;
    nb_tensor *one = numbers(NB_F32, SHAPE(1)), *eight = numbers(NB_F32, SHAPE(8));
    for (int64_t more = 0; more <= 64; more += 32) {
        check_repeated(one, ((int64_t)32 << 20) + more);
        check_repeated(eight, ((int64_t)32 << 17) + more);
    }
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, eight);
}

/* Sums that round have the same bits on one thread and on several. */
static void test_threads(void **state)
{
    (void)state;
    nb_tensor *x = numbers(NB_F64, SHAPE(1000, 600));
    double *element = nb_tensor_data(x);
    for (int64_t i = 0; i < 600000; i++) element[i] = sin((double)i) * 1e-3;
    for (unsigned dims = 1; dims < 4; dims++) {
        assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
        nb_tensor *one = sum(x, dims);
        assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
        nb_tensor *three = sum(x, dims);
        assert_memory_equal(nb_tensor_data(one), nb_tensor_data(three),
                            (size_t)nb_tensor_count(one) * sizeof(double));
        nb_tensor_release(ctx, one);
        nb_tensor_release(ctx, three);
    }
    nb_workers_stop(ctx);
    nb_tensor_release(ctx, x);
}

static volatile sig_atomic_t pressed;

/* Ctrl-C between the pieces is an error, and nothing stays behind. */
static void test_interrupt(void **state)
{
    (void)state;
    nb_tensor *x = numbers(NB_F32, SHAPE(300000));
    nb_fold_plan plan;
    double acc;
    nb_fold_plan_make(&plan, x, 1);
    pressed = 1;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_fold_run(ctx, &plan, NB_FOLD_sum, NULL, &acc), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, x);
}

/* What is taken from places of a line, and put back there. */
static void test_lines(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *place = tensor_of(NB_I32, SHAPE(2, 2), VALUES(3, 1, 2, 3));
    nb_tensor *y = nb_lines_take(ctx, x, 1, place), *back = nb_lines_put(ctx, x, 1, place, y);
    static const double taken[] = {3, 1, 5, 6}, put[] = {1, 0, 3, 0, 5, 6};
    for (int64_t i = 0; i < 4; i++)
        assert_true(nb_tensor_get(y, (int64_t[]){i / 2, i % 2}) == taken[i]);
    for (int64_t i = 0; i < 6; i++)
        assert_true(nb_tensor_get(back, (int64_t[]){i / 3, i % 3}) == put[i]);
    nb_tensor *all[] = {x, place, y, back};
    for (size_t i = 0; i < 4; i++) nb_tensor_release(ctx, all[i]);
}

/* Rooms are apart from each other, and come back. */
static void test_rooms(void **state)
{
    (void)state;
    nb_rooms rooms;
    assert_int_equal(nb_set_threads(ctx, 2), NB_OK);
    assert_int_equal(nb_rooms_make(ctx, &rooms, 100, 5), NB_OK);
    assert_int_equal(rooms.count, 2);
    char *a = nb_rooms_take(&rooms), *b = nb_rooms_take(&rooms);
    assert_true(a + 100 <= b || b + 100 <= a);
    nb_rooms_give(&rooms, a);
    assert_ptr_equal(nb_rooms_take(&rooms), a);
    nb_rooms_free(ctx, &rooms);
    assert_int_equal(nb_rooms_make(ctx, &rooms, 100, 1), NB_OK);
    assert_int_equal(rooms.count, 1);
    nb_rooms_free(ctx, &rooms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(views),   TEST(empty),     TEST(pieces), TEST(stretches),
        TEST(threads), TEST(interrupt), TEST(lines),  TEST(rooms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
