/* Trace and gradient check: every activation under every cost, and a checker that can fail. */
#include "../../nets.h"

#include "grad/tape.h"
#include "nn/examples.h"
#include "nn/inspect/check/gradcheck.h"
#include "nn/inspect/trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Targets that every cost can take: one 1 in each row. */
static nb_tensor *targets(nb_ctx *ctx, const nb_net *net, int64_t n)
{
    nb_tensor *y = classes_in_turn(ctx, n, nb_net_out(net)->size[0]);
    nb_tensor *out = nb_net_targets(ctx, net, y, n);
    nb_tensor_release(ctx, y);
    return out;
}

/* Five examples with targets y, which it takes; NULL: classes. */
static void check_with(nb_ctx *ctx, const char *notation, nb_tensor *y)
{
    nb_net *net = net_of(ctx, notation, NB_F32);
    nb_tensor *x = uniform(ctx, NB_F32, 5, nb_net_in(net)->size[0], -1, 1, 11);
    if (!y) y = targets(ctx, net, 5);
    nb_gradcheck out;
    if (nb_gradcheck_run(ctx, net, x, y, NULL, &out) != NB_OK)
        fail_msg("%s: %s", notation, ctx->message);
    for (int i = 0; i < 4; i++) {
        const nb_equation *e = &out.equation[i];
        if (e->wrong || (!e->compared && !(i == 1 && net->parts == 1)))
            fail_msg("%s: %s: %d of %d wrong, worst %s: %.10g, by differences %.10g", notation,
                     e->name, (int)e->wrong, (int)e->compared, e->where, e->analytic, e->numeric);
    }
    assert_true(out.ok);
    assert_int_equal(out.forwards, 2 * nb_net_count(net));
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
}

static void check_net(nb_ctx *ctx, const char *notation)
{
    check_with(ctx, notation, NULL);
}

static bool has_slope(const nb_activation_type *activation)
{
    return activation->whole_layer || nb_unary_needs[activation->kernel] != NB_NO_SLOPE;
}

/* The first of a few activations whose outputs the cost takes. */
static const char *end_for(nb_ctx *ctx, const nb_cost_type *type)
{
    static const char *const ends[] = {"sigmoid", "softmax", "log_softmax", "linear"};
    const nb_cost cost = nb_cost_make(type);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        nb_activation last = nb_activation_of(nb_activation_find(ends[i]));
        if (nb_cost_check(ctx, &cost, last, "it") == NB_OK) return ends[i];
    }
    fail_msg("%s takes none of these ends", type->name);
    return NULL;
}

/* Catches a wrong slope, and a wrong factor in any cost, in hidden and in output layers. */
static void every_activation_and_cost(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    char notation[200];
    (void)state;
    for (int i = 0; i < NB_ACTIVATIONS; i++) {
        const char *f = nb_activations[i]->name;
        assert_true(has_slope(nb_activations[i]));
        for (int c = 0; c < NB_COSTS; c++) {
            snprintf(notation, sizeof notation, "4 - 5 %s - 3 %s : %s", f,
                     end_for(ctx, nb_costs[c]), nb_costs[c]->name);
            check_net(ctx, notation);
        }
        snprintf(notation, sizeof notation, "4 - 5 tanh - 3 %s : quadratic", f);
        check_net(ctx, notation);
    }
    nb_ctx_free(ctx);
}

static void special_ends(void **state)
{
    static const char *const notation[] = {
        "4 - 3 softmax : cross_entropy",
        "4 - 6 relu - 3 softmax : cross_entropy",
        "4 - 6 relu - 3 log_softmax : cross_entropy",
        "4 - 3 softmax : quadratic",
        "4 - 6 tanh relu@2 gelu@4..5 - 3 sigmoid : cross_entropy",
        "4 - 6 - 3 sigmoid gaussian@2 : cross_entropy",
        "4 - 6 tanh - 5 linear - 4 softplus - 3 sigmoid : mse",
        "4 - 3 linear : cross_entropy logits=true",
        "4 - 6 tanh - 3 linear : cross_entropy logits=true",
        "4 - 6 tanh - net[3 linear] : cross_entropy logits=true",
        "4 - residual[4 tanh] : cross_entropy logits=true",
    };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (size_t i = 0; i < sizeof notation / sizeof *notation; i++) check_net(ctx, notation[i]);
    check_with(ctx, "4 - 1 : quadratic", uniform(ctx, NB_F64, 5, 1, 0, 1, 4));
    check_with(ctx, "4 - 3 - 1 linear : cross_entropy logits=true",
               uniform(ctx, NB_F64, 5, 1, 0, 1, 4));
    check_with(ctx, "4 - 3 - 2 linear : cross_entropy logits=true",
               uniform(ctx, NB_F64, 5, 2, 0, 1, 4));
    nb_ctx_free(ctx);
}

