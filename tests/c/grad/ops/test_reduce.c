/* Sums, means, products, moments and norms where the samples do not reach: exactness, zeros,
 * nothing, NaN, powers, dtypes that store. */
#include "values.h"

/* Catches f32 that accumulates in f32: 10^7 equal values have exactly that mean, and no variance.
 */
static void test_exact_means(void **state)
{
    (void)state;
    const int64_t count = 10000000;
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 1, &count);
    assert_int_equal(nb_tensor_fill(ctx, x, 0.1), NB_OK);
    nb_tensor *mean = nb_op1(ctx, NB_OP_mean, x), *var = nb_op1(ctx, NB_OP_var, x);
    assert_true(fabs(nb_tensor_item(mean) - (double)0.1f) <= 1e-7 * 0.1);
    assert_true(nb_tensor_item(var) <= 1e-20);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, mean);
    nb_tensor_release(ctx, var);
}

/* Catches a variance from the difference of two large sums, and its gradient from an f32 mean. */
static void test_var_of_large_numbers(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(4), VALUES(1e6 + 1, 1e6 + 2, 1e6 + 3, 1e6 + 4.5));
    double mean = 2.625, squares = 0, wanted[4];
    for (int i = 0; i < 4; i++) {
        double away = (i < 3 ? i + 1 : 4.5) - mean;
        squares += away * away;
        wanted[i] = 2 * away / 3;
    }
    nb_call call = call_on(NB_OP_var, x, -1);
    nb_tensor *var = nb_op_call(ctx, &call);
    assert_true(fabs(nb_tensor_item(var) - squares / 3) <= 1e-6);
    nb_tensor_release(ctx, var);
    check_gradient(call_on(NB_OP_var, x, 0), wanted);
    nb_tensor_release(ctx, x);
}

static void test_correction(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(3), VALUES(1, 2, 6)),
              *one = tensor_of(NB_F64, SHAPE(1), VALUES(5));
    nb_tensor *none = nb_tensor_zeros(ctx, NB_F64, 1, (int64_t[]){0});
    nb_call call = call_on(NB_OP_var, x, -1);
    check_call(call, VALUES(7), NULL);
    call.attr.var.correction = 0;
    check_call(call, VALUES(14.0 / 3), NULL);
    check_call(call_on(NB_OP_std, x, 0), VALUES(sqrt(7)), NULL);
    check_call(call_on(NB_OP_var, one, -1), VALUES(NAN), NULL);
    check_call(call_on(NB_OP_std, one, -1), VALUES(NAN), NULL);
    check_call(call_on(NB_OP_var, none, -1), VALUES(NAN), NULL);
    call = call_on(NB_OP_std, one, -1);
    call.attr.var.correction = 0;
    check_call(call, VALUES(0), NULL);
    check_gradient(call, VALUES(0));
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, none);
}

/* Catches y / x: with one zero among the factors only it has a slope, with two none has. */
static void test_prod_with_zeros(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(3, 3), VALUES(2, 3, 4, 2, 0, 4, 0, 3, 0));
    check_call(call_on(NB_OP_prod, x, 1), VALUES(24, 0, 0), NULL);
    check_gradient(call_on(NB_OP_prod, x, 1), VALUES(12, 8, 6, 0, 8, 0, 0, 0, 0));
    check_call(call_on(NB_OP_prod, x, 0), VALUES(0, 0, 0), NULL);
    check_gradient(call_on(NB_OP_prod, x, 0), VALUES(0, 0, 0, 0, 9, 0, 4, 0, 16));
    check_gradient(call_on(NB_OP_prod, x, -1), VALUES(0, 0, 0, 0, 0, 0, 0, 0, 0));
    nb_tensor_release(ctx, x);
}

