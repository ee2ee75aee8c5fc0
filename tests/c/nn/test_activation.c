/* Activations: their values against formulas written here, their slopes against differences, the
 * runs of a layer against a plain list, and functions of a host among them. */
#include "nn/runs.h"

#include "../support.h"
#include "base/random.h"
#include "grad/tape.h"

#include <math.h>

/* ---- Values --------------------------------------------------------------------------------- */

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double f_sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}
static double f_relu(double z)
{
    return z > 0 ? z : 0;
}
static double f_leaky_relu(double z)
{
    return z > 0 ? z : 0.01 * z;
}
static double f_elu(double z)
{
    return z > 0 ? z : exp(z) - 1;
}
static double f_selu(double z)
{
    return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * (exp(z) - 1));
}
static double f_gelu(double z)
{
    return z * 0.5 * erfc(-z / sqrt(2));
}
static double f_silu(double z)
{
    return z / (1 + exp(-z));
}
static double f_mish(double z)
{
    return z * tanh(log1p(exp(z)));
}
static double f_softplus(double z)
{
    return log1p(exp(z));
}
static double f_softsign(double z)
{
    return z / (1 + fabs(z));
}
static double f_hard_sigmoid(double z)
{
    return clamp(z / 6 + 0.5, 0, 1);
}
static double f_hard_tanh(double z)
{
    return clamp(z, -1, 1);
}
static double f_hard_silu(double z)
{
    return z * clamp(z / 6 + 0.5, 0, 1);
}
static double f_relu6(double z)
{
    return clamp(z, 0, 6);
}
static double f_gaussian(double z)
{
    return exp(-z * z);
}
static double f_linear(double z)
{
    return z;
}
static double f_step(double z)
{
    return z < 0 ? 0 : 1;
}
static double f_elliot(double z)
{
    return z / (2 * (1 + fabs(z))) + 0.5;
}

static double (*const formula[NB_ACTIVATIONS])(double) = {
    [NB_ACT_sigmoid] = f_sigmoid,
    [NB_ACT_tanh] = tanh,
    [NB_ACT_relu] = f_relu,
    [NB_ACT_leaky_relu] = f_leaky_relu,
    [NB_ACT_elu] = f_elu,
    [NB_ACT_selu] = f_selu,
    [NB_ACT_gelu] = f_gelu,
    [NB_ACT_silu] = f_silu,
    [NB_ACT_mish] = f_mish,
    [NB_ACT_softplus] = f_softplus,
    [NB_ACT_softsign] = f_softsign,
    [NB_ACT_hard_sigmoid] = f_hard_sigmoid,
    [NB_ACT_hard_tanh] = f_hard_tanh,
    [NB_ACT_hard_silu] = f_hard_silu,
    [NB_ACT_relu6] = f_relu6,
    [NB_ACT_gaussian] = f_gaussian,
    [NB_ACT_sin] = sin,
    [NB_ACT_exp] = exp,
    [NB_ACT_linear] = f_linear,
    [NB_ACT_step] = f_step,
    [NB_ACT_elliot] = f_elliot,
};

/* Not at the kinks 0, ±1, ±3, 6, and on both sides of each. */
static const double points[] = {-7.5, -3.2, -2.7, -1.4, -0.6, -0.1, 0.2,
                                0.7,  1.3,  2.9,  3.1,  5.5,  6.5};
enum { POINTS = sizeof points / sizeof points[0] };

static nb_activation built_in(size_t i)
{
    return nb_activation_of(nb_activations[i]);
}

static nb_tensor *apply(nb_activation f, nb_tensor *z)
{
    nb_runs *runs = nb_runs_new(ctx, z->shape[z->dims - 1], 0, f);
    assert_non_null(runs);
    nb_tensor *a = nb_runs_apply(ctx, runs, z);
    nb_runs_release(ctx, runs);
    return a;
}

static const double *numbers(const nb_tensor *f64)
{
    return nb_tensor_data(f64);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < NB_ACTIVATIONS; i++) {
        const nb_activation_type *f = nb_activations[i];
        assert_true(f->name && f->help && f->formula && f->example && f->init);
        assert_ptr_equal(nb_activation_find(f->name), f);
        assert_string_equal(nb_activation_name_at(NULL, i), f->name);
        assert_true(f->whole_layer == !formula[i]);
        assert_null(f->host);
    }
    assert_int_equal(NB_ACTIVATIONS, 23);
    assert_null(nb_activation_name_at(NULL, NB_ACTIVATIONS));
    assert_null(nb_activation_find("rleu"));
}

