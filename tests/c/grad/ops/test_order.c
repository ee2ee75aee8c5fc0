/* max, min, argmax, argmin, sort, topk, median, cumsum, cumprod and histogram: equal elements, NaN,
 * nothing, dtypes that store, zeros among factors, limits of the numbers they take. */
#include "values.h"

#include "base/workers.h"

static nb_tensor *matrix(nb_dtype dtype)
{
    return tensor_of(dtype, SHAPE(2, 3), VALUES(1, 5, 5, 7, 2, 0));
}

/* One named dimension gives places, several and none do not; labels stay labels. */
static void test_extremes(void **state)
{
    (void)state;
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
        nb_tensor *x = matrix(dtype);
        check_call(call_on(NB_OP_max, x, 1), VALUES(5, 7), VALUES(2, 1));
        check_call(call_on(NB_OP_min, x, 0), VALUES(1, 2, 0), VALUES(1, 2, 2));
        nb_call both = call_on(NB_OP_max, x, 0);
        both.attr.dims.at[both.attr.dims.count++] = 1;
        nb_tensor *out = nb_op_call(ctx, &both);
        assert_true(out->dims == 0 && nb_tensor_item(out) == 7);
        assert_int_equal(out->dtype, dtype);
        assert_null(both.more[0]);
        nb_tensor_release(ctx, out);
        check_call(call_on(NB_OP_argmax, x, -1), VALUES(4), NULL);
        check_call(call_on(NB_OP_argmin, x, 1), VALUES(1, 3), NULL);
        nb_tensor_release(ctx, x);
    }
}

/* δ goes to the place that is named; over all, equal elements share it. */
static void test_extremes_gradient(void **state)
{
    (void)state;
    nb_tensor *x = matrix(NB_F32), *same = tensor_of(NB_F32, SHAPE(2, 2), VALUES(3, 1, 3, 2));
    check_gradient(call_on(NB_OP_max, x, 1), VALUES(0, 1, 0, 1, 0, 0));
    check_gradient(call_on(NB_OP_max, same, -1), VALUES(0.5, 0, 0.5, 0));
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, same);
}

/* Many columns at once, and rows, agree with each other. */
static void test_extremes_of_views(void **state)
{
    (void)state;
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 2, (int64_t[]){37, 301});
    float *element = nb_tensor_data(x);
    for (int i = 0; i < 37 * 301; i++) element[i] = (float)(i * 7919 % 1013);
    nb_tensor *turned = nb_tensor_transpose(ctx, x), *copy = nb_tensor_clone(ctx, turned);
    for (nb_op_id op = NB_OP_max; op <= NB_OP_min; op++) {
        nb_call a = call_on(op, x, 0), b = call_on(op, copy, 1);
        nb_tensor *va = nb_op_call(ctx, &a), *vb = nb_op_call(ctx, &b);
        assert_true(near(va, vb, 0, 0) && near(a.more[0], b.more[0], 0, 0));
        nb_call_drop(ctx, &a);
        nb_call_drop(ctx, &b);
        nb_tensor_release(ctx, va);
        nb_tensor_release(ctx, vb);
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, copy);
}

/* NaN is every extreme and the median, and comes last in order. */
static void test_nan(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(4), VALUES(2, NAN, -INFINITY, 1));
    check_call(call_on(NB_OP_max, x, -1), VALUES(NAN), NULL);
    check_call(call_on(NB_OP_min, x, 0), VALUES(NAN), VALUES(2));
    check_call(call_on(NB_OP_argmin, x, -1), VALUES(2), NULL);
    check_call(call_on(NB_OP_median, x, 0), VALUES(NAN), VALUES(2));
    check_call(call_on(NB_OP_sort, x, -1), VALUES(-INFINITY, 1, 2, NAN), VALUES(3, 4, 1, 2));
    nb_call down = call_on(NB_OP_sort, x, 0), top = call_on(NB_OP_topk, x, -1);
    down.attr.sort.descending = true;
    top.attr.topk.k = 2;
    check_call(down, VALUES(NAN, 2, 1, -INFINITY), VALUES(2, 1, 4, 3));
    check_call(top, VALUES(NAN, 2), VALUES(2, 1));
    top.attr.topk.smallest = true;
    check_call(top, VALUES(-INFINITY, 1), VALUES(3, 4));
    nb_tensor_release(ctx, x);
}

/* Catches an order that is not stable, and values that leave their dtype. */
static void test_sort(void **state)
{
    (void)state;
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
        nb_tensor *x = matrix(dtype);
        check_call(call_on(NB_OP_sort, x, -1), VALUES(1, 5, 5, 0, 2, 7), VALUES(1, 2, 3, 3, 2, 1));
        nb_call down = call_on(NB_OP_sort, x, 1);
        down.attr.sort.descending = true;
        check_call(down, VALUES(5, 5, 1, 7, 2, 0), VALUES(2, 3, 1, 1, 2, 3));
        check_call(call_on(NB_OP_median, x, 1), VALUES(5, 2), VALUES(2, 2));
        check_call(call_on(NB_OP_median, x, -1), VALUES(2), NULL);
        nb_tensor *out = nb_op1(ctx, NB_OP_sort, x), *middle = nb_op1(ctx, NB_OP_median, x);
        assert_true(out->dtype == dtype && middle->dtype == dtype && middle->dims == 0);
        nb_tensor_release(ctx, out);
        nb_tensor_release(ctx, middle);
        nb_tensor_release(ctx, x);
    }
}

