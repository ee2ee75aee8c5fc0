/* Where gradients go: into homes and into sinks. */
#include "two_layers.h"

/* ---- Homes ---------------------------------------------------------------------------------- */

/* Every parameter's gradient is a view of the home, for life. */
static void test_home(void **state)
{
    (void)state;
    double wanted[NUMBERS];
    layers l = make_layers(true);
    nb_tensor *grad[PARAMS];
    plain_gradient(wanted);
    for (int i = 0; i < PARAMS; i++) {
        grad[i] = nb_leaf_of(l.param[i])->grad;
        assert_null(nb_leaf_grad(nb_leaf_of(l.param[i])));
    }
    for (int round = 0; round < 2; round++) {
        assert_int_equal(pass_over(&l, NULL), NB_OK);
        check_numbers(l.home->grads, wanted);
        for (int i = 0; i < PARAMS; i++) {
            assert_ptr_equal(nb_leaf_grad(nb_leaf_of(l.param[i])), grad[i]);
            assert_ptr_equal(grad[i]->storage, l.home->grads->storage);
            assert_true(at(grad[i], 0) == at(l.home->grads, shapes[i].start));
        }
    }
    free_layers(&l);
}

/* Catches stale gradients of parameters that a pass did not reach. */
static void test_missed(void **state)
{
    (void)state;
    layers l = make_layers(true);
    assert_int_equal(pass_over(&l, NULL), NB_OK);
    assert_int_equal(pass_over_one(&l, 2, NULL), NB_OK);
    check_numbers(l.home->grads, (const double[NUMBERS]){[6] = 1, [7] = 1});
    assert_int_equal(pass_over_one(&l, 1, NULL), NB_OK);
    check_numbers(l.home->grads, (const double[NUMBERS]){[4] = 1, [5] = 1});
    free_layers(&l);
}

/* Adds to what is there; where nothing is, as before the first pass or after the parameters moved
 * themselves, it begins with 0. */
static void test_accumulate(void **state)
{
    (void)state;
    const nb_backward_options adds = {.accumulate = true};
    layers l = make_layers(true);
    assert_int_equal(pass_over_one(&l, 1, &adds), NB_OK);
    assert_int_equal(pass_over_one(&l, 1, &adds), NB_OK);
    assert_int_equal(pass_over_one(&l, 2, &adds), NB_OK);
    check_numbers(l.home->grads, (const double[NUMBERS]){[4] = 2, [5] = 2, [6] = 1, [7] = 1});
    assert_int_equal(pass_over_one(&l, 3, INTO(l.flat->storage, l.flat, -1, 1)), NB_OK);
    assert_int_equal(pass_over_one(&l, 2, &adds), NB_OK);
    check_numbers(l.home->grads, (const double[NUMBERS]){[6] = 1, [7] = 1});
    free_layers(&l);
}

/* A home of which a parameter is used twice: beta counts for the first contribution. */
static void test_twice(void **state)
{
    (void)state;
    layers l = make_layers(true);
    nb_tensor *twice = nb_op2(ctx, NB_OP_mul, l.param[1], l.param[1]);
    for (int round = 0; round < 2; round++)
        assert_int_equal(
            nb_backward(ctx, twice, &(nb_backward_options){.keep = true, .delta = l.param[1]}),
            NB_OK);
    check_numbers(l.home->grads, (const double[NUMBERS]){[4] = 2 * 0.01, [5] = 2 * 0.04});
    nb_tensor_release(ctx, twice);
    free_layers(&l);
}

/* What a parameter points at goes with the last that points at it. */
static void test_survivor(void **state)
{
    (void)state;
    layers l = make_layers(true);
    nb_tensor *w = nb_tensor_retain(l.param[2]);
    assert_int_equal(pass_over(&l, NULL), NB_OK);
    free_layers(&l);
    nb_leaf_of(w)->where = NULL;
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, w);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    assert_true(grad_at(w, 0) == 1 && grad_at(w, 1) == 1);
    assert_true(at(nb_leaf_of(w)->home->grads, 0) == 0);
    assert_int_equal(nb_require_grad(ctx, w, false), NB_OK);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, w);
}

static void test_no_place(void **state)
{
    (void)state;
    nb_home *home = nb_home_new(ctx, NB_F64, 6);
    nb_tensor *fits = nb_tensor_zeros(ctx, NB_F64, SHAPE(2, 3));
    nb_tensor *turned = nb_tensor_transpose(ctx, fits);
    nb_tensor *large = nb_tensor_zeros(ctx, NB_F64, SHAPE(7));
    nb_tensor *end = nb_tensor_narrow(ctx, large, 0, 6, 1, 1);
    nb_tensor *narrow = nb_tensor_zeros(ctx, NB_F32, SHAPE(2));
    nb_tensor *wrong[] = {turned, large, end, narrow};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(nb_require_grad_in(ctx, wrong[i], home), NB_EARG);
        assert_null(wrong[i]->link);
    }
    assert_int_equal(nb_require_grad_in(ctx, fits, home), NB_OK);
    assert_int_equal(nb_require_grad_in(ctx, fits, home), NB_EARG);
    nb_home_release(ctx, home);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) nb_tensor_release(ctx, wrong[i]);
    nb_tensor_release(ctx, fits);
}

