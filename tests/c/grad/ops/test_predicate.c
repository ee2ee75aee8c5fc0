/* all, any, isnan, isfinite, equal, allclose: every dtype, NaN, infinities, digits beyond f32,
 * shapes that do not fit. */
#include "values.h"

static void test_all_and_any(void **state)
{
    (void)state;
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
        nb_tensor *x = tensor_of(dtype, SHAPE(2, 3), VALUES(0, 0, 0, 1, 2, 0));
        check_call(call_on(NB_OP_any, x, 1), VALUES(0, 1), NULL);
        check_call(call_on(NB_OP_any, x, 0), VALUES(1, 1, 0), NULL);
        check_call(call_on(NB_OP_all, x, -1), VALUES(0), NULL);
        nb_tensor *out = nb_op1(ctx, NB_OP_any, x);
        assert_true(out->dtype == NB_U8 && nb_tensor_item(out) == 1);
        nb_tensor_release(ctx, out);
        nb_tensor_release(ctx, x);
    }
    nb_tensor *nan = tensor_of(NB_F32, SHAPE(2), VALUES(NAN, 1)),
              *none = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){0});
    check_call(call_on(NB_OP_all, nan, -1), VALUES(1), NULL);
    check_call(call_on(NB_OP_all, none, -1), VALUES(1), NULL);
    check_call(call_on(NB_OP_any, none, -1), VALUES(0), NULL);
    nb_tensor_release(ctx, nan);
    nb_tensor_release(ctx, none);
}

static void test_elements(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(4), VALUES(1, NAN, INFINITY, -INFINITY));
    nb_tensor *label = tensor_of(NB_I32, SHAPE(2), VALUES(0, -3));
    check_call(call_on(NB_OP_isnan, x, -1), VALUES(0, 1, 0, 0), NULL);
    check_call(call_on(NB_OP_isfinite, x, -1), VALUES(1, 0, 0, 0), NULL);
    check_call(call_on(NB_OP_isnan, label, -1), VALUES(0, 0), NULL);
    check_call(call_on(NB_OP_isfinite, label, -1), VALUES(1, 1), NULL);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, label);
}

static bool said(nb_op_id op, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *out = nb_op2(ctx, op, a, b);
    if (!out) fail_msg("%s", ctx->message);
    bool yes = nb_tensor_item(out) != 0;
    nb_tensor_release(ctx, out);
    return yes;
}

/* Catches integers that are compared after rounding to f32, and shapes that broadcast. */
static void test_equal(void **state)
{
    (void)state;
    nb_tensor *a = tensor_of(NB_I32, SHAPE(2), VALUES(16777217, 1));
    nb_tensor *b = tensor_of(NB_F32, SHAPE(2), VALUES(16777217, 1));
    nb_tensor *c = tensor_of(NB_F64, SHAPE(2), VALUES(16777217, 1));
    nb_tensor *row = tensor_of(NB_F64, SHAPE(1, 2), VALUES(16777217, 1));
    nb_tensor *nan = tensor_of(NB_F64, SHAPE(1), VALUES(NAN));
    assert_false(said(NB_OP_equal, a, b));
    assert_true(said(NB_OP_equal, a, c));
    assert_false(said(NB_OP_equal, c, row));
    assert_false(said(NB_OP_equal, nan, nan));
    nb_tensor *all[] = {a, b, c, row, nan};
    for (size_t i = 0; i < 5; i++) nb_tensor_release(ctx, all[i]);
}

/* One element that differs among many is found, wherever it lies. */
static void test_equal_large(void **state)
{
    (void)state;
    nb_tensor *a = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){300000});
    nb_tensor *b = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){300000});
    assert_true(said(NB_OP_equal, a, b));
    for (int64_t at = 0; at < 300000; at += 99999) {
        nb_tensor_set(b, &at, 1);
        assert_false(said(NB_OP_equal, a, b));
        nb_tensor_set(b, &at, 0);
    }
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
}

static bool close_by(double a, double b, double relative, double absolute, bool nan)
{
    nb_tensor *x = tensor_of(NB_F64, SHAPE(1), &a), *y = tensor_of(NB_F64, SHAPE(1), &b);
    nb_call call = nb_call_make(nb_ops[NB_OP_allclose]);
    call.in[0] = x;
    call.in[1] = y;
    call.inputs = 2;
    call.attr.allclose.rtol = relative;
    call.attr.allclose.atol = absolute;
    call.attr.allclose.nan = nan;
    nb_tensor *out = nb_op_call(ctx, &call);
    bool yes = nb_tensor_item(out) != 0;
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, out);
    return yes;
}

/* Both sides of each tolerance, which is relative to the second. */
static void test_allclose(void **state)
{
    (void)state;
    assert_true(close_by(1.5, 1, 0.5, 0, false));
    assert_false(close_by(1.5000001, 1, 0.5, 0, false));
    assert_false(close_by(1, 1.5, 0.25, 0, false));
    assert_true(close_by(1, 1.5, 0.5, 0, false));
    assert_true(close_by(0.25, 0, 0.5, 0.25, false));
    assert_false(close_by(0.26, 0, 0.5, 0.25, false));
    assert_true(close_by(INFINITY, INFINITY, 0, 0, false));
    assert_false(close_by(INFINITY, -INFINITY, 1, 1, false));
    assert_false(close_by(1, INFINITY, 1, 1, false));
    assert_false(close_by(NAN, NAN, 1, 1, false));
    assert_true(close_by(NAN, NAN, 0, 0, true));
    assert_false(close_by(NAN, 1, 1, 1, true));
    nb_tensor *a = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){2});
    nb_tensor *b = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){3});
    assert_null(nb_op2(ctx, NB_OP_allclose, a, b));
    assert_failed(NB_ESHAPE, "allclose: 2 and 3 do not fit");
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_and_any), TEST(elements), TEST(equal), TEST(equal_large), TEST(allclose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
