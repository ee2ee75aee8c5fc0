/* Networks: shapes, the flat vector, the forward pass by hand, examples and targets, backprop. */
#include "nets.h"

#include "nn/examples.h"

#include "grad/tape.h"
#include "nn/examples.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

static double at2(const nb_tensor *t, int64_t i, int64_t j)
{
    return nb_tensor_get(t, (const int64_t[]){i, j});
}

static double at1(const nb_tensor *t, int64_t i)
{
    return nb_tensor_get(t, &i);
}

/* Catches parameters that are copies of the flat vector, overlap, or leave holes in it. */
static void parameters_are_views_of_one_vector(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "4 - 3 - 2", NB_F32);
    int64_t at = 0;
    (void)state;
    assert_int_equal(nb_net_count(net), 4 * 3 + 3 + 3 * 2 + 2);
    for (int l = 0; l < 2; l++)
        for (int p = 0; p < 2; p++) {
            const nb_param *param = param_of(net, l, p);
            assert_ptr_equal(param->value->storage, net->values->storage);
            assert_ptr_equal(nb_leaf_of(param->value)->grad->storage, net->grads->storage);
            assert_int_equal(param->start, at);
            at += nb_tensor_count(param->value);
        }
    assert_int_equal(at, nb_net_count(net));
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* a = σ(W a + b), written out for 2-3-1 in double. */
static void forward_is_the_formula(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "2 - 3 - 1", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 4, 2, -1, 1, 3);
    (void)state;
    assert_int_equal(nb_tensor_fill(ctx, value_of(net, 0, 1), 0.25), NB_OK);
    nb_tensor *out = nb_net_forward(ctx, net, x);
    for (int64_t i = 0; i < 4; i++) {
        double z = at1(value_of(net, 1, 1), 0);
        for (int64_t j = 0; j < 3; j++) {
            double hidden = at1(value_of(net, 0, 1), j);
            for (int64_t k = 0; k < 2; k++) hidden += at2(value_of(net, 0, 0), j, k) * at2(x, i, k);
            z += at2(value_of(net, 1, 0), 0, j) * sigmoid(hidden);
        }
        assert_true(fabs(at2(out, i, 0) - sigmoid(z)) < 1e-14);
    }
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* One changed neuron changes its column and no other. */
static void one_neuron_differs(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 5", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 4, 3, -1, 1, 3);
    nb_tensor *before = nb_net_forward(ctx, net, x);
    nb_status status =
        nb_layer_set_activation(ctx, net->layer.child[0], 2, 1, activation_called("tanh"));
    nb_tensor *after = nb_net_forward(ctx, net, x);
    (void)state;
    assert_int_equal(status, NB_OK);
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 5; j++) {
            double a = at2(before, i, j), z = log(a / (1 - a));
            double expected = j == 2 ? tanh(z) : a;
            assert_true(fabs(at2(after, i, j) - expected) < 1e-12);
        }
    assert_int_equal(
        nb_layer_set_activation(ctx, net->layer.child[0], 5, 1, activation_called("relu")),
        NB_EARG);
    assert_int_equal(
        nb_layer_set_activation(ctx, net->layer.child[0], 1, 1, activation_called("softmax")),
        NB_EARG);
    nb_tensor_release(ctx, before);
    nb_tensor_release(ctx, after);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* Refused with the sizes in the message: networks that no notation could write. */
