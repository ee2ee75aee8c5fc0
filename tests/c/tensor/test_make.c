/* Tensors that begin with numbers: where ranges end, exact ends of lines, classes. */
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

static int64_t range_count(double first, double last, double step)
{
    int64_t count;
    return nb_range_count(ctx, first, last, step, &count) == NB_OK ? count : -1;
}

/* As many as a for loop takes, also where rounding misses the end. */
static void test_range_count(void **state)
{
    (void)state;
    assert_int_equal(range_count(1, 5, 1), 5);
    assert_int_equal(range_count(1, 6, 2), 3);
    assert_int_equal(range_count(5, 1, -2), 3);
    assert_int_equal(range_count(1, 1, 1), 1);
    assert_int_equal(range_count(2, 1, 1), 0);
    assert_int_equal(range_count(1, 2, -1), 0);
    assert_int_equal(range_count(0, 0.3, 0.1), 3);
    assert_int_equal(range_count(0, 0.8, 0.1), 9);
    assert_int_equal(range_count(1, 2.7, 1), 2);
    assert_int_equal(range_count(1e16, 1e16 + 64, 1), -1);
    assert_int_equal(range_count(1e16, 1e16 + 64, 2), 33);
    assert_int_equal(range_count(0, 0.29, 0.1), 3);
    double most = (double)NB_MAX_ELEMENTS;
    assert_int_equal(range_count(1, most, 1), NB_MAX_ELEMENTS);
    assert_int_equal(range_count(0, most, 1), -1);
    assert_int_equal(range_count(0, 1e300, 1e-300), -1);
    /* The span of two finite numbers may be infinite. */
    assert_int_equal(range_count(-1.5e308, 1.5e308, 1e308), 4);
    assert_int_equal(range_count(1.5e308, -1.5e308, 1e308), 0);
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

/* The same numbers backwards: catches a line that is counted from one end, whose other half then
 * carries the rounding of its step. */
static void test_line_is_even(void **state)
{
    (void)state;
    enum { COUNT = 1001 };
    nb_tensor *up = row(NB_F64, COUNT), *down = row(NB_F64, COUNT);
    assert_int_equal(nb_fill_line(ctx, up, 0.1, 0.7), NB_OK);
    assert_int_equal(nb_fill_line(ctx, down, 0.7, 0.1), NB_OK);
    for (int64_t i = 0; i < COUNT; i++) {
        if (i != COUNT / 2) assert_true(at(up, i) == at(down, COUNT - 1 - i));
        assert_true(fabs(at(up, i) - (0.1 + 0.0006 * (double)i)) < 1e-15);
    }
    nb_tensor_release(ctx, up);
    nb_tensor_release(ctx, down);
}

static void test_powers(void **state)
{
    (void)state;
    nb_tensor *tensor = row(NB_F64, 4), *one = row(NB_F32, 1);
    assert_int_equal(nb_fill_powers(ctx, tensor, 2, -1, 2), NB_OK);
    for (int64_t i = 0; i < 4; i++) assert_true(at(tensor, i) == ldexp(1, (int)i - 1));
    assert_int_equal(nb_fill_powers(ctx, one, 10, 3, 9), NB_OK);
    assert_true(at(one, 0) == 1000);
    nb_tensor_release(ctx, tensor);
    nb_tensor_release(ctx, one);
}

/* One place in every row, in each dtype; labels from a stepped view; the ends of the classes. */
static void test_one_hot(void **state)
{
    (void)state;
    nb_tensor *all = tensor_of(NB_I32, SHAPE(4), VALUES(3, 9, 1, 9));
    nb_tensor *labels = nb_tensor_narrow(ctx, all, 0, 0, 2, 2);
    for (nb_dtype dtype = NB_F32; dtype < NB_DTYPES; dtype++) {
        nb_tensor *out = nb_tensor_new(ctx, dtype, 2, (int64_t[]){2, 3});
        assert_int_equal(nb_fill_one_hot(ctx, out, labels), NB_OK);
        for (int64_t i = 0; i < 2; i++)
            for (int64_t j = 0; j < 3; j++)
                assert_true(nb_tensor_get(out, (int64_t[]){i, j}) == (j == (i ? 0 : 2)));
        nb_tensor_release(ctx, out);
    }
    int64_t largest = -1;
    assert_int_equal(nb_largest_label(ctx, labels, &largest), NB_OK);
    assert_int_equal(largest, 3);
    nb_tensor_release(ctx, all);
    nb_tensor_release(ctx, labels);
}

static void refuse_label(double label, const char *words)
{
    nb_tensor *labels = tensor_of(NB_F64, SHAPE(2), VALUES(1, label)), *out = NULL;
    out = nb_tensor_new(ctx, NB_F32, 2, (int64_t[]){2, 3});
    assert_int_equal(nb_fill_one_hot(ctx, out, labels), NB_EVALUE);
    assert_failed(NB_EVALUE, words);
    nb_tensor_release(ctx, labels);
    nb_tensor_release(ctx, out);
}

/* Catches a label that is cut to a whole number, or written outside of its row. */
static void test_wrong_labels(void **state)
{
    (void)state;
    refuse_label(0, "no class 0; counting starts at 1");
    refuse_label(-1, "label 2 must be a whole number from 1, not -1");
    refuse_label(1.5, "label 2 must be a whole number from 1, not 1.5");
    refuse_label(4, "label 2 is class 4; there are 3");
    refuse_label(NAN, "not nan");
    refuse_label(INFINITY, "label 2 must be a whole number from 1, not inf");
    nb_tensor *none = row(NB_F32, 0);
    int64_t largest = -1;
    assert_int_equal(nb_largest_label(ctx, none, &largest), NB_OK);
    assert_int_equal(largest, 0);
    nb_tensor_release(ctx, none);
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
        TEST(range_count), TEST(range),   TEST(line),         TEST(line_is_even), TEST(powers),
        TEST(identity),    TEST(one_hot), TEST(wrong_labels), TEST(interrupt),
    };
    return cmocka_run_group_tests_name("make", tests, NULL, NULL);
}
