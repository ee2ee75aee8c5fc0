/* Products that ops put aside for a parameter: of every shape, or refused. */
#include "grad/tape.h"

#include "../support.h"

static double at(const nb_tensor *tensor, int64_t i)
{
    return ((const double *)nb_tensor_data(tensor))[i];
}

/* The factors that the op below hands on, and Ctrl-C, pressed when it has. */
static nb_tensor *left, *right;
static volatile sig_atomic_t pressed;

static nb_tensor *sum_forward(nb_ctx *same, nb_call *call)
{
    (void)call;
    return nb_tensor_scalar(same, NB_F64, 0);
}

static nb_status product_backward(nb_ctx *same, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    (void)delta;
    (void)grad;
    pressed = 1;
    return nb_tape_product(same, record, 0, left, right);
}

static const nb_op product_op = {
    .name = "product", .forward = sum_forward, .backward = product_backward};

/* A tensor (rows, columns) of numbers that repeat late; turned: as the transpose of one. */
static nb_tensor *matrix(int64_t rows, int64_t columns, bool turned)
{
    const int64_t shape[2] = {turned ? columns : rows, turned ? rows : columns};
    nb_tensor *plain = nb_tensor_new(ctx, NB_F64, 2, shape);
    for (int64_t i = 0; i < rows * columns; i++)
        ((double *)nb_tensor_data(plain))[i] = (double)(i % 23) - 11;
    nb_tensor *out = turned ? nb_tensor_transpose(ctx, plain) : nb_tensor_retain(plain);
    nb_tensor_release(ctx, plain);
    return out;
}

/* (A^T B) of whole numbers, so exact: element k in row-major order. */
static double product_at(const nb_tensor *a, const nb_tensor *b, int64_t k)
{
    int64_t columns = b->shape[1];
    double sum = 0;
    for (int64_t n = 0; n < a->shape[0]; n++)
        sum += nb_tensor_get(a, (const int64_t[]){n, k / columns}) *
               nb_tensor_get(b, (const int64_t[]){n, k % columns});
    return sum;
}

static nb_status product_pass(nb_tensor *leaf, const nb_backward_options *options)
{
    nb_call call = {.op = &product_op, .in = {leaf}, .inputs = 1};
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_status status = nb_backward(ctx, out, options);
    nb_tensor_release(ctx, out);
    return status;
}

/* A parameter of any shape behind `before` other elements of its storage, and one without a home.
 */
static void check_shape(int dims, const int64_t *shape, int64_t rows, int64_t columns, bool turned)
{
    enum { BEFORE = 3 };
    int64_t n = rows * columns, all = BEFORE + n;
    nb_tensor *flat = nb_tensor_zeros(ctx, NB_F64, 1, &all);
    nb_tensor *part = nb_tensor_narrow(ctx, flat, 0, BEFORE, n, 1);
    nb_tensor *w = nb_tensor_reshape(ctx, part, dims, shape);
    nb_tensor *plain = nb_tensor_zeros(ctx, NB_F64, dims, shape);
    nb_home *home = nb_home_new(ctx, NB_F64, all);
    left = matrix(4, rows, turned);
    right = matrix(4, columns, !turned);
    assert_int_equal(nb_require_grad_in(ctx, w, home), NB_OK);
    assert_int_equal(nb_require_grad(ctx, plain, true), NB_OK);
    assert_int_equal(product_pass(w, NULL), NB_OK);
    assert_int_equal(product_pass(plain, NULL), NB_OK);
    assert_int_equal(product_pass(plain, &(nb_backward_options){.accumulate = true}), NB_OK);
    const nb_sink sink = {.from = flat->storage, .into = flat, .alpha = -0.5, .beta = 1};
    assert_int_equal(product_pass(w, &(nb_backward_options){.sinks = &sink, .sink_count = 1}),
                     NB_OK);
    assert_true(nb_tensor_same_shape(nb_leaf_of(plain)->grad, plain));
    for (int64_t k = 0; k < n; k++) {
        double wanted = product_at(left, right, k);
        assert_true(at(home->grads, BEFORE + k) == wanted);
        assert_true(at(nb_leaf_of(plain)->grad, k) == 2 * wanted);
        assert_true(at(flat, BEFORE + k) == -0.5 * wanted);
    }
    for (int64_t k = 0; k < BEFORE; k++) assert_true(at(home->grads, k) == 0 && at(flat, k) == 0);
    nb_tensor *gone[] = {flat, part, w, plain, left, right};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) nb_tensor_release(ctx, gone[i]);
    nb_home_release(ctx, home);
}

