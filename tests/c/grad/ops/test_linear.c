/* What is solved and factored: multiplied together again for every sample of every op, batches,
 * dtypes, what LAPACK could not take, and the words for it. */
#include "../samples.h"

#include "grad/matrices.h"
#include "kernel/blas.h"

/* ---- Multiplying again ---------------------------------------------------------------------- */

/* One op run on a sample: its results, and what went in. */
typedef struct trial {
    nb_tensor *in[2], *out[3];
} trial;

static nb_tensor *times(nb_tensor *a, nb_tensor *b)
{
    return nb_op2(ctx, NB_OP_matmul, a, b);
}

static nb_tensor *transpose(nb_tensor *a)
{
    return nb_op1(ctx, NB_OP_t, a);
}

static void equal(const char *what, nb_tensor *got, nb_tensor *want)
{
    double tolerance = want->dtype == NB_F32 ? 5e-5 : 1e-11;
    if (!near(got, want, tolerance, tolerance)) fail_msg("%s: not what went in", what);
}

/* aᵀ a = 1 */
static void orthonormal(const char *what, nb_tensor *a)
{
    nb_tensor *turned = transpose(a), *got = times(turned, a);
    nb_tensor *one = nb_tensor_zeros(ctx, a->dtype, got->dims, got->shape);
    for (int64_t i = 0; i < got->shape[got->dims - 1]; i++) {
        nb_tensor *row = nb_tensor_select(ctx, one, got->dims - 1, i);
        nb_tensor *at = nb_tensor_select(ctx, row, got->dims - 2, i);
        assert_int_equal(nb_tensor_fill(ctx, at, 1), NB_OK);
        nb_tensor_release(ctx, row);
        nb_tensor_release(ctx, at);
    }
    equal(what, got, one);
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, got);
    nb_tensor_release(ctx, one);
}

/* a diag(scale) bᵀ */
static nb_tensor *scaled_times(nb_tensor *a, nb_tensor *scale, nb_tensor *b)
{
    int64_t shape[NB_MAX_DIMS];
    for (int i = 0; i < scale->dims; i++) shape[i] = scale->shape[i];
    shape[scale->dims] = shape[scale->dims - 1];
    shape[scale->dims - 1] = 1;
    nb_tensor *row = nb_tensor_reshape(ctx, scale, scale->dims + 1, shape);
    nb_tensor *wide = nb_op2(ctx, NB_OP_mul, a, row), *turned = transpose(b);
    nb_tensor *out = times(wide, turned);
    nb_tensor_release(ctx, row);
    nb_tensor_release(ctx, wide);
    nb_tensor_release(ctx, turned);
    return out;
}

static void check_solve(const char *what, const trial *t)
{
    nb_tensor *got = times(t->in[0], t->out[0]),
              *b = nb_tensor_expand(ctx, t->in[1], got->dims, got->shape);
    equal(what, got, b);
    nb_tensor_release(ctx, got);
    nb_tensor_release(ctx, b);
}

/* The residual is orthogonal to a's columns: aᵀ (a x - b) = 0. */
static void check_lstsq(const char *what, const trial *t)
{
    nb_tensor *fit = times(t->in[0], t->out[0]), *left = nb_op2(ctx, NB_OP_sub, fit, t->in[1]);
    nb_tensor *turned = transpose(t->in[0]), *got = times(turned, left);
    nb_tensor *zero = nb_tensor_zeros(ctx, got->dtype, got->dims, got->shape);
    equal(what, got, zero);
    nb_tensor *all[] = {fit, left, turned, got, zero};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

static void check_inverse(const char *what, const trial *t)
{
    nb_tensor *one = times(t->in[0], t->out[0]), *got = times(one, t->in[0]);
    equal(what, got, t->in[0]);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, got);
}

static void check_cholesky(const char *what, const trial *t)
{
    nb_tensor *turned = transpose(t->out[0]), *got = times(t->out[0], turned);
    nb_tensor *lower = nb_op1(ctx, NB_OP_tril, t->out[0]);
    equal(what, got, t->in[0]);
    assert_true(near(lower, t->out[0], 0, 0));
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, got);
    nb_tensor_release(ctx, lower);
}

static void check_qr(const char *what, const trial *t)
{
    nb_tensor *got = times(t->out[0], t->out[1]), *upper = nb_op1(ctx, NB_OP_triu, t->out[1]);
    equal(what, got, t->in[0]);
    orthonormal(what, t->out[0]);
    assert_true(near(upper, t->out[1], 0, 0));
    nb_tensor_release(ctx, got);
    nb_tensor_release(ctx, upper);
}

static void check_svd(const char *what, const trial *t)
{
    nb_tensor *got = scaled_times(t->out[0], t->out[1], t->out[2]);
    equal(what, got, t->in[0]);
    orthonormal(what, t->out[0]);
    orthonormal(what, t->out[2]);
    nb_tensor_release(ctx, got);
}