/* Catches a row with another's kernel or with wrong parameters. */
static void test_values(void **state)
{
    (void)state;
    nb_tensor *z = tensor_of(NB_F64, SHAPE(1, POINTS), points);
    for (size_t i = 0; i < NB_ACTIVATIONS; i++) {
        if (!formula[i]) continue;
        nb_tensor *a = apply(built_in(i), z);
        assert_non_null(a);
        for (int j = 0; j < POINTS; j++) {
            double expected = formula[i](points[j]);
            assert_true(fabs(numbers(a)[j] - expected) <= 1e-14 * fmax(1, fabs(expected)));
        }
        nb_tensor_release(ctx, a);
    }
    nb_tensor_release(ctx, z);
}

/* Catches a range that its activation leaves, and one that is wider than it need be. leaky_relu's
 * and elu's hold for all of their options. */
static void test_ranges(void **state)
{
    (void)state;
    const double far[] = {-1e30, -1e6, -60, 60, 1e6, 1e30};
    for (size_t i = 0; i < NB_ACTIVATIONS; i++) {
        const nb_activation_type *f = nb_activations[i];
        double low = INFINITY, high = -INFINITY;
        assert_true(f->low < f->high);
        for (int j = -4000; formula[i] && j < 4006; j++) {
            double a = formula[i](j < 4000 ? j / 500.0 : far[j - 4000]);
            low = fmin(low, a);
            high = fmax(high, a);
        }
        if (!formula[i]) continue;
        if (!(low >= f->low && high <= f->high)) fail_msg("%s: %g to %g", f->name, low, high);
        bool loose = i == NB_ACT_elu || (isfinite(f->low) && low - f->low > 1e-3) ||
                     (isfinite(f->high) && f->high - high > 1e-3) ||
                     (isinf(f->low) && low > -1e20) || (isinf(f->high) && high < 1e20);
        if (loose && i != NB_ACT_elu) fail_msg("%s: %g to %g", f->name, low, high);
    }
    assert_true(nb_activations[NB_ACT_softmax]->low == 0 &&
                nb_activations[NB_ACT_softmax]->high == 1);
    assert_true(nb_activations[NB_ACT_log_softmax]->high == 0);
    assert_true(isinf(nb_activations[NB_ACT_log_softmax]->low));
}

/* a → Σ a → z: the gradient is the slope. */
static void check_slope(size_t i, nb_tensor *z)
{
    const double h = 1e-6;
    nb_tensor *a = apply(built_in(i), z);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, a);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    const double *slope = numbers(nb_leaf_of(z)->grad);
    for (int j = 0; j < POINTS; j++) {
        double d = (formula[i](points[j] + h) - formula[i](points[j] - h)) / (2 * h);
        assert_true(fabs(slope[j] - d) <= 1e-8 * fmax(1, fabs(d)));
    }
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, a);
}

static void test_slopes(void **state)
{
    (void)state;
    nb_tensor *z = tensor_of(NB_F64, SHAPE(1, POINTS), points);
    assert_int_equal(nb_require_grad(ctx, z, true), NB_OK);
    for (size_t i = 0; i < NB_ACTIVATIONS; i++) {
        if (formula[i]) check_slope(i, z);
    }
    nb_tensor_release(ctx, z);
}

/* Rows of softmax are probabilities, log_softmax their logarithms, row by row. */
static void test_whole_layer(void **state)
{
    (void)state;
    nb_tensor *z = tensor_of(NB_F64, SHAPE(2, 3), VALUES(1, 2, 3, -700, 0, 700));
    nb_tensor *a = apply(built_in(NB_ACT_softmax), z);
    nb_tensor *l = apply(built_in(NB_ACT_log_softmax), z);
    double sum = exp(-2) + exp(-1) + 1;
    assert_true(fabs(numbers(a)[0] - exp(-2) / sum) < 1e-15);
    assert_true(fabs(numbers(a)[2] - 1 / sum) < 1e-15);
    assert_true(numbers(a)[5] == 1);
    assert_true(fabs(numbers(l)[1] - (-1 - log(sum))) < 1e-14);
    assert_true(fabs(numbers(l)[3] - -1400) < 1e-10);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, l);
    nb_tensor_release(ctx, z);
}

/* ---- Runs ----------------------------------------------------------------------------------- */

enum { NEURONS = 12 };

/* In order, without gaps, neighbours differing, kernels the same; and neuron by neuron as the list.
 */
static void check_runs(const nb_runs *runs, const nb_activation *list)
{
    int64_t next = 0;
    for (int64_t i = 0; i < runs->count; i++) {
        const nb_run *run = &runs->run[i];
        const nb_kernel_run *kernel = &runs->kernels->run[i];
        assert_int_equal(run->start, next);
        assert_true(run->count > 0);
        assert_true(i == 0 || !nb_activation_same(run->activation, run[-1].activation));
        assert_int_equal(kernel->start, run->start);
        assert_int_equal(kernel->count, run->count);
        assert_int_equal(kernel->kernel, run->activation.type->kernel);
        assert_true(kernel->p == run->activation.number[0] &&
                    kernel->q == run->activation.number[1]);
        next += run->count;
    }
    assert_int_equal(next, NEURONS);
    assert_int_equal(runs->kernels->count, runs->count);
    assert_int_equal(nb_runs_neurons(runs), NEURONS);
    for (int i = 0; i < NEURONS; i++) assert_true(nb_activation_same(nb_runs_at(runs, i), list[i]));
}