/* A quadratic cost of the host with a planted error in its derivative: the op slope_chain carries
 * any slope. 0: right, 1: wrong sign, 2: factor two, 3: a term missing, 4: zero; 5: factor two
 * for one neuron and example. */
static int planted;

static nb_tensor *planted_call(nb_ctx *ctx, const nb_host_function *self, nb_tensor *const *in,
                               int count)
{
    nb_tensor *z = in[0];
    (void)self;
    (void)count;
    nb_tensor *a = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    nb_tensor *slope = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    for (int64_t i = 0; i < nb_tensor_count(z); i++) {
        const int64_t at[2] = {i / z->shape[1], i % z->shape[1]};
        double t = tanh(nb_tensor_get(z, at)), right = 1 - t * t;
        const double wrong[6] = {right, -right, 2 * right,
                                 1,     0,      at[0] == 2 && at[1] == 1 ? 2 * right : right};
        nb_tensor_set(a, at, t);
        nb_tensor_set(slope, at, wrong[planted]);
    }
    nb_call call = {.op = nb_ops[NB_OP_slope_chain], .in = {z, a, slope}, .inputs = 3};
    nb_tensor *out = nb_op_call(ctx, &call);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, slope);
    return out;
}

/* A checker that compares absolute values, or against itself, would pass these. */
static void planted_errors_are_found(void **state)
{
    static const nb_host_function function = {.call = planted_call};
    static const nb_activation_type type = {.name = "planted", .init = "lecun", .host = &function};
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "4 - 5 tanh - 3 tanh", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 4, 4, -1, 1, 2), *y = uniform(ctx, NB_F64, 4, 3, 0, 1, 3);
    (void)state;
    for (int l = 0; l < 2; l++) {
        assert_int_equal(nb_layer_set_activation(ctx, net->layer.child[l], 0, l ? 3 : 5,
                                                 nb_activation_of(&type)),
                         NB_OK);
        for (planted = 0; planted <= 4; planted++) {
            nb_gradcheck out;
            assert_int_equal(nb_gradcheck_run(ctx, net, x, y, NULL, &out), NB_OK);
            assert_int_equal(out.ok, planted == 0);
            /* In the last layer the error shows in BP1, in the first it must not. */
            assert_int_equal(out.equation[0].wrong > 0, planted > 0 && l == 1);
            assert_int_equal(out.equation[1].wrong > 0, planted > 0);
        }
        nb_activation plain = activation_called("tanh");
        nb_layer_set_activation(ctx, net->layer.child[l], 0, l ? 3 : 5, plain);
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* Of all that was compared the report shows the worst, where it stands and by how much. */
static void the_worst_is_shown(void **state)
{
    static const nb_host_function function = {.call = planted_call};
    static const nb_activation_type type = {.name = "planted", .init = "lecun", .host = &function};
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "4 - 5 tanh - 3 tanh", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 4, 4, -1, 1, 2), *y = uniform(ctx, NB_F64, 4, 3, 0, 1, 3);
    nb_gradcheck out;
    (void)state;
    planted = 5;
    assert_int_equal(
        nb_layer_set_activation(ctx, net->layer.child[1], 0, 3, nb_activation_of(&type)), NB_OK);
    assert_int_equal(nb_gradcheck_run(ctx, net, x, y, NULL, &out), NB_OK);
    const nb_equation *first = &out.equation[0];
    assert_int_equal(first->compared, 12);
    assert_int_equal(first->wrong, 1);
    assert_string_equal(first->where, "delta[2][3][2]");
    assert_true(fabs(first->analytic / first->numeric - 2) < 1e-6);
    assert_true(fabs(first->worst - 0.5) < 1e-6);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* The trace is the training pass with everything kept, not a second opinion: bits are equal. */
static void trace_has_the_bits_of_training(void **state)
{
    static const char *const notation[] = {
        "64 - 30 - 10",
        "20 - 16 gelu relu@3 - 8 tanh - 5 softmax : cross_entropy",
        "20 - 16 relu - 5 sigmoid : cross_entropy",
    };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < 3; i++) {
        nb_net *net = net_of(ctx, notation[i], NB_F32);
        nb_tensor *x = uniform(ctx, NB_F32, 10, nb_net_in(net)->size[0], 0, 1, 4);
        nb_tensor *y = targets(ctx, net, 10), *a = nb_net_forward(ctx, net, x);
        nb_trace trace = {.cost = 0};
        double cost;
        assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
        nb_tensor *before = nb_tensor_clone(ctx, net->grads);
        assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
        assert_true(trace.cost == cost);
        assert_true(same_bits(ctx, trace.place[trace.places - 1].a, a));
        assert_true(same_bits(ctx, net->grads, before));
        for (int l = 0; l < trace.places; l++)
            for (int p = 0; p < 2; p++)
                assert_true(same_bits(ctx, trace.place[l].grad[p],
                                      nb_leaf_grad(nb_leaf_of(value_of(net, l, p)))));
        nb_trace_free(ctx, &trace);
        nb_tensor_release(ctx, before);
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, y);
        nb_net_release(ctx, net);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* BP1 to BP4 between the parts of one trace, in double. */
static void trace_obeys_the_equations(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 4 - 2", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 1, 3, 0, 1, 4), *y = uniform(ctx, NB_F64, 1, 2, 0, 1, 5);
    nb_trace t = {.cost = 0};
    (void)state;
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &t), NB_OK);
    for (int64_t j = 0; j < 2; j++) {
        const int64_t at[2] = {0, j};
        double a = nb_tensor_get(t.place[1].a, at);
        double bp1 = (a - nb_tensor_get(y, at)) * a * (1 - a);
        assert_true(fabs(nb_tensor_get(t.place[1].delta, at) - bp1) < 1e-15);
        assert_true(fabs(nb_tensor_get(t.place[1].grad[1], &j) - bp1) < 1e-15);
    }
    for (int64_t k = 0; k < 4; k++) {
        const int64_t at[2] = {0, k};
        double sum = 0, a = nb_tensor_get(t.place[0].a, at);
        for (int64_t j = 0; j < 2; j++) {
            double delta = nb_tensor_get(t.place[1].delta, (const int64_t[]){0, j});
            sum += nb_tensor_get(value_of(net, 1, 0), (const int64_t[]){j, k}) * delta;
            double bp4 = nb_tensor_get(t.place[1].grad[0], (const int64_t[]){j, k});
            assert_true(fabs(bp4 - a * delta) < 1e-15);
        }
        double bp2 = sum * a * (1 - a);
        assert_true(fabs(nb_tensor_get(t.place[0].delta, at) - bp2) < 1e-15);
    }
    nb_trace_free(ctx, &t);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

