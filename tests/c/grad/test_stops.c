/* Gradients go nowhere when anything is wrong: numbers that are not finite, strangers, Ctrl-C and
 * memory that ends. */
#include "two_layers.h"

/* Catches a step that is half taken when a NaN or infinity is found, in the weights or the home. */
static void test_not_finite(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    double zero[NUMBERS] = {0};
    layers like = make_layers(true);
    for (int i = 0; i < 3; i++) {
        layers l = make_layers(true);
        nb_tensor *delta = nb_tensor_scalar(ctx, NB_F64, bad[i]);
        nb_sink sink = {.from = l.flat->storage, .into = l.flat, .alpha = -1, .beta = 1};
        nb_backward_options options = {.keep = true, .delta = delta, .sinks = &sink};
        for (options.sink_count = 0; options.sink_count < 2; options.sink_count++) {
            assert_int_equal(nb_backward(ctx, l.cost, &options), NB_EVALUE);
            assert_failed(NB_EVALUE, "the gradient of layer 2 is not finite");
            assert_int_equal(l.home->state, NB_HOME_NEW);
            check_numbers(l.home->grads, zero);
        }
        assert_memory_equal(nb_tensor_data(l.flat), nb_tensor_data(like.flat),
                            l.flat->storage->bytes);
        nb_tensor_release(ctx, delta);
        free_layers(&l);
    }
    free_layers(&like);
}

/* Catches a bound on the parameters that is not looked at again, or that outlives a change: of
 * steps of -1e307 the 17th ends at -1.7e308, and the 18th would pass what there is; then nothing
 * has changed, not even the version. A NaN that somebody wrote is found though no step makes one.
 */
static void test_step_too_far(void **state)
{
    (void)state;
    layers l = make_layers(true);
    const nb_backward_options *far = INTO(l.flat->storage, l.flat, -1e307, 1);
    for (int i = 1; i <= 17; i++) {
        assert_int_equal(pass_over_one(&l, 1, far), NB_OK);
        assert_true(at(l.flat, 4) < -0.99e307 * i);
        assert_true(l.home->largest.size >= fabs(at(l.flat, 4)));
        assert_int_equal(l.home->largest.version, l.flat->storage->version);
    }
    nb_tensor *before = nb_tensor_clone(ctx, l.flat);
    uint32_t version = l.flat->storage->version;
    assert_int_equal(pass_over_one(&l, 1, far), NB_EVALUE);
    assert_failed(NB_EVALUE, "the step of layer 2 is not finite");
    assert_memory_equal(nb_tensor_data(l.flat), nb_tensor_data(before), l.flat->storage->bytes);
    assert_int_equal(l.flat->storage->version, version);
    assert_int_equal(nb_tensor_fill(ctx, l.flat, 1), NB_OK);
    assert_int_equal(pass_over_one(&l, 1, INTO(l.flat->storage, l.flat, -1, 1)), NB_OK);
    assert_int_equal(nb_tensor_fill(ctx, l.param[1], NAN), NB_OK);
    assert_int_equal(pass_over_one(&l, 1, INTO(l.flat->storage, l.flat, -1, 1)), NB_EVALUE);
    nb_tensor_release(ctx, before);
    free_layers(&l);
}

/* Both sides of what counts as finite where it matters; elsewhere NaN passes: to a sink beside the
 * parameters, and to a leaf without a home. */
static void test_finite(void **state)
{
    (void)state;
    static const double given[] = {DBL_MAX, -DBL_MAX, INFINITY, NAN};
    for (int i = 0; i < 4; i++) {
        nb_home *home = nb_home_new(ctx, NB_F64, 1);
        nb_tensor *x = nb_tensor_scalar(ctx, NB_F64, 1), *plain = nb_tensor_scalar(ctx, NB_F64, 1);
        assert_int_equal(nb_require_grad_in(ctx, x, home), NB_OK);
        assert_int_equal(nb_require_grad(ctx, plain, true), NB_OK);
        nb_tensor *other = nb_tensor_zeros(ctx, NB_F64, SHAPE(1));
        nb_tensor *y = nb_op2(ctx, NB_OP_add, x, plain);
        nb_tensor *delta = nb_tensor_scalar(ctx, NB_F64, given[i]);
        nb_backward_options options = {.delta = delta, .keep = true};
        assert_int_equal(nb_backward(ctx, y, &options), i < 2 ? NB_OK : NB_EVALUE);
        assert_true(at(home->grads, 0) == (i < 2 ? given[i] : 0));
        if (i >= 2) assert_failed(NB_EVALUE, "a gradient is not finite");
        const nb_sink sink = {.from = x->storage, .into = other, .alpha = 1, .beta = 0};
        options.sinks = &sink;
        options.sink_count = 1;
        assert_int_equal(nb_backward(ctx, y, &options), NB_OK);
        assert_memory_equal(nb_tensor_data(other), &given[i], sizeof given[i]);
        assert_memory_equal(nb_tensor_data(nb_leaf_of(plain)->grad), &given[i], sizeof given[i]);
        nb_tensor *all[] = {x, plain, other, y, delta};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) nb_tensor_release(ctx, all[k]);
        nb_home_release(ctx, home);
    }
}

/* Two sets of parameters in one pass: a sink takes those of its storage, the others' home the rest;
 * or a sink each, in any order. */