/* One that more than half of the neurons have must be found, wherever they sit. */
static void check_main(const nb_runs *runs, const nb_activation *list)
{
    nb_activation main = nb_runs_main(runs);
    bool among = false;
    for (int i = 0; i < NEURONS; i++) {
        int same = 0;
        for (int j = 0; j < NEURONS; j++) same += nb_activation_same(list[j], list[i]);
        bool is_main = nb_activation_same(list[i], main);
        if (2 * same > NEURONS) assert_true(is_main);
        among = among || is_main;
    }
    assert_true(among);
}

static void test_runs_follow_a_list(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(2, NB_FOR_TENSOR, 0);
    nb_activation list[NEURONS];
    for (int i = 0; i < NEURONS; i++) list[i] = built_in(NB_ACT_sigmoid);
    nb_runs *runs = nb_runs_new(ctx, NEURONS, 0, list[0]);
    for (int round = 0; round < 3000; round++) {
        int64_t start = (int64_t)nb_random_below(&stream, NEURONS);
        int64_t count = 1 + (int64_t)nb_random_below(&stream, (uint64_t)(NEURONS - start));
        nb_activation f = built_in(nb_random_below(&stream, 4));
        /* The same word with another number is another activation. */
        if (nb_random_below(&stream, 2)) f.number[0] += 0.5;
        nb_runs *changed = nb_runs_with(ctx, runs, start, count, f);
        assert_non_null(changed);
        check_runs(runs, list); /* as it was */
        for (int64_t i = start; i < start + count; i++) list[i] = f;
        check_runs(changed, list);
        check_main(changed, list);
        nb_runs_release(ctx, runs);
        runs = changed;
    }
    nb_runs_release(ctx, runs);
}

static void test_uniform(void **state)
{
    (void)state;
    nb_activation relu = built_in(NB_ACT_relu), tanh_ = built_in(NB_ACT_tanh);
    nb_runs *runs = nb_runs_new(ctx, 4, 0, relu);
    nb_runs *mixed = nb_runs_with(ctx, runs, 1, 1, tanh_);
    nb_runs *again = nb_runs_with(ctx, mixed, 1, 1, relu);
    assert_ptr_equal(nb_runs_uniform(runs).type, relu.type);
    assert_null(nb_runs_uniform(mixed).type);
    assert_int_equal(mixed->count, 3);
    assert_true(nb_activation_same(nb_runs_uniform(again), relu));
    assert_true(nb_runs_same(runs, again) && !nb_runs_same(runs, mixed));
    assert_true(runs->kernels && mixed->kernels);
    nb_runs_release(ctx, nb_runs_retain(runs));
    nb_runs_release(ctx, runs);
    nb_runs_release(ctx, mixed);
    nb_runs_release(ctx, again);
    nb_runs_release(ctx, NULL);
}

static void test_softmax_is_the_layers(void **state)
{
    (void)state;
    nb_activation softmax = built_in(NB_ACT_softmax), relu = built_in(NB_ACT_relu);
    nb_runs *runs = nb_runs_new(ctx, 4, 0, relu);
    assert_null(nb_runs_with(ctx, runs, 2, 1, softmax));
    assert_failed(NB_EARG, "softmax belongs to a whole layer");
    nb_runs *whole = nb_runs_with(ctx, runs, 0, 4, softmax);
    assert_ptr_equal(nb_runs_uniform(whole).type, softmax.type);
    assert_null(whole->kernels);
    assert_null(nb_runs_with(ctx, whole, 2, 1, relu));
    assert_failed(NB_EARG, "before one neuron gets relu");
    nb_runs *back = nb_runs_with(ctx, whole, 0, 4, relu);
    assert_non_null(back->kernels);
    nb_runs_release(ctx, runs);
    nb_runs_release(ctx, whole);
    nb_runs_release(ctx, back);
}

/* ---- A host's functions --------------------------------------------------------------------- */

static nb_tensor *host_square(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in,
                              int count)
{
    (void)self, (void)count;
    return nb_op2(c, NB_OP_mul, in[0], in[0]);
}

static nb_tensor *host_raise(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in,
                             int count)
{
    (void)self, (void)in, (void)count;
    return nb_fail_null(c, NB_ECALLBACK, "raised");
}

static nb_tensor *host_sum(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in, int count)
{
    (void)self, (void)count;
    return nb_op1(c, NB_OP_sum, in[0]);
}