/* Catches a product that writes only a part of a parameter of more than two dimensions. */
static void test_product_shapes(void **state)
{
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        check_shape(0, NULL, 1, 1, turned);
        check_shape(SHAPE(600), 24, 25, turned);
        check_shape(SHAPE(8, 75), 8, 75, turned);
        check_shape(SHAPE(8, 75), 75, 8, turned);
        check_shape(SHAPE(8, 3, 25), 8, 75, turned);
        check_shape(SHAPE(8, 3, 5, 5), 8, 75, turned);
        check_shape(SHAPE(2, 4, 3, 5, 5), 8, 75, turned);
        check_shape(SHAPE(2, 4, 3, 5, 5), 120, 5, turned);
        check_shape(SHAPE(3, 0, 2), 0, 7, turned);
        check_shape(SHAPE(3, 0, 2), 6, 0, turned);
    }
}

/* A product of other shape, length or dtype than its parameter's is refused, and nothing written.
 */
static void test_product_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t n, rows, m, columns;
    } wrong[] = {{4, 8, 4, 74}, {4, 8, 4, 76}, {4, 600, 4, 600}, {4, 8, 5, 75}, {4, 0, 4, 75}};
    nb_home *home = nb_home_new(ctx, NB_F64, 600);
    nb_tensor *w = nb_tensor_zeros(ctx, NB_F64, SHAPE(8, 3, 5, 5));
    assert_int_equal(nb_require_grad_in(ctx, w, home), NB_OK);
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        bool single = i == sizeof wrong / sizeof *wrong;
        nb_tensor *a = single ? matrix(4, 8, false) : matrix(wrong[i].n, wrong[i].rows, false);
        right = single ? matrix(4, 75, false) : matrix(wrong[i].m, wrong[i].columns, false);
        left = nb_tensor_convert(ctx, a, single ? NB_F32 : NB_F64, 1);
        assert_int_equal(product_pass(w, NULL), NB_ESHAPE);
        assert_failed(NB_ESHAPE, "is no gradient of 8x3x5x5");
        assert_int_equal(home->state, NB_HOME_NEW);
        for (int64_t k = 0; k < 600; k++) assert_true(at(home->grads, k) == 0);
        nb_tensor *gone[] = {a, left, right};
        for (size_t k = 0; k < sizeof gone / sizeof *gone; k++) nb_tensor_release(ctx, gone[k]);
    }
    nb_tensor_release(ctx, w);
    nb_home_release(ctx, home);
}

/* A leaf of one number, whose gradient in its home is that of left and right, both `rows` times
 * `value`. */
static nb_status pass_of(int64_t rows, double value, double *gradient)
{
    nb_home *home = nb_home_new(ctx, NB_F64, 1);
    nb_tensor *w = nb_tensor_zeros(ctx, NB_F64, SHAPE(1, 1));
    left = nb_tensor_zeros(ctx, NB_F64, SHAPE(rows, 1));
    assert_int_equal(nb_tensor_fill(ctx, left, value), NB_OK);
    right = nb_tensor_clone(ctx, left);
    assert_int_equal(nb_require_grad_in(ctx, w, home), NB_OK);
    nb_status status = product_pass(w, NULL);
    *gradient = at(home->grads, 0);
    nb_tensor *all[] = {w, left, right};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    nb_home_release(ctx, home);
    return status;
}

/* A product is finite when its sum is: three times 10^308 is not, though each of them is. */
static void test_product_not_finite(void **state)
{
    (void)state;
    double gradient;
    assert_int_equal(pass_of(1, 1e154, &gradient), NB_OK);
    assert_true(gradient > 0.9e308);
    /* Two rows are bounded; of many before one number that is kept and looked at. */
    for (int64_t rows = 2; rows < 100; rows += 30) {
        assert_int_equal(pass_of(rows, 1e154, &gradient), NB_EVALUE);
        assert_true(gradient == 0);
        assert_int_equal(pass_of(rows, 1e152, &gradient), NB_OK);
        assert_true(gradient > 0);
    }
}

/* Ctrl-C waits once gradients are written, also for a product so deep that it looks out for it. */
static void test_late_interrupt(void **state)
{
    enum { ROWS = (1 << 18) + 1 };
    (void)state;
    double gradient;
    pressed = 0;
    ctx->interrupt = &pressed;
    assert_int_equal(pass_of(ROWS, 1, &gradient), NB_OK);
    assert_true(gradient == ROWS);
    assert_int_equal(pressed, 1);
    assert_int_equal(nb_poll(ctx), NB_EINTERRUPT);
    ctx->interrupt = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(product_shapes), TEST(product_refused),
                                       TEST(product_not_finite), TEST(late_interrupt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