static void test_strangers(void **state)
{
    (void)state;
    layers l = make_layers(true), other = make_layers(true), like = make_layers(true);
    assert_int_equal(nb_backward(ctx, like.cost, NULL), NB_OK);
    const double *wanted = nb_tensor_data(like.home->grads), nothing[NUMBERS] = {0};
    nb_tensor *one = nb_tensor_zeros(ctx, NB_F64, SHAPE(NUMBERS)),
              *two = nb_tensor_zeros(ctx, NB_F64, SHAPE(NUMBERS)),
              *both = nb_op2(ctx, NB_OP_add, l.cost, other.cost);
    const nb_sink sinks[2] = {{.from = other.flat->storage, .into = two, .alpha = 1, .beta = 0},
                              {.from = l.flat->storage, .into = one, .alpha = 1, .beta = 0}};
    nb_backward_options options = {.keep = true, .sinks = sinks, .sink_count = 1};
    assert_int_equal(nb_backward(ctx, both, &options), NB_OK);
    check_numbers(two, wanted);
    check_numbers(l.home->grads, wanted);
    check_numbers(other.home->grads, nothing);
    nb_home_forget(l.home);
    options.sink_count = 2;
    assert_int_equal(nb_backward(ctx, both, &options), NB_OK);
    check_numbers(one, wanted);
    check_numbers(two, wanted);
    check_numbers(l.home->grads, nothing);
    nb_tensor *all[] = {one, two, both};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    free_layers(&l);
    free_layers(&other);
    free_layers(&like);
}

/* Whose parameters are others has no gradient of them, until the next pass. */
static void test_forgotten(void **state)
{
    (void)state;
    layers l = make_layers(true);
    assert_int_equal(pass_over(&l, NULL), NB_OK);
    assert_non_null(nb_leaf_grad(nb_leaf_of(l.param[0])));
    nb_home_forget(l.home);
    assert_null(nb_leaf_grad(nb_leaf_of(l.param[0])));
    check_numbers(l.home->grads, (const double[NUMBERS]){0});
    assert_int_equal(pass_over_one(&l, 1, NULL), NB_OK);
    assert_true(grad_at(l.param[1], 0) == 1 && grad_at(l.param[0], 0) == 0);
    free_layers(&l);
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    layers l = make_layers(true), like = make_layers(true);
    nb_sink sink = {.from = l.flat->storage, .into = l.flat, .alpha = -1, .beta = 1};
    nb_backward_options options = {.keep = true, .sinks = &sink, .sink_count = 1};
    size_t live = ctx->memory.live;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_backward(ctx, l.cost, &options), NB_EINTERRUPT);
    assert_null(nb_op1(ctx, NB_OP_exp, l.x));
    ctx->interrupt = NULL;
    assert_int_equal(ctx->memory.live, live);
    assert_true(ctx->recording);
    assert_memory_equal(nb_tensor_data(l.flat), nb_tensor_data(like.flat), l.flat->storage->bytes);
    assert_int_equal(nb_backward(ctx, l.cost, &options), NB_OK);
    free_layers(&l);
    free_layers(&like);
}

/* Parameters of two kinds: those with a home, and a leaf that gets a fresh gradient. */
typedef struct mixed {
    layers l;
    nb_tensor *extra, *cost;
    nb_backward_options options;
} mixed;

static nb_status attempt(void *arg)
{
    mixed *m = arg;
    double before[NUMBERS];
    for (int64_t k = 0; k < NUMBERS; k++) before[k] = at(m->l.flat, k);
    uint32_t version = m->l.flat->storage->version;
    nb_home_state was = m->l.home->state;
    nb_status status = nb_backward(ctx, m->cost, &m->options);
    nb_leaf *leaf = nb_leaf_of(m->extra);
    if (status != NB_OK) {
        assert_null(leaf->grad);
        assert_int_equal(m->l.home->state, was);
        assert_int_equal(m->l.flat->storage->version, version);
        check_numbers(m->l.home->grads, (const double[NUMBERS]){0});
        check_numbers(m->l.flat, before);
        return status;
    }
    nb_tensor_release(ctx, leaf->grad);
    leaf->grad = NULL;
    m->l.flat->storage->version = version;
    memset(nb_tensor_data(m->l.home->grads), 0, NUMBERS * sizeof(double));
    return status;
}

/* Catches a request that fails between the first and the last number that is written: into the
 * home, into the weights (by 0, so that the graph serves again), into fresh tensors. */
static void test_memory(void **state)
{
    (void)state;
    mixed m = {.l = make_layers(true), .extra = nb_tensor_zeros(ctx, NB_F64, SHAPE(2))};
    assert_int_equal(nb_require_grad(ctx, m.extra, true), NB_OK);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, m.extra), *wide = nb_op2(ctx, NB_OP_add, sum, m.l.cost);
    m.cost = nb_op1(ctx, NB_OP_exp, wide);
    const nb_sink sink = {.from = m.l.flat->storage, .into = m.l.flat, .alpha = 0, .beta = 1};
    m.options = (nb_backward_options){.keep = true, .sinks = &sink};
    sweep(attempt, &m);
    m.options.sink_count = 1;
    sweep(attempt, &m);
    nb_tensor *all[] = {m.extra, m.cost, sum, wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    free_layers(&m.l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(not_finite), TEST(step_too_far), TEST(finite),
                                       TEST(strangers),  TEST(forgotten),    TEST(interrupt),
                                       TEST(memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