static nb_tensor *host_f32(nb_ctx *c, const nb_host_function *self, nb_tensor *const *in, int count)
{
    (void)self, (void)count;
    return nb_tensor_convert(c, in[0], NB_F32, 1);
}

#define HOST(word)                                                                                 \
    static const nb_host_function function_##word = {.call = host_##word};                         \
    static const nb_activation_type custom_##word = {.name = #word, .host = &function_##word}

HOST(square);
HOST(raise);
HOST(sum);
HOST(f32);

static double square(double z)
{
    return z * z;
}

/* Seven neurons: tanh, a host's, relu, sigmoid (one block), two times a host's, linear. */
static nb_runs *mixed_runs(const nb_activation_type *custom)
{
    const nb_activation_type *change[] = {
        nb_activations[NB_ACT_tanh],    custom, nb_activations[NB_ACT_relu],
        nb_activations[NB_ACT_sigmoid], custom, custom,
        nb_activations[NB_ACT_linear]};
    nb_runs *runs = nb_runs_new(ctx, 7, 0, nb_activation_of(change[0]));
    for (int i = 1; i < 7 && runs; i++) {
        nb_runs *next = nb_runs_with(ctx, runs, i, 1, nb_activation_of(change[i]));
        nb_runs_release(ctx, runs);
        runs = next;
    }
    return runs;
}

static double (*const mixed_formula[7])(double) = {tanh,   square, f_relu,  f_sigmoid,
                                                   square, square, f_linear};

static nb_tensor *mixed_z(void)
{
    return tensor_of(NB_F64, SHAPE(2, 7), VALUES(.5, -2, 1, .3, 2, 3, 4, -.5, 1, -1, 0, 1, -3, 5));
}

static void test_host_among_others(void **state)
{
    (void)state;
    nb_runs *runs = mixed_runs(&custom_square);
    nb_tensor *z = mixed_z();
    assert_null(runs->kernels);
    assert_int_equal(runs->count, 6);
    nb_tensor *a = nb_runs_apply(ctx, runs, z);
    assert_non_null(a);
    for (int i = 0; i < 14; i++) {
        assert_true(fabs(numbers(a)[i] - mixed_formula[i % 7](numbers(z)[i])) < 1e-15);
    }
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, z);
    nb_runs_release(ctx, runs);
}

static void test_gradient_through_the_mix(void **state)
{
    (void)state;
    nb_runs *runs = mixed_runs(&custom_square);
    nb_tensor *z = mixed_z();
    assert_int_equal(nb_require_grad(ctx, z, true), NB_OK);
    nb_tensor *a = nb_runs_apply(ctx, runs, z);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, a);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    const double *slope = numbers(nb_leaf_of(z)->grad), h = 1e-6;
    for (int i = 0; i < 14; i++) {
        double at = numbers(z)[i];
        double d = (mixed_formula[i % 7](at + h) - mixed_formula[i % 7](at - h)) / (2 * h);
        assert_true(fabs(slope[i] - d) < 1e-8);
    }
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, z);
    nb_runs_release(ctx, runs);
}

/* What the host gives is checked, alone and among others; what it raises comes through. */
static void test_host_fails(void **state)
{
    (void)state;
    nb_tensor *z = mixed_z();
    assert_null(apply(nb_activation_of(&custom_raise), z));
    assert_failed(NB_ECALLBACK, "raised");
    assert_null(apply(nb_activation_of(&custom_sum), z));
    assert_failed(NB_ESHAPE, "activation sum gave a number from 2x7");
    assert_null(apply(nb_activation_of(&custom_f32), z));
    assert_failed(NB_ESHAPE, "activation f32 gave f32 from f64");
    nb_runs *runs = mixed_runs(&custom_raise);
    assert_null(nb_runs_apply(ctx, runs, z));
    assert_failed(NB_ECALLBACK, "raised");
    nb_runs_release(ctx, runs);
    nb_tensor_release(ctx, z);
}

static nb_status apply_once(void *z)
{
    nb_runs *runs = mixed_runs(&custom_square);
    nb_tensor *a = runs ? nb_runs_apply(ctx, runs, z) : NULL;
    nb_status status = a ? NB_OK : ctx->status;
    nb_tensor_release(ctx, a);
    nb_runs_release(ctx, runs);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_tensor *z = mixed_z();
    assert_int_equal(nb_require_grad(ctx, z, true), NB_OK);
    sweep(apply_once, z);
    nb_tensor_release(ctx, z);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table),
        TEST(ranges),
        TEST(values),
        TEST(slopes),
        TEST(whole_layer),
        TEST(runs_follow_a_list),
        TEST(uniform),
        TEST(softmax_is_the_layers),
        TEST(host_among_others),
        TEST(gradient_through_the_mix),
        TEST(host_fails),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("activation", tests, NULL, NULL);
}