/* ---- Sinks ---------------------------------------------------------------------------------- */

/* into = alpha g + beta into, against the plain gradients. */
static void check_sink(bool itself, double alpha, double beta)
{
    double gradient[NUMBERS], wanted[NUMBERS];
    layers l = make_layers(true);
    nb_tensor *into = itself ? nb_tensor_retain(l.flat) : nb_tensor_clone(ctx, l.flat);
    plain_gradient(gradient);
    for (int64_t k = 0; k < NUMBERS; k++) wanted[k] = alpha * gradient[k] + beta * at(l.flat, k);
    assert_int_equal(nb_backward(ctx, l.cost, INTO(l.flat->storage, into, alpha, beta)), NB_OK);
    check_numbers(into, wanted);
    for (int i = 0; i < PARAMS; i++) assert_null(nb_leaf_grad(nb_leaf_of(l.param[i])));
    assert_int_equal(l.home->state, itself ? NB_HOME_STALE : NB_HOME_NEW);
    check_numbers(l.home->grads, (const double[NUMBERS]){0});
    nb_tensor_release(ctx, into);
    free_layers(&l);
}

/* Catches a step that uses a weight which an earlier layer's step has changed already. */
static void test_sink(void **state)
{
    (void)state;
    check_sink(false, 1, 0);
    check_sink(false, 2, 1);
    check_sink(false, -0.5, 0.25);
    check_sink(true, -0.1, 1);
}

/* Catches sinks that stay: after a pass into the weights a plain one moves nothing and reaches the
 * home; after one elsewhere the home has what it had. */
static void test_nothing_stays(void **state)
{
    (void)state;
    double before[NUMBERS];
    layers l = make_layers(true);
    assert_int_equal(pass_over(&l, INTO(l.flat->storage, l.flat, -0.1, 1)), NB_OK);
    for (int64_t k = 0; k < NUMBERS; k++) before[k] = at(l.flat, k);
    assert_int_equal(pass_over_one(&l, 1, NULL), NB_OK);
    check_numbers(l.flat, before);
    check_numbers(l.home->grads, (const double[NUMBERS]){[4] = 1, [5] = 1});
    nb_tensor *other = nb_tensor_zeros(ctx, NB_F64, SHAPE(NUMBERS));
    assert_int_equal(pass_over_one(&l, 3, INTO(l.flat->storage, other, 1, 0)), NB_OK);
    check_numbers(other, (const double[NUMBERS]){[8] = 1});
    check_numbers(l.home->grads, (const double[NUMBERS]){[4] = 1, [5] = 1});
    assert_int_equal(l.home->state, NB_HOME_FILLED);
    nb_tensor_release(ctx, other);
    free_layers(&l);
}

/* Who looks at the same elements from outside has a gradient of his own, and moves nothing. */
static void test_no_parameter(void **state)
{
    (void)state;
    layers l = make_layers(true);
    nb_tensor *alias = nb_tensor_alias(ctx, l.flat);
    assert_int_equal(nb_require_grad(ctx, alias, true), NB_OK);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, alias);
    assert_int_equal(nb_backward(ctx, sum, INTO(l.flat->storage, l.flat, -1, 1)), NB_OK);
    assert_true(grad_at(alias, 8) == 1 && at(l.flat, 8) == 0.3);
    assert_int_equal(l.home->state, NB_HOME_NEW);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, alias);
    free_layers(&l);
}

/* A sink that does not fit is refused before anything is written. */
static void test_wrong_sinks(void **state)
{
    (void)state;
    layers l = make_layers(true), like = make_layers(true);
    nb_tensor *small = nb_tensor_zeros(ctx, NB_F64, SHAPE(NUMBERS - 1));
    nb_tensor *single = nb_tensor_zeros(ctx, NB_F32, SHAPE(NUMBERS));
    nb_tensor *wide = nb_tensor_zeros(ctx, NB_F64, SHAPE(NUMBERS, 2));
    nb_tensor *strided = nb_tensor_select(ctx, wide, 1, 0);
    nb_tensor *wrong[] = {small, single, strided};
    static const nb_status status[] = {NB_ESHAPE, NB_EARG, NB_EARG};
    static const char *const words[] = {"no place for number 9", "a sink of f32", "contiguous"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pass_over(&l, INTO(l.flat->storage, wrong[i], 1, 0)), status[i]);
        assert_failed(status[i], words[i]);
        assert_int_equal(l.home->state, NB_HOME_NEW);
        for (int64_t k = 0; k < nb_tensor_count(wrong[i]); k++)
            assert_true(nb_tensor_get(wrong[i], &k) == 0);
    }
    assert_memory_equal(nb_tensor_data(l.flat), nb_tensor_data(like.flat), l.flat->storage->bytes);
    nb_tensor *all[] = {small, single, wide, strided};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    free_layers(&l);
    free_layers(&like);
}

