/* Writing what a user gives: the bounds of every dtype on both sides, and overlaps. */
#include "tensor/assign.h"

#include "../support.h"

#include <math.h>

static const int64_t first = 0, last = 2;

/* Catches a value that is cut in silence, and one that is refused though it fits; nothing may have
 * changed after a refusal, also where only the last value is wrong. */
static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        nb_dtype to;
        double value;
        bool fits;
    } cases[] = {
        {NB_U8, 0, true},
        {NB_U8, 255, true},
        {NB_U8, 256, false},
        {NB_U8, -1, false},
        {NB_U8, 0.5, false},
        {NB_U8, NAN, false},
        {NB_U8, -0.0, true},
        {NB_U8, INFINITY, false},
        {NB_I32, INT32_MAX, true},
        {NB_I32, INT32_MIN, true},
        {NB_I32, 0x1p31, false},
        {NB_I32, -0x1p31 - 1, false},
        {NB_I32, -2.5, false},
        {NB_I32, NAN, false},
        {NB_I32, -INFINITY, false},
        {NB_F32, 1e300, false},
        {NB_F32, 0x1.fffffefffffffp127, true},
        {NB_F32, -0x1.ffffffp127, false},
        {NB_F32, -INFINITY, true},
        {NB_F32, NAN, true},
        {NB_F64, -1e300, true},
        {NB_I32, 2147483646.5, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (nb_dtype from = 0; from < NB_DTYPES; from++) {
            double v = cases[i].value;
            bool exact = from == NB_F64 || (from == NB_F32 && !(v != (double)(float)v && v == v)) ||
                         (!nb_dtype_computes(from) && nb_dtype_holds(from, v));
            if (!exact) continue;
            nb_tensor *to = tensor_of(cases[i].to, SHAPE(3), VALUES(7, 7, 7));
            nb_tensor *given = tensor_of(from, SHAPE(3), VALUES(1, 1, v));
            nb_status status = nb_tensor_assign(ctx, to, given);
            nb_tensor *fit = nb_tensor_fit(ctx, given, cases[i].to);
            assert_int_equal(status, cases[i].fits ? NB_OK : NB_EVALUE);
            assert_int_equal(fit != NULL, cases[i].fits);
            assert_true(nb_tensor_get(to, &first) == (cases[i].fits ? 1 : 7));
            if (cases[i].fits && isfinite(v) && fabs(v) < 1e30)
                assert_true(nb_tensor_get(to, &last) == v && nb_tensor_get(fit, &last) == v);
            nb_tensor_release(ctx, to);
            nb_tensor_release(ctx, given);
            nb_tensor_release(ctx, fit);
        }
}

/* The message says what came and what the dtype takes. */
static void test_messages(void **state)
{
    (void)state;
    nb_tensor *to = tensor_of(NB_U8, SHAPE(2), VALUES(1, 2));
    nb_tensor *wide = tensor_of(NB_F64, SHAPE(3), VALUES(1, 2, 3));
    nb_tensor *nan = nb_tensor_scalar(ctx, NB_F32, -NAN), *big = nb_tensor_scalar(ctx, NB_I32, 300);
    assert_int_equal(nb_tensor_assign(ctx, to, wide), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "cannot copy 3 into 2");
    assert_int_equal(nb_tensor_assign(ctx, to, nan), NB_EVALUE);
    assert_failed(NB_EVALUE, "nan does not fit into u8, which holds whole numbers from 0 to 255");
    assert_null(strstr(ctx->message, "-nan"));
    assert_int_equal(nb_tensor_assign(ctx, to, big), NB_EVALUE);
    assert_failed(NB_EVALUE, "300 does not fit into u8");
    nb_tensor *const all[] = {to, wide, nan, big};
    for (int i = 0; i < 4; i++) nb_tensor_release(ctx, all[i]);
}

/* What overlaps is written as if copied first. */
static void test_overlap(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(3), VALUES(1, 2, 3));
    nb_tensor *back = nb_tensor_narrow(ctx, x, 0, 2, 3, -1);
    assert_int_equal(nb_tensor_assign(ctx, x, back), NB_OK);
    assert_true(nb_tensor_get(x, &first) == 3 && nb_tensor_get(x, &last) == 1);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, back);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(bounds), TEST(messages), TEST(overlap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