/* v diag(λ) vᵀ is the symmetric matrix of the lower triangle. */
static void check_eigh(const char *what, const trial *t)
{
    nb_tensor *got = scaled_times(t->out[1], t->out[0], t->out[1]);
    nb_tensor *lower = nb_op1(ctx, NB_OP_tril, got), *want = nb_op1(ctx, NB_OP_tril, t->in[0]);
    equal(what, lower, want);
    orthonormal(what, t->out[1]);
    nb_tensor_release(ctx, got);
    nb_tensor_release(ctx, lower);
    nb_tensor_release(ctx, want);
}

static const struct {
    nb_op_id op;
    void (*check)(const char *what, const trial *t);
} checks[] = {
    {NB_OP_solve, check_solve},       {NB_OP_lstsq, check_lstsq}, {NB_OP_inverse, check_inverse},
    {NB_OP_cholesky, check_cholesky}, {NB_OP_qr, check_qr},       {NB_OP_svd, check_svd},
    {NB_OP_eigh, check_eigh},
};

/* A vector on the right is checked as a column. */
static void as_column(nb_tensor **t, int dims)
{
    int64_t shape[NB_MAX_DIMS];
    for (int i = 0; i < dims; i++) shape[i] = (*t)->shape[i];
    shape[dims] = 1;
    nb_tensor *column = nb_tensor_reshape(ctx, *t, dims + 1, shape);
    nb_tensor_release(ctx, *t);
    *t = column;
}

static void try_sample(const sample *s, nb_dtype dtype, bool gaps,
                       void (*check)(const char *what, const trial *t))
{
    trial t = {.in = {NULL}};
    nb_call call = s->call;
    for (int i = 0; i < call.inputs; i++) call.in[i] = t.in[i] = like(s->call.in[i], dtype, gaps);
    t.out[0] = nb_op_call(ctx, &call);
    if (!t.out[0]) fail_msg("%s: %s", s->text, ctx->message);
    for (int i = 0; i < 2; i++) t.out[i + 1] = call.more[i];
    for (int i = 0; i < 3 && t.out[i]; i++) assert_int_equal(t.out[i]->dtype, dtype);
    if (call.inputs == 2 && t.in[1]->dims == 1) {
        as_column(&t.in[1], 1);
        as_column(&t.out[0], t.out[0]->dims);
    }
    check(s->text, &t);
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, t.in[i]);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, t.out[i]);
}

/* Catches factors that are not those of the matrix, in any batch, shape or stride, results in a
 * wrong order, and vectors that are rows. */
static void test_again(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
        const nb_op *op = nb_ops[checks[c].op];
        const char *at = op->samples;
        sample s;
        while (next_sample(op, &at, &s)) {
            for (int way = 0; way < 4; way++)
                try_sample(&s, way & 1 ? NB_F64 : NB_F32, way & 2, checks[c].check);
            free_sample(&s);
        }
    }
}

/* ---- Least squares -------------------------------------------------------------------------- */

/* The shortest of many solutions, also where the rank is not full. */
static void test_shortest(void **state)
{
    (void)state;
    static const double wide[] = {1, 2, 2}, flat[] = {1, 1, 1, 1};
    static const double of_wide[] = {1, 2, 2}, of_flat[] = {1.5, 1.5};
    nb_tensor *a = tensor_of(NB_F64, SHAPE(1, 3), wide),
              *b = tensor_of(NB_F64, SHAPE(1), VALUES(9));
    nb_tensor *c = tensor_of(NB_F64, SHAPE(2, 2), flat);
    nb_tensor *d = tensor_of(NB_F64, SHAPE(2), VALUES(2, 4));
    nb_tensor *x = nb_op2(ctx, NB_OP_lstsq, a, b), *y = nb_op2(ctx, NB_OP_lstsq, c, d);
    for (int64_t i = 0; i < 3; i++) assert_true(fabs(nb_tensor_get(x, &i) - of_wide[i]) < 1e-14);
    for (int64_t i = 0; i < 2; i++) assert_true(fabs(nb_tensor_get(y, &i) - of_flat[i]) < 1e-14);
    nb_tensor *all[] = {a, b, c, d, x, y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* ---- Gradients ------------------------------------------------------------------------------ */

/* solve, inverse and cholesky keep what came out: a change of it in place must not pass unseen. */
static void test_changed(void **state)
{
    (void)state;
    static const nb_op_id ops[] = {NB_OP_inverse, NB_OP_cholesky};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        nb_tensor *a = tensor_of(NB_F64, SHAPE(2, 2), VALUES(4, 1, 1, 3));
        assert_int_equal(nb_require_grad(ctx, a, true), NB_OK);
        nb_tensor *y = nb_op1(ctx, ops[i], a), *sum = nb_op1(ctx, NB_OP_sum, y);
        nb_tensor *view = nb_tensor_alias(ctx, y);
        assert_int_equal(nb_tensor_fill(ctx, view, 1), NB_OK);
        assert_int_equal(nb_backward(ctx, sum, NULL), NB_EARG);
        assert_failed(NB_EARG, "changed in place");
        nb_tensor *all[] = {a, y, sum, view};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) nb_tensor_release(ctx, all[k]);
    }
}

/* ---- Refusals ------------------------------------------------------------------------------- */