/* The differences agree with backprop and leave the network as it was. */
static void numeric_gradient(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "3 - 4 - 2", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 6, 3, 0, 1, 4), *y = uniform(ctx, NB_F64, 6, 2, 0, 1, 5);
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    nb_tensor *slopes = nb_numeric_gradient(ctx, net, x, y, NULL);
    double cost;
    (void)state;
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    for (int64_t i = 0; i < nb_net_count(net); i++) {
        double g = nb_tensor_get(net->grads, &i), d = nb_tensor_get(slopes, &i);
        assert_true(fabs(g - d) <= 1e-9 * (1 + cost) + 1e-6 * fmax(fabs(g), fabs(d)));
    }
    assert_true(same_bits(ctx, before, net->values));
    nb_tensor_release(ctx, slopes);
    nb_tensor_release(ctx, before);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
    nb_ctx_free(ctx);
}

static nb_status try_trace(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_tensor *const *xy = arg;
    nb_trace trace = {.cost = 0};
    nb_status status = nb_trace_run(ctx, net, xy[0], xy[1], NULL, &trace);
    nb_trace_free(ctx, &trace);
    return status;
}

static nb_status try_check(nb_ctx *ctx, nb_net *net, void *arg)
{
    nb_tensor *const *xy = arg;
    nb_gradcheck out;
    return nb_gradcheck_run(ctx, net, xy[0], xy[1], NULL, &out);
}

static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    nb_net *net = net_of(ctx, "1 - 1 tanh - 2 softmax : cross_entropy", NB_F32);
    nb_tensor *xy[2] = {uniform(ctx, NB_F32, 1, 1, 0, 1, 1), targets(ctx, net, 1)};
    (void)state;
    sweep(ctx, net, try_trace, xy);
    sweep(ctx, net, try_check, xy);
    nb_tensor_release(ctx, xy[0]);
    nb_tensor_release(ctx, xy[1]);
    nb_net_release(ctx, net);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation_and_cost),
        cmocka_unit_test(special_ends),
        cmocka_unit_test(planted_errors_are_found),
        cmocka_unit_test(the_worst_is_shown),
        cmocka_unit_test(trace_has_the_bits_of_training),
        cmocka_unit_test(trace_obeys_the_equations),
        cmocka_unit_test(numeric_gradient),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
