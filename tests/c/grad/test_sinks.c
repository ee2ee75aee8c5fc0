/* Where gradients go: into homes, into sinks, and nowhere when anything is wrong. */
#include "grad/tape.h"

#include "../support.h"

#include <float.h>
#include <math.h>

static double at(const nb_tensor *tensor, int64_t i)
{
    return ((const double *)nb_tensor_data(tensor))[i];
}

static double grad_at(const nb_tensor *leaf, int64_t i)
{
    assert_non_null(nb_leaf_grad(nb_leaf_of(leaf)));
    return at(nb_leaf_grad(nb_leaf_of(leaf)), i);
}

/* ---- Parameters ----------------------------------------------------------------------------- */

/* Two layers, 2 -> 2 -> 1, of given parameters; the biases take the tensor path, the weights the
 * product's. The parameters lie in one storage, with a home; the plain ones are leaves of their
 * own. */
enum { PARAMS = 4, NUMBERS = 9 };

static const struct {
    int dims;
    int64_t shape[2], start;
} shapes[PARAMS] = {{2, {2, 2}, 0}, {1, {2}, 4}, {2, {1, 2}, 6}, {1, {1}, 8}};

typedef struct layers {
    nb_tensor *flat, *x, *param[PARAMS], *cost;
    nb_home *home; /* or NULL */
} layers;

static nb_tensor *part_of(const nb_tensor *flat, int i)
{
    static const int64_t stride[PARAMS][2] = {{2, 1}, {1}, {2, 1}, {1}};
    nb_tensor *part =
        nb_tensor_view(ctx, flat, shapes[i].dims, shapes[i].shape, stride[i], shapes[i].start);
    assert_non_null(part);
    return part;
}

static nb_tensor *dense(nb_tensor *x, nb_tensor *w, nb_tensor *b)
{
    nb_call call = {.op = nb_ops[NB_OP_dense], .in = {x, w, b}, .inputs = 3};
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_non_null(out);
    return out;
}

static nb_tensor *cost_of(const layers *l)
{
    nb_tensor *z = dense(l->x, l->param[0], l->param[1]), *a = nb_op1(ctx, NB_OP_tanh, z);
    nb_tensor *out = dense(a, l->param[2], l->param[3]), *square = nb_op2(ctx, NB_OP_mul, out, out);
    nb_tensor *cost = nb_op1(ctx, NB_OP_sum, square);
    nb_tensor *all[] = {z, a, out, square};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    return cost;
}

static layers make_layers(bool settled)
{
    layers l = {.x = tensor_of(NB_F64, SHAPE(3, 2), VALUES(1, -1, 0.5, 2, -2, 0.25))};
    l.flat =
        tensor_of(NB_F64, SHAPE(NUMBERS), VALUES(0.5, -0.25, 1, 0.75, 0.1, -0.2, 1.5, -1, 0.3));
    if (settled) l.home = nb_home_new(ctx, NB_F64, NUMBERS);
    for (int i = 0; i < PARAMS; i++) {
        l.param[i] = part_of(l.flat, i);
        assert_int_equal(settled ? nb_require_grad_in(ctx, l.param[i], l.home)
                                 : nb_require_grad(ctx, l.param[i], true),
                         NB_OK);
        nb_leaf_of(l.param[i])->where = "layer 2";
    }
    l.cost = cost_of(&l);
    return l;
}

static void free_layers(layers *l)
{
    nb_tensor *all[] = {l->flat, l->x, l->cost};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    for (int i = 0; i < PARAMS; i++) nb_tensor_release(ctx, l->param[i]);
    nb_home_release(ctx, l->home);
}

/* One pass from a fresh cost of all parameters. */
static nb_status pass_over(layers *l, const nb_backward_options *options)
{
    nb_tensor *cost = cost_of(l);
    nb_status status = nb_backward(ctx, cost, options);
    nb_tensor_release(ctx, cost);
    return status;
}

/* One from the sum of parameter i alone, whose gradient is 1 everywhere. */
static nb_status pass_over_one(layers *l, int i, const nb_backward_options *options)
{
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, l->param[i]);
    nb_status status = nb_backward(ctx, sum, options);
    nb_tensor_release(ctx, sum);
    return status;
}

/* The options of a pass into one sink. */
#define INTO(...)                                                                                  \
    &(nb_backward_options)                                                                         \
    {                                                                                              \
        .sinks = &(nb_sink){__VA_ARGS__, NULL, NULL, 0, 0}, .sink_count = 1                        \
    }

static void check_numbers(const nb_tensor *got, const double *wanted)
{
    for (int64_t k = 0; k < NUMBERS; k++)
        if (!(fabs(at(got, k) - wanted[k]) <= 1e-14 * (1 + fabs(wanted[k]))))
            fail_msg("element %d: %.17g, not %.17g", (int)k, at(got, k), wanted[k]);
}

/* The gradients of the same parameters as leaves of their own, in flat order. */
static void plain_gradient(double *out)
{
    layers plain = make_layers(false);
    assert_int_equal(nb_backward(ctx, plain.cost, NULL), NB_OK);
    for (int i = 0; i < PARAMS; i++)
        for (int64_t k = 0; k < nb_tensor_count(plain.param[i]); k++)
            out[shapes[i].start + k] = grad_at(plain.param[i], k);
    free_layers(&plain);
}

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

/* ---- What stops it -------------------------------------------------------------------------- */

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
    const struct CMUnitTest tests[] = {
        TEST(home),         TEST(missed),      TEST(accumulate),   TEST(twice),
        TEST(survivor),     TEST(no_place),    TEST(sink),         TEST(nothing_stays),
        TEST(no_parameter), TEST(wrong_sinks), TEST(sharing),      TEST(sharing_home),
        TEST(not_finite),   TEST(finite),      TEST(interrupt),    TEST(memory),
        TEST(strangers),    TEST(forgotten),   TEST(step_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