/* ---- What is read while it is written ------------------------------------------------------- */

/* A parameter used twice, and one that is itself the input of another's product. Catches a product
 * of what the pass has overwritten already. */
static void test_sharing(void **state)
{
    (void)state;
    nb_tensor *flat = tensor_of(NB_F64, SHAPE(6), VALUES(1, 2, 3, 4, 5, 6));
    nb_home *home = nb_home_new(ctx, NB_F64, 6);
    nb_tensor *w = nb_tensor_view(ctx, flat, SHAPE(2, 2), (const int64_t[]){2, 1}, 0);
    nb_tensor *p = nb_tensor_view(ctx, flat, SHAPE(1, 2), (const int64_t[]){2, 1}, 4);
    assert_int_equal(nb_require_grad_in(ctx, w, home), NB_OK);
    assert_int_equal(nb_require_grad_in(ctx, p, home), NB_OK);
    nb_tensor *b = nb_tensor_zeros(ctx, NB_F64, SHAPE(2)), *wide = nb_op2(ctx, NB_OP_add, p, p);
    nb_tensor *y = dense(p, w, b), *z = dense(y, w, b), *u = nb_op2(ctx, NB_OP_add, z, wide);
    nb_tensor *cost = nb_op1(ctx, NB_OP_sum, u);
    /* C = s^T (W W p + 2 p) with s = (1, 1): dW = s (W p)^T + (W^T s) p^T, dp = W^T W^T s + 2 s;
     * W p = (17, 39), W^T s = (4, 6), W^T W^T s = (22, 32). */
    static const double gradient[6] = {17 + 20, 39 + 24, 17 + 30, 39 + 36, 24, 34};
    nb_backward_options keep = {.keep = true};
    assert_int_equal(nb_backward(ctx, cost, &keep), NB_OK);
    for (int64_t k = 0; k < 6; k++) assert_true(at(home->grads, k) == gradient[k]);
    assert_int_equal(nb_backward(ctx, cost, INTO(flat->storage, flat, -0.125, 0.5)), NB_OK);
    for (int64_t k = 0; k < 6; k++)
        assert_true(at(flat, k) == 0.5 * (double)(k + 1) - 0.125 * gradient[k]);
    nb_tensor *all[] = {flat, w, p, b, wide, y, z, u, cost};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    nb_home_release(ctx, home);
}

/* The last gradient is a factor of the next: C = s^T G w with G the gradient of w, so dw = G^T s,
 * which goes where G stands. */
static void test_sharing_home(void **state)
{
    (void)state;
    nb_tensor *flat = tensor_of(NB_F64, SHAPE(4), VALUES(1, 2, 3, 4));
    nb_home *home = nb_home_new(ctx, NB_F64, 4);
    nb_tensor *w = nb_tensor_view(ctx, flat, SHAPE(2, 2), (const int64_t[]){2, 1}, 0);
    assert_int_equal(nb_require_grad_in(ctx, w, home), NB_OK);
    nb_tensor *square = nb_op2(ctx, NB_OP_mul, w, w);
    nb_tensor *ones = tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, 1, 1, 1));
    assert_int_equal(nb_backward(ctx, square, &(nb_backward_options){.delta = ones}), NB_OK);
    nb_tensor *y = nb_op2(ctx, NB_OP_matmul, nb_leaf_of(w)->grad, w);
    assert_int_equal(nb_backward(ctx, y, &(nb_backward_options){.delta = ones}), NB_OK);
    static const double wanted[4] = {2 + 6, 2 + 6, 4 + 8, 4 + 8};
    for (int64_t k = 0; k < 4; k++) assert_true(at(home->grads, k) == wanted[k]);
    nb_tensor *all[] = {flat, w, square, ones, y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    nb_home_release(ctx, home);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(home),        TEST(missed),        TEST(accumulate),
                                       TEST(twice),       TEST(survivor),      TEST(no_place),
                                       TEST(sink),        TEST(nothing_stays), TEST(no_parameter),
                                       TEST(wrong_sinks), TEST(sharing),       TEST(sharing_home)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
