/* Tensors that begin with numbers: what is drawn, where ranges end, exact ends of lines. */
#include "tensor/make.h"

#include "../support.h"

#include <math.h>

static nb_tensor *row(nb_dtype dtype, int64_t count)
{
    nb_tensor *tensor = nb_tensor_new(ctx, dtype, 1, &count);
    assert_non_null(tensor);
    return tensor;
}

static double at(const nb_tensor *tensor, int64_t i)
{
    return nb_tensor_get(tensor, &i);
}

/* Would catch an interval that is closed above, also by rounding to f32, and a mean that is off:
 * that of n draws strays by 1 / sqrt(12 n); five of these are allowed. */
static void test_uniform(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
        nb_tensor *tensor = row(dtype, COUNT);
        double sum = 0;
        assert_int_equal(nb_fill_uniform(ctx, tensor, &stream), NB_OK);
        for (int64_t i = 0; i < COUNT; i++) {
            assert_true(at(tensor, i) >= 0 && at(tensor, i) < 1);
            sum += at(tensor, i);
        }
        assert_true(fabs(sum / COUNT - 0.5) < 5 / sqrt(12.0 * COUNT));
        nb_tensor_release(ctx, tensor);
    }
}

/* Mean 0 and mean square 1; the latter strays by sqrt(2 / n). */
static void test_normal(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *tensor = row(NB_F64, COUNT);
    double sum = 0, squares = 0;
    assert_int_equal(nb_fill_normal(ctx, tensor, &stream), NB_OK);
    for (int64_t i = 0; i < COUNT; i++) {
        sum += at(tensor, i);
        squares += at(tensor, i) * at(tensor, i);
    }
    assert_true(fabs(sum / COUNT) < 5 / sqrt(COUNT));
    assert_true(fabs(squares / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
    nb_tensor_release(ctx, tensor);
}

/* Both ends are drawn and nothing beyond; one number alone is always it; the widest range wraps
 * nothing. */
static void test_integers(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *tensor = row(NB_I32, COUNT);
    int seen[3] = {0};
    assert_int_equal(nb_fill_integers(ctx, tensor, &stream, -1, 1), NB_OK);
    for (int64_t i = 0; i < COUNT; i++) {
        assert_true(fabs(at(tensor, i)) <= 1);
        seen[(int)at(tensor, i) + 1]++;
    }
    for (int i = 0; i < 3; i++) assert_true(seen[i] > 120);
    assert_int_equal(nb_fill_integers(ctx, tensor, &stream, 7, 7), NB_OK);
    assert_true(at(tensor, 0) == 7 && at(tensor, COUNT - 1) == 7);
    assert_int_equal(nb_fill_integers(ctx, tensor, &stream, INT32_MIN, INT32_MAX), NB_OK);
    nb_tensor_release(ctx, tensor);
}

static void test_permutation(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *tensor = row(NB_I32, COUNT), *none = row(NB_I32, 0);
    bool seen[COUNT + 1] = {false};
    nb_fill_permutation(tensor, &stream);
    for (int64_t i = 0; i < COUNT; i++) seen[(int)at(tensor, i)] = true;
    for (int i = 1; i <= COUNT; i++) assert_true(seen[i]);
    nb_fill_permutation(none, &stream);
    nb_tensor_release(ctx, tensor);
    nb_tensor_release(ctx, none);
}

/* As many as a for loop takes, with the end that only rounding misses. */
static void test_range_count(void **state)
{
    (void)state;
    assert_int_equal(nb_range_count(1, 5, 1), 5);
    assert_int_equal(nb_range_count(1, 6, 2), 3);
    assert_int_equal(nb_range_count(5, 1, -2), 3);
    assert_int_equal(nb_range_count(1, 1, 1), 1);
    assert_int_equal(nb_range_count(2, 1, 1), 0);
    assert_int_equal(nb_range_count(1, 2, -1), 0);
    assert_int_equal(nb_range_count(0, 0.3, 0.1), 4);
    assert_int_equal(nb_range_count(0, 0.29, 0.1), 3);
    double most = (double)NB_MAX_ELEMENTS;
    assert_int_equal(nb_range_count(1, most, 1), NB_MAX_ELEMENTS);
    assert_int_equal(nb_range_count(0, most, 1), -1);
    assert_int_equal(nb_range_count(0, 1e300, 1e-300), -1);
}

/* Longer than a batch, so that the seam between two is crossed. */
static void test_range(void **state)
{
    (void)state;
    nb_tensor *tensor = row(NB_I32, 1500);
    assert_int_equal(nb_fill_range(ctx, tensor, 10, -2), NB_OK);
    for (int64_t i = 0; i < 1500; i++) assert_true(at(tensor, i) == 10 - 2 * (double)i);
    nb_tensor_release(ctx, tensor);
}

/* Both ends exact, also where 1/3 of the way is not and where the span is wider than a double. */
static void test_line(void **state)
{
    (void)state;
    nb_tensor *tensor = row(NB_F64, 4), *one = row(NB_F64, 1);
    assert_int_equal(nb_fill_line(ctx, tensor, 0.1, 0.7), NB_OK);
    assert_true(at(tensor, 0) == 0.1 && at(tensor, 3) == 0.7);
    assert_true(fabs(at(tensor, 1) - 0.3) < 1e-15);
    assert_int_equal(nb_fill_line(ctx, tensor, -1.5e308, 1.5e308), NB_OK);
    assert_true(fabs(at(tensor, 1) / -5e307 - 1) < 1e-12);
    assert_int_equal(nb_fill_line(ctx, one, 3, 9), NB_OK);
    assert_true(at(one, 0) == 3);
    nb_tensor_release(ctx, tensor);
    nb_tensor_release(ctx, one);
}

static void test_identity(void **state)
{
    (void)state;
    nb_tensor *tensor = nb_tensor_new(ctx, NB_F32, 2, (int64_t[]){2, 3});
    assert_int_equal(nb_fill_identity(ctx, tensor), NB_OK);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 3; j++)
            assert_true(nb_tensor_get(tensor, (int64_t[]){i, j}) == (i == j));
    nb_tensor_release(ctx, tensor);
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_tensor *tensor = row(NB_F32, 10);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_fill_range(ctx, tensor, 1, 1), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, tensor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(uniform), TEST(normal), TEST(integers), TEST(permutation), TEST(range_count),
        TEST(range),   TEST(line),   TEST(identity), TEST(interrupt),
    };
    return cmocka_run_group_tests_name("make", tests, NULL, NULL);
}