static void bad_specifications(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = nb_net_new(ctx);
    nb_layer *layer = nb_layer_new(ctx, nb_layer_find("dense"));
    const nb_option *units = nb_option_find(layer->type->options, "units");
    (void)state;
    assert_null(nb_net_plan(ctx, net));
    assert_non_null(strstr(ctx->message, "at least one layer"));
    assert_int_equal(nb_option_set(ctx, units, layer->settings, 3), NB_OK);
    assert_int_equal(nb_layer_add(ctx, &net->layer, layer), NB_OK);
    assert_null(nb_net_plan(ctx, net));
    assert_non_null(strstr(ctx->message, "an input needs 1 to 7 sizes"));
    net->in_dims = 1;
    net->in_size[0] = (int64_t)1 << 60;
    assert_null(nb_net_plan(ctx, net));
    net->in_size[0] = (int64_t)1 << 47;
    assert_null(nb_net_plan(ctx, net));
    assert_non_null(strstr(ctx->message, "too many elements"));
    net->in_dims = 2;
    net->in_size[0] = net->in_size[1] = 5;
    assert_null(nb_net_plan(ctx, net));
    assert_non_null(strstr(ctx->message, "5x5"));
    net->in_size[0] = 0;
    assert_null(nb_net_plan(ctx, net));
    assert_non_null(strstr(ctx->message, "sizes of at least 1, not 0x5"));
    for (int sizes = 0; sizes <= NB_MAX_DIMS; sizes += NB_MAX_DIMS) {
        net->in_dims = sizes;
        assert_null(nb_net_plan(ctx, net));
        assert_int_equal(ctx->status, NB_EARG);
    }
    for (int bad = 0; bad >= -1; bad--)
        assert_int_equal(nb_option_set(ctx, units, layer->settings, bad), NB_EARG);
    nb_layer_release(ctx, layer);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Two layers of one name could not be told apart in a file. */
static void names_differ(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = nb_net_new(ctx);
    (void)state;
    net->in_dims = 1;
    net->in_size[0] = 4;
    for (int i = 0; i < 2; i++) {
        nb_layer *layer = nb_notation_parse_layer(ctx, "3 name=a", NULL);
        assert_int_equal(nb_layer_add(ctx, &net->layer, layer), NB_OK);
        nb_layer_release(ctx, layer);
    }
    assert_int_equal(nb_net_build(ctx, net, NB_F32, 1), NB_EARG);
    assert_string_equal(ctx->message, "layers 1 and 2 have the same name, a");
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void examples_and_targets(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "4 - 3", NB_F32);
    nb_tensor *x = uniform(ctx, NB_F64, 2, 4, 0, 1, 1), *bad = uniform(ctx, NB_F64, 2, 5, 0, 1, 1);
    nb_tensor *one = nb_tensor_select(ctx, x, 0, 0), *y = classes_in_turn(ctx, 2, 3);
    bool single;
    (void)state;
    nb_tensor *in = nb_net_inputs(ctx, net, x, &single);
    assert_true(in->dtype == NB_F32 && in->dims == 2 && !single);
    nb_tensor_release(ctx, in);
    in = nb_net_inputs(ctx, net, one, &single);
    assert_true(single && in->dims == 2 && in->shape[0] == 1);
    nb_tensor_release(ctx, in);
    assert_null(nb_net_inputs(ctx, net, bad, &single));
    assert_string_equal(ctx->message, "x is 2x5; the network takes examples of 4, so 4 or nx4");
    nb_tensor *targets = nb_net_targets(ctx, net, y, 2);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 3; j++) assert_true(at2(targets, i, j) == (i == j));
    nb_tensor_release(ctx, targets);
    assert_null(nb_net_targets(ctx, net, y, 3));
    assert_non_null(strstr(ctx->message, "3 examples need targets 3x3 or as many class numbers"));
    nb_tensor *rows = uniform(ctx, NB_F32, 2, 3, 0, 1, 1);
    assert_null(nb_net_targets(ctx, net, rows, 4));
    assert_string_equal(ctx->message,
                        "y is 2x3; 4 examples need targets 4x3 or as many class numbers");
    nb_tensor_release(ctx, rows);
    for (int i = 0; i < 3; i++) {
        static const double wrong[3] = {0, 4, 1.5};
        static const char *const says[3] = {"add 1 to y", "class 4", "class 1.5"};
        nb_tensor *f = nb_tensor_convert(ctx, y, NB_F32, 1);
        nb_tensor_set(f, (const int64_t[]){1}, wrong[i]);
        assert_null(nb_net_targets(ctx, net, f, 2));
        assert_non_null(strstr(ctx->message, says[i]));
        nb_tensor_release(ctx, f);
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, bad);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* nabla_b of the last layer is δ = (a - y) σ'(z) / n summed over examples, by hand for one neuron.
 */
static void backprop_of_one_neuron(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "2 - 1", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 3, 2, -1, 1, 3), *y = uniform(ctx, NB_F64, 3, 1, 0, 1, 4);
    nb_tensor *a = nb_net_forward(ctx, net, x);
    double cost = 0, c = 0, db = 0, dw[2] = {0, 0};
    (void)state;
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    for (int64_t i = 0; i < 3; i++) {
        double out = at2(a, i, 0), miss = out - at2(y, i, 0);
        double delta = miss * out * (1 - out) / 3;
        c += miss * miss / 6;
        db += delta;
        for (int64_t k = 0; k < 2; k++) dw[k] += delta * at2(x, i, k);
    }
    assert_true(fabs(cost - c) < 1e-15);
    assert_true(fabs(at1(net->grads, 2) - db) < 1e-15);
    for (int64_t k = 0; k < 2; k++) assert_true(fabs(at1(net->grads, k) - dw[k]) < 1e-15);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

static double squared(double a, double y)
{
    return (y - a) * (y - a);
}

/* A parabola up to a distance of 1/4. */
static double straight_beyond(double a, double y)
{
    double d = fabs(a - y);
    return d <= 0.25 ? d * d / 2 : (d - 0.125) / 4;
}

/* 0 log 0 is 0. */
static double both_sides(double a, double y)
{
    return -(y > 0 ? y * log(a) : 0) - (y < 1 ? (1 - y) * log(1 - a) : 0);
}

/* The cost that training minimises is its formula over what the network gives, the mean over the
 * examples; also where outputs are exactly 0 and 1 and the targets agree. */
static void costs_are_their_formulas(void **state)
{
    static const struct {
        const char *notation;
        double (*term)(double a, double y);
        double factor;
    } cases[] = {
        {"2 - 3 linear : quadratic", squared, 0.5},
        {"2 - 3 linear : mse", squared, 1.0 / 3},
        {"2 - 3 linear : huber delta=0.25", straight_beyond, 1},
        {"2 - 3 : cross_entropy", both_sides, 1},
        {"2 - 3 sigmoid elliot@2 : cross_entropy", both_sides, 1},
        {"2 - 3 hard_sigmoid : cross_entropy", both_sides, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_ctx *ctx = nb_ctx_new();
        nb_net *net = net_of(ctx, cases[i].notation, NB_F64);
        nb_tensor *x = uniform(ctx, NB_F64, 4, 2, -1, 1, 3),
                  *y = uniform(ctx, NB_F64, 4, 3, 0, 1, 4);
        if (strstr(cases[i].notation, "hard")) { /* far out: a is 0 or 1 */
            assert_int_equal(nb_tensor_fill(ctx, value_of(net, 0, 1), 100), NB_OK);
            nb_tensor_set(value_of(net, 0, 1), (const int64_t[]){1}, -100);
            for (int64_t k = 0; k < 12; k++)
                nb_tensor_set(y, (const int64_t[]){k / 3, k % 3}, k % 3 != 1);
        }
        nb_tensor *a = nb_net_forward(ctx, net, x);
        double cost = 0, wanted = 0;
        for (int64_t k = 0; k < 12; k++)
            wanted +=
                cases[i].term(at2(a, k / 3, k % 3), at2(y, k / 3, k % 3)) * cases[i].factor / 4;
        assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
        if (!(fabs(cost - wanted) < 1e-14))
            fail_msg("%s: %.17g, not %.17g", cases[i].notation, cost, wanted);
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, y);
        nb_net_release(ctx, net);
        nb_ctx_free(ctx);
    }
}

/* Logits are the z that softmax or sigmoid would take: cost and gradients have the same bits, for
 * targets and for class numbers, also where they are so large that a is exactly 0 and 1. */
static void logits_are_z(void **state)
{
    static const char *const cases[][2] = {
        {"2 - 4 tanh - 3 softmax : cross_entropy",
         "2 - 4 tanh - 3 linear : cross_entropy logits=true"},
        {"2 - 4 tanh - 3 softmax : cross_entropy",
         "2 - 4 tanh - net[3 linear] : cross_entropy logits=true"},
        {"2 - 4 tanh - 1 sigmoid : cross_entropy",
         "2 - 4 tanh - 1 linear : cross_entropy logits=true"},
    };
    (void)state;
    for (int i = 0; i < 3 * 2 * 2; i++) {
        nb_ctx *ctx = nb_ctx_new();
        nb_net *net[2];
        double cost[2];
        int64_t units = i % 3 == 2 ? 1 : 3;
        nb_tensor *x = uniform(ctx, NB_F32, 4, 2, -1, 1, 3);
        nb_tensor *raw = i / 3 % 2 && units > 1 ? classes_in_turn(ctx, 4, 3)
                                                : uniform(ctx, NB_F32, 4, units, 0, 1, 4);
        for (int k = 0; k < 2; k++) {
            net[k] = net_of(ctx, cases[i % 3][k], NB_F32);
            assert_int_equal(nb_tensor_copy(ctx, net[k]->values, net[0]->values), NB_OK);
            if (i / 6) assert_int_equal(nb_tensor_fill(ctx, net[k]->values, 300), NB_OK);
            nb_tensor *y = nb_net_targets(ctx, net[k], raw, 4);
            assert_int_equal(nb_net_backprop(ctx, net[k], x, y, &cost[k]), NB_OK);
            nb_tensor_release(ctx, y);
        }
        assert_true(cost[0] == cost[1] && isfinite(cost[0]));
        for (int64_t k = 0; k < nb_net_count(net[0]); k++)
            assert_true(at1(net[0]->grads, k) == at1(net[1]->grads, k));
        for (int k = 0; k < 2; k++) nb_net_release(ctx, net[k]);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, raw);
        nb_ctx_free(ctx);
    }
}

