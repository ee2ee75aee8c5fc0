/* What the samples of the ops do not meet: shapes of results, dtypes that store, kinks, messages.
 */
#include "samples.h"

#include "tensor/shape.h"

/* ---- Shapes --------------------------------------------------------------------------------- */

/* Catches a dimension that stays or goes where it should not. */
static void test_shapes(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"add", "3 2x1", "2x3"},
        {"sum", "2x3x4", "a number"},
        {"sum", "2x3x4 /2", "2x4"},
        {"mean", "2x3x4 /1 /3", "3"},
        {"max", "2x3x4 /2", "2x4"},
        {"argmin", "2x3 /2", "2"},
        {"logsumexp", "2x3x4 /1", "3x4"},
        {"logsumexp", "2x3", "a number"},
        {"softmax", "2x3 /1", "2x3"},
        {"matmul", "3 3", "a number"},
        {"matmul", "2x3 3", "2"},
        {"matmul", "3 3x2", "2"},
        {"matmul", "2x1x3 4x3x5", ""},
        {"matmul", "1x2x3 4x3x5", "4x2x5"},
        {"reshape", "2x3 /3 /2", "3x2"},
        {"t", "2x3x4", "2x4x3"},
        {"permute", "2x3x4 /3 /1 /2", "4x2x3"},
        {"expand", "3 /2 /3", "2x3"},
        {"narrow", "5 /1 /2 /3", "3"},
        {"select", "2x3 /1 /2", "3"},
        {"squeeze", "1x3x1", "3"},
        {"squeeze", "1x3x1 /3", "1x3"},
        {"unsqueeze", "2x3 /2", "2x1x3"},
        {"flatten", "2x3", "6"},
        {"cat", "2x3 2x1 /2", "2x4"},
        {"cat", "2x3 3x2 /1", ""},
        {"dense", "2x2x3 5x3 5", "2x2x5"},
        {"dense", "2x3 5x4 5", ""},
        {"dense", "2x3 5x3 4", ""},
        {"dense_chain", "2x2x3 5x3 5 4x5 4", "2x2x4"},
        {"dense_chain", "2x3 5x3 5 4x3 4", ""},
        {"half_squared_distance", "2x3 2x3", "a number"},
        {"half_squared_distance", "2x3 3", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NB_SHAPE_TEXT];
        const char *at = cases[i][1], *want = cases[i][2];
        sample s;
        outcome o;
        assert_true(next_sample(nb_op_find(cases[i][0]), &at, &s));
        nb_status status = run(&s, NB_F64, false, &o);
        assert_int_equal(status, *want ? NB_OK : NB_ESHAPE);
        if (*want && strcmp(nb_shape_text(o.out->dims, o.out->shape, text), want) != 0)
            fail_msg("%s gives %s, not %s", s.text, text, want);
        free_outcome(&o);
        free_sample(&s);
    }
}

/* keep leaves every reduced dimension with size 1, of values and of places, also where all go. */
static void test_keep(void **state)
{
    (void)state;
    static const nb_op_id ops[] = {NB_OP_sum, NB_OP_mean,   NB_OP_max,
                                   NB_OP_min, NB_OP_argmax, NB_OP_argmin};
    nb_tensor *x = tensor_of(NB_F64, SHAPE(2, 3), VALUES(1, 9, 3, 7, 5, 8));
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        for (int all = 0; all < 2; all++) {
            nb_call call = {
                .op = nb_ops[ops[i]], .in = {x}, .inputs = 1, .attr.reduce = {{!all, {1}}, true}};
            nb_tensor *out = nb_op_call(ctx, &call);
            assert_non_null(out);
            assert_int_equal(out->dims, 2);
            assert_true(out->shape[0] == (all ? 1 : 2) && out->shape[1] == 1);
            if (call.more[0]) assert_true(nb_tensor_same_shape(call.more[0], out));
            nb_call_drop(ctx, &call);
            nb_tensor_release(ctx, out);
        }
    nb_tensor_release(ctx, x);
}

/* ---- Dtypes --------------------------------------------------------------------------------- */