static void refuses(nb_op_id op, nb_tensor *a, nb_tensor *b, nb_status status, const char *words)
{
    nb_tensor *out = b ? nb_op2(ctx, op, a, b) : nb_op1(ctx, op, a);
    assert_null(out);
    assert_failed(status, words);
}

/* Which matrix of a batch, by the indices that the user counts with. */
static void test_words(void **state)
{
    (void)state;
    double many[24] = {0};
    for (int i = 0; i < 6; i++) many[4 * i] = many[4 * i + 3] = 1;
    many[4 * 4] = 0; /* matrix {2, 2} of 2 x 3 */
    nb_tensor *flat = tensor_of(NB_F64, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *one = tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, 2, 2, 4));
    nb_tensor *batch = tensor_of(NB_F64, SHAPE(2, 3, 2, 2), many);
    nb_tensor *row = tensor_of(NB_F64, SHAPE(3, 2, 2), many + 12);
    nb_tensor *vector = tensor_of(NB_F64, SHAPE(3), VALUES(1, 2, 3));
    refuses(NB_OP_solve, one, flat, NB_EVALUE, "solve: the matrix is singular");
    refuses(NB_OP_inverse, batch, NULL, NB_EVALUE, "matrix {2, 2} of the batch is singular");
    refuses(NB_OP_inverse, row, NULL, NB_EVALUE, "inverse: matrix 2 of the batch is singular");
    refuses(NB_OP_cholesky, one, NULL, NB_EVALUE, "the matrix is not positive definite");
    refuses(NB_OP_cholesky, one, NULL, NB_EVALUE, "leading minor of order 2 ");
    refuses(NB_OP_solve, one, vector, NB_ESHAPE, "solve: 2x2 and 3 do not fit");
    refuses(NB_OP_lstsq, one, vector, NB_ESHAPE, "lstsq: 2x2 and 3 do not fit");
    refuses(NB_OP_svd, vector, NULL, NB_ESHAPE, "svd takes matrices, not 3");
    refuses(NB_OP_dot, one, vector, NB_ESHAPE, "dot takes two vectors, not 2x2 and 3");
    static const nb_op_id square[] = {NB_OP_inverse, NB_OP_cholesky, NB_OP_eigh};
    for (size_t i = 0; i < sizeof square / sizeof *square; i++)
        refuses(square[i], flat, NULL, NB_ESHAPE, "takes square matrices, not 2x3");
    refuses(NB_OP_solve, flat, one, NB_ESHAPE, "solve takes square matrices, not 2x3");
    nb_tensor *all[] = {flat, one, batch, row, vector};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* Both sides of what the BLAS counts with an int: no matrix of the batch is there to need memory.
 */
static void test_right_sides(void **state)
{
    (void)state;
    nb_tensor *a = tensor_of(NB_F64, SHAPE(1, 1), VALUES(2));
    nb_tensor *most = nb_tensor_zeros(ctx, NB_F64, SHAPE(0, 1, NB_BLAS_MOST));
    nb_tensor *more = nb_tensor_zeros(ctx, NB_F64, SHAPE(0, 1, (int64_t)NB_BLAS_MOST + 1));
    nb_tensor *x = nb_op2(ctx, NB_OP_solve, a, most);
    assert_true(x && nb_tensor_same_shape(x, most));
    refuses(NB_OP_solve, a, more, NB_ESHAPE, "solve: 2147483648 right sides are too many");
    nb_tensor *all[] = {a, most, more, x};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* NaN and infinity never reach LAPACK; above the diagonal, where nobody looks, they do not matter.
 */
static void test_not_finite(void **state)
{
    (void)state;
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    for (int w = 0; w < 3; w++)
        for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
            bool two = checks[c].op == NB_OP_solve || checks[c].op == NB_OP_lstsq;
            bool triangle = checks[c].op == NB_OP_cholesky || checks[c].op == NB_OP_eigh;
            nb_tensor *b = tensor_of(NB_F32, SHAPE(2), VALUES(1, 2));
            nb_tensor *a = tensor_of(NB_F32, SHAPE(2, 2), VALUES(4, wrong[w], 1, 3));
            if (triangle) {
                nb_tensor *out = nb_op1(ctx, checks[c].op, a);
                assert_non_null(out);
                nb_tensor_release(ctx, out);
            }
            nb_tensor *turned = nb_tensor_transpose(ctx, a);
            refuses(checks[c].op, turned, two ? b : NULL, NB_EVALUE,
                    "the matrix holds NaN or infinity");
            nb_tensor_release(ctx, a);
            nb_tensor_release(ctx, b);
            nb_tensor_release(ctx, turned);
        }
    nb_tensor *a = tensor_of(NB_F64, SHAPE(1, 1), VALUES(2));
    nb_tensor *b = tensor_of(NB_F64, SHAPE(1), VALUES(NAN));
    refuses(NB_OP_lstsq, a, b, NB_EVALUE, "holds NaN or infinity");
    nb_tensor *x = nb_op2(ctx, NB_OP_solve, a, b);
    assert_true(isnan(nb_tensor_item(x)));
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
    nb_tensor_release(ctx, x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(again), TEST(shortest),    TEST(changed),
        TEST(words), TEST(right_sides), TEST(not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