/* Every activation at the end of a network with cross_entropy: those that stay within 0 … 1, and
 * logarithms, are taken; the others are refused by name, and with logits all but linear. */
static void outputs_that_the_cost_takes(void **state)
{
    static const char taken[] = " sigmoid hard_sigmoid gaussian step elliot softmax log_softmax ";
    char notation[96], word[32];
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < 2 * NB_ACTIVATIONS; i++) {
        const char *f = nb_activations[i / 2]->name;
        bool logits = i % 2;
        snprintf(notation, sizeof notation, "3 - 2 %s : cross_entropy%s", f,
                 logits ? " logits=true" : "");
        snprintf(word, sizeof word, " %s ", f);
        nb_net *net = net_of(ctx, notation, NB_F32);
        nb_tensor *x = uniform(ctx, NB_F32, 4, 3, -1, 1, 3),
                  *y = uniform(ctx, NB_F32, 4, 2, 0, 1, 4);
        nb_result pass;
        bool takes = logits ? i / 2 == NB_ACT_linear : strstr(taken, word) != NULL;
        nb_status status = nb_net_run(ctx, net, x, y, NULL, NULL, &pass);
        assert_int_equal(status, takes ? NB_OK : NB_EARG);
        assert_int_equal(nb_net_check_cost(ctx, net), status);
        snprintf(word, sizeof word, "layer 1 has %s", f);
        if (!takes) assert_ptr_equal(strstr(ctx->message, word), ctx->message);
        nb_result_free(ctx, &pass);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, y);
        nb_net_release(ctx, net);
    }
    nb_ctx_free(ctx);
}