/* Catches large integers that are compared after they were rounded to f32. */
static void test_compare_integers(void **state)
{
    (void)state;
    nb_tensor *big = tensor_of(NB_I32, SHAPE(3), VALUES(16777217, 16777216, 200));
    nb_tensor *other = tensor_of(NB_I32, SHAPE(1), VALUES(16777216));
    nb_tensor *real = tensor_of(NB_F32, SHAPE(1), VALUES(16777216));
    nb_tensor *small = tensor_of(NB_U8, SHAPE(1), VALUES(200)), *with[] = {other, real, small};
    const int64_t first = 0, last = 2;
    static const double equal[3][3] = {{0, 1, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int i = 0; i < 3; i++) {
        nb_tensor *eq = nb_op2(ctx, NB_OP_eq, big, with[i]),
                  *gt = nb_op2(ctx, NB_OP_gt, with[i], big);
        assert_int_equal(eq->dtype, NB_U8);
        for (int64_t k = 0; k < 3; k++) assert_true(nb_tensor_get(eq, &k) == equal[i][k]);
        assert_true(nb_tensor_get(gt, &first) == 0 && nb_tensor_get(gt, &last) == (i < 2));
        nb_tensor_release(ctx, eq);
        nb_tensor_release(ctx, gt);
    }
    nb_tensor *bytes = nb_op2(ctx, NB_OP_ge, small, small),
              *none = nb_op2(ctx, NB_OP_lt, small, real);
    assert_true(nb_tensor_get(bytes, (const int64_t[]){0}) == 1);
    assert_true(nb_tensor_get(none, (const int64_t[]){0}) == 1);
    nb_tensor *all[] = {big, other, real, small, bytes, none};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* Labels that are joined stay labels; a dtype that computes is met by the others. */
static void test_cat_dtypes(void **state)
{
    (void)state;
    static const nb_dtype cases[][3] = {{NB_I32, NB_I32, NB_I32},
                                        {NB_U8, NB_U8, NB_U8},
                                        {NB_F32, NB_F64, NB_F64},
                                        {NB_I32, NB_F64, NB_F64},
                                        {NB_U8, NB_F32, NB_F32}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_tensor *a = tensor_of(cases[i][0], SHAPE(2), VALUES(1, 2));
        nb_tensor *b = tensor_of(cases[i][1], SHAPE(1), VALUES(3));
        nb_call cat = {.op = nb_ops[NB_OP_cat], .in = {a, b}, .inputs = 2};
        nb_tensor *out = nb_op_call(ctx, &cat);
        assert_int_equal(out->dtype, cases[i][2]);
        for (int64_t k = 0; k < 3; k++) assert_true(nb_tensor_get(out, &k) == (double)(k + 1));
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, b);
        nb_tensor_release(ctx, out);
    }
}

/* ---- Kinks and edges ------------------------------------------------------------------------ */

/* The slopes of op at (a, b); at a kink, where no difference could say. */
static void check_slopes(nb_op_id op, double a, double b, double da, double db)
{
    nb_tensor *in[2] = {nb_tensor_scalar(ctx, NB_F64, a), nb_tensor_scalar(ctx, NB_F64, b)};
    for (int i = 0; i < 2; i++) assert_int_equal(nb_require_grad(ctx, in[i], true), NB_OK);
    nb_tensor *y = nb_op2(ctx, op, in[0], in[1]);
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    double got[2] = {nb_tensor_item(nb_leaf_of(in[0])->grad),
                     nb_tensor_item(nb_leaf_of(in[1])->grad)};
    if (!(got[0] == da && fabs(got[1] - db) <= 1e-15))
        fail_msg("%s at %g, %g: %g and %g", nb_ops[op]->name, a, b, got[0], got[1]);
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, in[i]);
    nb_tensor_release(ctx, y);
}

/* Catches 0 times infinity in a slope that has a value, and a δ that goes to both of two equals. */
static void test_edges(void **state)
{
    (void)state;
    check_slopes(NB_OP_pow, 0, 0, 0, 0);
    check_slopes(NB_OP_pow, 0, 1, 1, 0);
    check_slopes(NB_OP_pow, 0, 2, 0, 0);
    check_slopes(NB_OP_pow, 2, 0, 0, log(2));
    check_slopes(NB_OP_maximum, 3, 3, 1, 0);
    check_slopes(NB_OP_minimum, 3, 3, 1, 0);
    check_slopes(NB_OP_maximum, -1, 3, 0, 1);
}

/* The advice to multiply matrices is for who multiplied. */
static void test_misfits(void **state)
{
    (void)state;
    nb_tensor *a = nb_tensor_zeros(ctx, NB_F32, SHAPE(2, 3)),
              *b = nb_tensor_zeros(ctx, NB_F32, SHAPE(3, 4));
    assert_null(nb_op2(ctx, NB_OP_mul, a, b));
    assert_failed(NB_ESHAPE, "mul: 2x3 and 3x4 do not fit element by element; a:matmul(b)");
    assert_null(nb_op2(ctx, NB_OP_lt, a, b));
    assert_string_equal(ctx->message, "lt: 2x3 and 3x4 do not fit");
    assert_null(nb_op2(ctx, NB_OP_add, a, b));
    assert_string_equal(ctx->message, "add: 2x3 and 3x4 do not fit");
    assert_null(nb_op2(ctx, NB_OP_matmul, b, a));
    assert_failed(NB_ESHAPE, "matmul: 3x4 and 2x3 do not fit");
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
}

/* Catches a short form that loses what an op gives besides its output. */
static void test_second_dropped(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(3), VALUES(4, 6, 5)), *most = nb_op1(ctx, NB_OP_max, x);
    assert_true(nb_tensor_item(most) == 6);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, most);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shapes), TEST(keep),    TEST(compare_integers), TEST(cat_dtypes),
        TEST(edges),  TEST(misfits), TEST(second_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