/* Long lines and many of them, on several threads. */
static void test_sort_many(void **state)
{
    (void)state;
    const int64_t shape[] = {300, 1000};
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 2, shape);
    float *element = nb_tensor_data(x);
    for (int i = 0; i < 300000; i++) element[i] = (float)((i % 1000) * 389 % 1000);
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    nb_tensor *y = nb_op1(ctx, NB_OP_sort, x);
    for (int64_t i = 0; i < 300000; i++)
        assert_true(((float *)nb_tensor_data(y))[i] == (float)(i % 1000));
    nb_workers_stop(ctx);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

static void test_topk(void **state)
{
    (void)state;
    nb_tensor *x = matrix(NB_F64);
    nb_call call = call_on(NB_OP_topk, x, 1);
    call.attr.topk.k = 2;
    check_call(call, VALUES(5, 5, 7, 2), VALUES(2, 3, 1, 2));
    check_gradient(call, VALUES(0, 1, 1, 1, 1, 0));
    call.attr.topk.k = 0;
    nb_call none = call;
    nb_tensor *out = nb_op_call(ctx, &none);
    assert_true(out->shape[1] == 0 && none.more[0]->shape[1] == 0);
    nb_call_drop(ctx, &none);
    nb_tensor_release(ctx, out);
    call.attr.topk.k = 3;
    check_call(call, VALUES(5, 5, 1, 7, 2, 0), NULL);
    call.attr.topk.k = 4;
    check_fails(call, NB_EARG, "topk: there are 3 elements to choose from, not 4");
    nb_tensor_release(ctx, x);
}

static void test_nothing(void **state)
{
    (void)state;
    static const nb_op_id ops[] = {NB_OP_max, NB_OP_min, NB_OP_argmax, NB_OP_argmin, NB_OP_median};
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F64, 2, (int64_t[]){0, 2});
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        check_fails(call_on(ops[i], x, 0), NB_ESHAPE, "of no elements");
        check_fails(call_on(ops[i], x, -1), NB_ESHAPE, "of no elements");
        check_call(call_on(ops[i], x, 1), VALUES(0), NULL);
    }
    check_call(call_on(NB_OP_sort, x, 0), VALUES(0), VALUES(0));
    nb_tensor_release(ctx, x);
}

/* Catches a slope that divides: one zero, two, and one at either end. */
static void test_running(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(2, 3), VALUES(2, 0, 4, 0, 3, 0));
    check_call(call_on(NB_OP_cumsum, x, 0), VALUES(2, 0, 4, 2, 3, 4), NULL);
    check_call(call_on(NB_OP_cumprod, x, -1), VALUES(2, 0, 0, 0, 0, 0), NULL);
    check_gradient(call_on(NB_OP_cumsum, x, 1), VALUES(3, 2, 1, 3, 2, 1));
    /* 2: 1 + 0 + 0; 0: 2 + 2 4; 4: 2 0. Then 0: 1 + 3 + 3 0; 3: 0; 0: 0 3. */
    check_gradient(call_on(NB_OP_cumprod, x, 1), VALUES(1, 10, 0, 4, 0, 0));
    nb_tensor_release(ctx, x);
}

/* Catches f32 sums that stop growing. */
static void test_running_in_double(void **state)
{
    (void)state;
    const int64_t count = 300000;
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 1, &count);
    assert_int_equal(nb_tensor_fill(ctx, x, 0.1), NB_OK);
    nb_tensor *y = nb_op1(ctx, NB_OP_cumsum, x);
    double last = nb_tensor_get(y, (int64_t[]){count - 1});
    assert_true(fabs(last - 300000 * (double)0.1f) <= 1e-7 * last);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

static nb_call bins_of(nb_tensor *x, int64_t bins, double low, double high)
{
    nb_call call = call_on(NB_OP_histogram, x, -1);
    call.attr.histogram.bins = bins;
    call.attr.histogram.min = low;
    call.attr.histogram.max = high;
    return call;
}

/* Edges belong to the bin on their right, the last one to the last bin; what lies outside does not
 * count; rounding puts nothing into a neighbour. */
static void test_histogram(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(6), VALUES(0, 1, 2, 3, 4, NAN));
    check_call(bins_of(x, 2, 0, 4), VALUES(2, 3), VALUES(0, 2, 4));
    check_call(bins_of(x, 3, 1, 2.5), VALUES(1, 0, 1), VALUES(1, 1.5, 2, 2.5));
    check_fails(bins_of(x, 0, 0, 1), NB_EARG, "at least 1 bin");
    check_fails(bins_of(x, 2, 3, 1), NB_EARG, "min, 3, is above max, 1");
    check_fails(bins_of(x, 2, NAN, NAN), NB_EVALUE, "is not finite");
    nb_tensor_release(ctx, x);
    x = tensor_of(NB_U8, SHAPE(3), VALUES(7, 7, 7));
    check_call(bins_of(x, 2, NAN, NAN), VALUES(0, 3), VALUES(6.5, 7, 7.5));
    nb_tensor_release(ctx, x);
    x = tensor_of(NB_F64, SHAPE(3), VALUES(0.1, 0.6, 0.7));
    check_call(bins_of(x, 10, 0, 1), VALUES(0, 1, 0, 0, 0, 0, 1, 1, 0, 0), NULL);
    nb_tensor_release(ctx, x);
    x = nb_tensor_zeros(ctx, NB_F64, 1, (int64_t[]){0});
    check_call(bins_of(x, 2, NAN, NAN), VALUES(0, 0), VALUES(0, 0.5, 1));
    nb_tensor_release(ctx, x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(extremes),
        TEST(extremes_gradient),
        TEST(extremes_of_views),
        TEST(nan),
        TEST(sort),
        TEST(sort_many),
        TEST(topk),
        TEST(nothing),
        TEST(running),
        TEST(running_in_double),
        TEST(histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