/* One neuron that differs is named, and what is not asked for its cost is not refused. */
static void one_neuron_leaves(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 4 sigmoid : cross_entropy", NB_F32);
    nb_activation relu = nb_activation_of(nb_activations[NB_ACT_relu]);
    nb_tensor *x = uniform(ctx, NB_F32, 4, 3, -1, 1, 3);
    (void)state;
    assert_int_equal(nb_net_check_cost(ctx, net), NB_OK);
    assert_int_equal(nb_layer_set_activation(ctx, net->layer.child[0], 2, 1, relu), NB_OK);
    assert_int_equal(nb_net_check_cost(ctx, net), NB_EARG);
    assert_non_null(strstr(ctx->message, "neuron 3 of layer 1 has relu"));
    nb_tensor *out = nb_net_forward(ctx, net, x);
    assert_non_null(out);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* A clone shares nothing; a parameter outlives its net. */
static void clones_and_survivors(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 4 tanh - 2 softmax : cross_entropy", NB_F32);
    nb_net *copy = nb_net_clone(ctx, net, NB_F64);
    (void)state;
    for (int64_t i = 0; i < nb_net_count(net); i++)
        assert_true(at1(net->values, i) == at1(copy->values, i));
    assert_int_equal(nb_tensor_fill(ctx, copy->values, 0), NB_OK);
    assert_true(at1(net->values, 0) != 0);
    nb_tensor *w = nb_tensor_retain(value_of(net, 0, 0));
    nb_net_release(ctx, net);
    nb_net_release(ctx, copy);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, w);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    assert_true(at2(nb_leaf_of(w)->grad, 3, 2) == 1);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, w);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static nb_status try_backprop(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_tensor *const *xy = arg;
    double cost;
    return nb_net_backprop(ctx, net, xy[0], xy[1], &cost);
}

static nb_status try_new(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_net *made = nb_notation_parse(ctx, arg, NULL);
    nb_status status = made ? nb_net_build(ctx, made, NB_F32, 1) : ctx->status;
    (void)net;
    nb_net_release(ctx, made);
    return status;
}

static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 4 gelu relu@2 - 2 softmax : cross_entropy", NB_F32);
    nb_tensor *xy[2] = {uniform(ctx, NB_F32, 5, 3, 0, 1, 1), NULL};
    nb_tensor *classes = classes_in_turn(ctx, 5, 2);
    (void)state;
    xy[1] = nb_net_targets(ctx, net, classes, 5);
    sweep(ctx, net, try_backprop, xy);
    char notation[] = "3 - 4 gelu relu@2 - 2 softmax : cross_entropy";
    sweep(ctx, net, try_new, notation);
    nb_tensor_release(ctx, classes);
    nb_tensor_release(ctx, xy[0]);
    nb_tensor_release(ctx, xy[1]);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_views_of_one_vector),
        cmocka_unit_test(forward_is_the_formula),
        cmocka_unit_test(one_neuron_differs),
        cmocka_unit_test(bad_specifications),
        cmocka_unit_test(names_differ),
        cmocka_unit_test(examples_and_targets),
        cmocka_unit_test(backprop_of_one_neuron),
        cmocka_unit_test(costs_are_their_formulas),
        cmocka_unit_test(logits_are_z),
        cmocka_unit_test(outputs_that_the_cost_takes),
        cmocka_unit_test(one_neuron_leaves),
        cmocka_unit_test(clones_and_survivors),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