static void test_nothing(void **state)
{
    (void)state;
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F64, 2, (int64_t[]){0, 2});
    check_call(call_on(NB_OP_sum, x, -1), VALUES(0), NULL);
    check_call(call_on(NB_OP_sum, x, 0), VALUES(0, 0), NULL);
    check_call(call_on(NB_OP_prod, x, 0), VALUES(1, 1), NULL);
    check_call(call_on(NB_OP_mean, x, 0), VALUES(NAN, NAN), NULL);
    check_call(call_on(NB_OP_norm, x, -1), VALUES(0), NULL);
    check_call(call_on(NB_OP_logsumexp, x, 0), VALUES(-INFINITY, -INFINITY), NULL);
    nb_tensor_release(ctx, x);
}

/* Every power with its own loop, and one without; their slopes, 0 at 0. */
static void test_norms(void **state)
{
    (void)state;
    static const double powers[] = {0, 1, 2, 3, 0.5, -1, INFINITY, -INFINITY};
    nb_tensor *x = tensor_of(NB_F64, SHAPE(3), VALUES(3, -4, 4));
    const double h = sqrt(3) + 4,
                 wanted[] = {3, 11, sqrt(41), cbrt(155), h * h, 1 / (1.0 / 3 + 0.5), 4, 3};
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
        nb_call call = call_on(NB_OP_norm, x, -1);
        call.attr.norm.p = powers[i];
        check_call(call, &wanted[i], NULL);
    }
    nb_call far = call_on(NB_OP_norm, x, -1), near_by = far, third = far, one = far;
    far.attr.norm.p = INFINITY;
    near_by.attr.norm.p = -INFINITY;
    third.attr.norm.p = 3;
    one.attr.norm.p = 1;
    double y = cbrt(155) * cbrt(155);
    check_gradient(far, VALUES(0, -0.5, 0.5));
    check_gradient(near_by, VALUES(1, 0, 0));
    check_gradient(third, VALUES(9 / y, -16 / y, 16 / y));
    check_gradient(one, VALUES(1, -1, 1));
    nb_tensor_release(ctx, x);
    x = tensor_of(NB_F64, SHAPE(2), VALUES(0, 0));
    for (size_t i = 0; i < 4; i++) {
        nb_call call = call_on(NB_OP_norm, x, 0);
        call.attr.norm.p = powers[i];
        check_gradient(call, VALUES(0, 0));
    }
    nb_tensor_release(ctx, x);
}

/* Large and infinite numbers, where e^x is no number. */
static void test_logsumexp(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(4, 2),
                             VALUES(1000, 1000, -INFINITY, 3, -INFINITY, -INFINITY, INFINITY, 1));
    check_call(call_on(NB_OP_logsumexp, x, 1), VALUES(1000 + log(2), 3, -INFINITY, INFINITY), NULL);
    nb_tensor_release(ctx, x);
    x = tensor_of(NB_F64, SHAPE(2), VALUES(NAN, 1));
    check_call(call_on(NB_OP_logsumexp, x, -1), VALUES(NAN), NULL);
    nb_tensor_release(ctx, x);
}

/* Catches sums of bytes in bytes, and of large integers in f32. */
static void test_stored_dtypes(void **state)
{
    (void)state;
    nb_tensor *bytes = nb_tensor_zeros(ctx, NB_U8, 1, (int64_t[]){1000});
    assert_int_equal(nb_tensor_fill(ctx, bytes, 200), NB_OK);
    nb_tensor *big = tensor_of(NB_I32, SHAPE(3), VALUES(2147483647, 2147483647, 1));
    check_call(call_on(NB_OP_sum, bytes, -1), VALUES(200000), NULL);
    check_call(call_on(NB_OP_mean, bytes, -1), VALUES(200), NULL);
    check_call(call_on(NB_OP_sum, big, -1), VALUES(4294967295.0), NULL);
    check_call(call_on(NB_OP_prod, big, -1), VALUES(2147483647.0 * 2147483647.0), NULL);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, big);
    assert_int_equal(sum->dtype, NB_F64);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, bytes);
    nb_tensor_release(ctx, big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exact_means), TEST(var_of_large_numbers),
        TEST(correction),  TEST(prod_with_zeros),
        TEST(nothing),     TEST(norms),
        TEST(logsumexp),   TEST(stored_dtypes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
