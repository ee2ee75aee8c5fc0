/* Runs of dense layers as one op, and convolutions with their max_pool: the bits of layers that go
 * one by one (ctx->apart), in every way that a pass is asked for, and arenas that nobody else's
 * numbers stand in. */
#include "../nets.h"
#include "../trees.h"

#include "base/workers.h"
#include "grad/chain.h"
#include "nn/inspect/trace.h"
#include "nn/learns.h"
#include "nn/train/learn.h"

#include "../../support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>

/* ---- Both ways ------------------------------------------------------------------------------- */

/* What a network makes of one batch. */
typedef struct made {
    nb_tensor *out, *grads, *input, *after;
    double cost, steps[3];
} made;

typedef struct task {
    nb_net *net;
    nb_tensor *x, *y, *weights;
    nb_mode mode;
} task;

static void drop(made *m)
{
    nb_tensor_release(ctx, m->out);
    nb_tensor_release(ctx, m->grads);
    nb_tensor_release(ctx, m->input);
    nb_tensor_release(ctx, m->after);
}

/* The gradient at x too, from a pass by hand whose graph is used twice. */
static nb_tensor *input_gradient(const task *t)
{
    nb_result pass;
    nb_mode mode = t->mode;
    nb_tensor *x = nb_tensor_clone(ctx, t->x), *zeros, *grad;
    mode.taped = true;
    if (!nb_dtype_computes(x->dtype)) return x;
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    assert_int_equal(nb_net_run(ctx, t->net, x, t->y, &mode, NULL, &pass), NB_OK);
    zeros = nb_tensor_zeros(ctx, t->net->dtype, 1, t->net->whole->shape);
    const nb_sink sink = {.from = t->net->whole->storage, .into = zeros, .alpha = 1, .beta = 1};
    nb_backward_options options = {.keep = true, .sinks = &sink, .sink_count = 1};
    if (pass.cost->link) {
        assert_int_equal(nb_backward(ctx, pass.cost, &options), NB_OK);
        options.accumulate = true;
        assert_int_equal(nb_backward(ctx, pass.cost, &options), NB_OK);
    }
    grad = nb_leaf_grad(nb_leaf_of(x));
    grad = grad ? nb_tensor_clone(ctx, grad) : nb_tensor_clone(ctx, zeros);
    nb_result_free(ctx, &pass);
    nb_tensor_release(ctx, zeros);
    nb_tensor_release(ctx, x);
    return grad;
}

static void learn(const task *t, const char *kind, bool keep, double *cost)
{
    nb_optimizer optimizer;
    nb_optimizer_init(&optimizer, nb_optimizer_find(kind));
    const nb_lesson lesson = {
        .x = t->x, .y = t->y, .weights = t->weights, .rate = 0.01, .seed = 3, .keep_grads = keep};
    for (int i = 0; i < 2; i++)
        if (nb_learn(ctx, t->net, &optimizer, &lesson, cost) != NB_OK) fail_msg("%s", ctx->message);
    nb_optimizer_free(ctx, &optimizer);
}

/* All ways, from the same parameters, which are put back. */
static made make(const task *t, bool apart)
{
    made m = {.out = NULL};
    nb_tensor *copy[NB_NET_STATE];
    ctx->apart = apart;
    assert_int_equal(nb_net_keep(ctx, t->net, copy), NB_OK);
    m.out = nb_net_forward(ctx, t->net, t->x);
    if (!m.out) fail_msg("%s", ctx->message);
    nb_mode mode = t->mode;
    mode.weights = t->weights;
    if (nb_net_learn(ctx, t->net, t->x, t->y, &mode, NULL, &m.cost) != NB_OK)
        fail_msg("%s", ctx->message);
    m.grads = nb_tensor_clone(ctx, t->net->grads);
    m.input = input_gradient(t);
    learn(t, "sgd", false, &m.steps[0]); /* straight into the parameters */
    learn(t, "sgd", true, &m.steps[1]);
    learn(t, "adam", false, &m.steps[2]);
    m.after = nb_tensor_clone(ctx, t->net->values);
    nb_net_put_back(t->net, copy);
    nb_net_drop(ctx, copy);
    ctx->apart = false;
    return m;
}

static void compare(const task *t, const char *what)
{
    made one = make(t, true), other = make(t, false);
    if (!same_bits(ctx, one.out, other.out)) fail_msg("%s: another output", what);
    if (memcmp(&one.cost, &other.cost, sizeof one.cost)) fail_msg("%s: another cost", what);
    if (!same_bits(ctx, one.grads, other.grads)) fail_msg("%s: other gradients", what);
    if (!same_bits(ctx, one.input, other.input)) fail_msg("%s: another gradient at x", what);
    if (memcmp(one.steps, other.steps, sizeof one.steps)) fail_msg("%s: other costs", what);
    if (!same_bits(ctx, one.after, other.after)) fail_msg("%s: other steps", what);
    drop(&one);
    drop(&other);
}

/* As many targets as the network's cost wants: class numbers or numbers in [0, 1). */
static nb_tensor *targets_for(const nb_net *net, int64_t rows)
{
    int64_t units = nb_net_out(net)->size[0];
    if (nb_net_out(net)->dims > 1) return tree_targets(ctx, net, rows);
    bool classes = nb_cost_takes_classes(&net->cost, nb_net_last_activation(net), units);
    return classes ? classes_in_turn(ctx, rows, units)
                   : uniform(ctx, net->dtype, rows, units, 0, 1, 5);
}

/* x half of zeros where there are many columns, so that hidden numbers are kept as non-zeros. */
static void check_net(nb_net *net, const char *what, int64_t rows, bool weighted)
{
    int64_t k = nb_net_in(net)->size[0];
    task t = {.net = net, .mode = {.learning = true, .seed = 4, .step = 2}};
    t.x = uniform(ctx, net->dtype, rows, k, -1, 1, 7);
    t.y = targets_for(net, rows);
    if (weighted) t.weights = uniform(ctx, NB_F64, 1, rows, 0, 2, 9);
    if (weighted) {
        nb_tensor *flat = nb_tensor_reshape(ctx, t.weights, 1, &rows);
        nb_tensor_release(ctx, t.weights);
        t.weights = flat;
    }
    compare(&t, what);
    nb_tensor_release(ctx, t.x);
    nb_tensor_release(ctx, t.y);
    nb_tensor_release(ctx, t.weights);
}

static void check_notation(const char *notation)
{
    static const int64_t rows[] = {1, 2, 10, 21};
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        nb_net *net = net_of(ctx, notation, dtype);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            check_net(net, notation, rows[i], i == 2);
        nb_net_release(ctx, net);
    }
}

/* Catches every difference that one op makes: in the order of sums, in what activations give along,
 * in where a chain ends and the next begins, in what is frozen, tied or left out. */
static void test_bits(void **state)
{
    (void)state;
    static const char *const nets[] = {
        "5 - 3",
        "5 - 4 - 3",
        "7 - 6 relu - 5 tanh - 4 gelu - 3 : mse",
        "5 - 4 tanh - 4 tanh - 4 tanh - 4 tanh - 4 tanh - 4 tanh - 4 tanh - 3",
        "5 - 4 relu sigmoid@2 - 4 elu tanh@1 - 3 softmax : cross_entropy",
        "5 - 4 silu - 3 sigmoid : cross_entropy",
        "5 - 4 bias=false - 3 leaky_relu(slope=0.3) bias=false - 2",
        "5 - 4 frozen - 4 tanh - 3",
        "5 - 4 - 4 tanh frozen - 3",
        "5 - 4 - 3 frozen",
        "5 - 4 tanh - net[4 relu - 4] - residual[3 tanh - 4] - 2",
        "5 - 4 name=e bias=false - 4 tanh - 4 tanh - dropout 0.5 - 3 relu - 2",
        "40 - 40 relu - 40 relu - 40 relu - 3",
        "5 - 4 softplus - act tanh - 4 softsign - 1 exp : poisson",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) check_notation(nets[i]);
}

/* A convolution and the max_pool behind it are one op too. Catches a place that is counted
 * otherwise than it is found, a slope that is taken elsewhere, bands and pieces that lose one,
 * padding, strides, groups; and what goes apart: pools that overlap, activations that need z. */
static void test_pooled(void **state)
{
    (void)state;
    static const char *const nets[] = {
        "36 - reshape 1x6x6 - conv 5 3 relu - max_pool 2 - flatten - 3 softmax : cross_entropy",
        "72 - reshape 2x6x6 - conv 6 3x2 tanh padding=same - max_pool 2x3 - flatten - 3",
        "63 - reshape 1x9x7 - conv 9 2 relu - max_pool 1x2 stride=2x3 - conv 4 2x1 - max_pool 2 - "
        "flatten - 2",
        "60 - reshape 3x20 - conv 5 3 relu - max_pool 4 - flatten - 2",
        "128 - reshape 2x8x8 - conv 8 3 relu tanh@2 groups=2 stride=2 - max_pool 2 - flatten - 2",
        "128 - reshape 2x8x8 - conv 5 3 sigmoid bias=false dilation=2 - max_pool 2 - flatten - 2",
        "36 - reshape 1x6x6 - conv 5 3 relu frozen - max_pool 2 - conv 4 1 frozen - max_pool 1 - "
        "flatten - 2",
        "36 - reshape 1x6x6 - conv 5 3 leaky_relu - max_pool 2 - conv 7 2 relu - max_pool 1 - "
        "flatten - 2",
        "36 - reshape 1x6x6 - conv 5 3 gelu - max_pool 2 - flatten - 2",
        "36 - reshape 1x6x6 - conv 5 3 relu - max_pool 3 stride=1 - flatten - 2",
        "36 - reshape 1x6x6 - conv 5 3 relu - max_pool 2 padding=1 - flatten - 2",
        "3362 - reshape 2x41x41 - conv 20 5 relu - max_pool 2 - conv 4 5 relu - max_pool 3 - "
        "flatten - 2",
    };
    assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) check_notation(nets[i]);
    nb_workers_stop(ctx);
}

/* The same of every activation there is. */
static void test_activations(void **state)
{
    (void)state;
    char text[128];
    for (int i = 0; i < NB_ACTIVATIONS; i++) {
        const nb_activation_type *type = nb_activations[i];
        if (type->host || type->whole_layer) continue;
        snprintf(text, sizeof text, "4 - 3 %s - 3 tanh %s@2 - 2 %s : mse", type->name, type->name,
                 type->name);
        check_notation(text);
    }
}

/* Whether chance has drawn a network that can learn from its examples at all. */
static bool learns(const task *t)
{
    double cost;
    nb_status status = nb_net_learn(ctx, t->net, t->x, t->y, &t->mode, NULL, &cost);
    assert_true(status == NB_OK || status == NB_EVALUE);
    return status == NB_OK;
}

/* The same of networks that chance draws: on vectors, steps and words. */
static void test_random(void **state)
{
    (void)state;
    char text[TREE_TEXT_MAX];
    int compared = 0;
    for (uint64_t number = 0; number < 150; number++) {
        draw_tree(text, number);
        nb_net *net = net_of(ctx, text, NB_F64);
        task t = {.net = net, .mode = {.learning = true, .seed = number, .step = 1}};
        t.x = tree_inputs(ctx, net, 3, number);
        t.y = tree_targets(ctx, net, 3);
        if (learns(&t)) {
            compare(&t, text);
            compared++;
        }
        nb_tensor_release(ctx, t.x);
        nb_tensor_release(ctx, t.y);
        nb_net_release(ctx, net);
    }
    assert_true(compared > 100);
}

/* What a user sets at a network that has run already holds at the next call. */
static void test_settings(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "5 - 4 - 4 - 3", NB_F64);
    check_net(net, "as it began", 6, false);
    assert_int_equal(
        nb_layer_set_activation(ctx, net->layer.child[1], 1, 2, activation_called("relu")), NB_OK);
    check_net(net, "with other neurons", 6, false);
    nb_layer_freeze(net->layer.child[0], true);
    check_net(net, "with a frozen layer", 6, false);
    nb_layer_scale(net->layer.child[2], 0.5);
    check_net(net, "with a factor", 6, false);
    nb_tensor *mask = uniform(ctx, NB_F64, 4, 4, 0, 1, 1);
    for (int64_t i = 0; i < 16; i++) ((double *)nb_tensor_data(mask))[i] = (double)(i % 2);
    nb_layer *layer = net->layer.child[1];
    assert_int_equal(nb_layer_add_mask(ctx, layer, &layer->tuning, "w", mask), NB_OK);
    check_net(net, "with a mask", 6, false);
    assert_int_equal(nb_net_convert(ctx, net, NB_F32), NB_OK);
    check_net(net, "in another dtype", 6, false);
    assert_int_equal(nb_net_cut(ctx, net, 0, 0, 1), NB_OK);
    check_net(net, "without its first layer", 6, false);
    nb_tensor_release(ctx, mask);
    nb_net_release(ctx, net);
}

/* A trace, which goes layer by layer, shows the numbers that training has. */
static void test_trace(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "5 - 4 tanh - 4 relu - 3", NB_F32);
    nb_tensor *x = uniform(ctx, NB_F32, 10, 5, -1, 1, 1), *y = uniform(ctx, NB_F32, 10, 3, 0, 1, 2);
    double cost;
    nb_trace trace = {.open = NULL};
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    assert_true(trace.cost == cost);
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < 2; i++)
            assert_true(same_bits(ctx, trace.place[l].grad[i],
                                  nb_leaf_grad(nb_leaf_of(value_of(net, l, i)))));
    nb_trace_free(ctx, &trace);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* ---- Arenas ---------------------------------------------------------------------------------- */

static nb_result record(nb_net *net, nb_tensor *x, nb_tensor *y)
{
    nb_result pass;
    const nb_mode mode = {.taped = true};
    assert_int_equal(nb_net_run(ctx, net, x, y, &mode, NULL, &pass), NB_OK);
    return pass;
}

/* Passes that wait for their backward keep their numbers whatever runs meanwhile. */
static void test_waiting(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "5 - 4 tanh - 4 relu - 3", NB_F64);
    nb_tensor *x[2], *y[2], *want[2];
    nb_result pass[2];
    double cost;
    for (int i = 0; i < 2; i++) {
        x[i] = uniform(ctx, NB_F64, 3, 5, -1, 1, (uint64_t)i);
        y[i] = uniform(ctx, NB_F64, 3, 3, 0, 1, (uint64_t)i + 8);
        assert_int_equal(nb_net_backprop(ctx, net, x[i], y[i], &cost), NB_OK);
        want[i] = nb_tensor_clone(ctx, net->grads);
    }
    for (int i = 0; i < 2; i++) pass[i] = record(net, x[i], y[i]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nb_backward(ctx, pass[i].cost, NULL), NB_OK);
        assert_true(same_bits(ctx, net->grads, want[i]));
        nb_tensor *out = nb_tensor_clone(ctx, pass[i].output);
        assert_int_equal(nb_net_backprop(ctx, net, x[1 - i], y[1 - i], &cost), NB_OK);
        assert_true(same_bits(ctx, out, pass[i].output)); /* what a user has is his */
        nb_tensor_release(ctx, out);
    }
    for (int i = 0; i < 2; i++) {
        nb_result_free(ctx, &pass[i]);
        nb_tensor_release(ctx, x[i]);
        nb_tensor_release(ctx, y[i]);
        nb_tensor_release(ctx, want[i]);
    }
    nb_net_release(ctx, net);
}

/* The same arena serves the next pass of its sizes, and goes with the plan. */
static void test_again(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "5 - 4 - 3", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 3, 5, -1, 1, 1), *y = uniform(ctx, NB_F64, 3, 3, 0, 1, 2);
    double cost;
    for (int i = 0; i < 3; i++) assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    const nb_chain *chain = (const nb_chain *)net->layer.child[0]->plan->chain;
    int arenas = 0;
    for (int i = 0; i < NB_CHAIN_ARENAS; i++)
        if (chain->arena[i]) {
            arenas++;
            assert_int_equal(chain->arena[i]->head.refs, 1);
        }
    assert_int_equal(arenas, 1);
    assert_int_equal(nb_net_convert(ctx, net, NB_F32), NB_OK);
    assert_null(net->layer.child[0]->plan->chain);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* What backward needs and somebody changed in place is an error in the words of one layer. */
static void test_changed(void **state)
{
    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        nb_net *net = net_of(ctx, "5 - 4 - 3", NB_F64);
        nb_tensor *x = uniform(ctx, NB_F64, 3, 5, -1, 1, 1),
                  *y = uniform(ctx, NB_F64, 3, 3, 0, 1, 2);
        ctx->apart = apart;
        nb_result pass = record(net, x, y);
        nb_tensor_touch(value_of(net, 1, 0), "add_");
        assert_int_equal(nb_backward(ctx, pass.cost, NULL), NB_EARG);
        assert_failed(NB_EARG, "dense needs values for its gradient that add_ changed in place");
        nb_result_free(ctx, &pass);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, y);
        nb_net_release(ctx, net);
    }
    ctx->apart = false;
}

/* ---- What ends a pass ------------------------------------------------------------------------ */

typedef struct batch {
    nb_tensor *x, *y;
} batch;

static nb_status step(nb_ctx *same, nb_net *net, void *arg)
{
    const batch *b = arg;
    nb_optimizer optimizer;
    double cost;
    nb_optimizer_init(&optimizer, nb_optimizer_find("sgd"));
    const nb_lesson lesson = {.x = b->x, .y = b->y, .rate = 0.1};
    nb_status status = nb_learn(same, net, &optimizer, &lesson, &cost);
    nb_optimizer_free(same, &optimizer);
    return status;
}

static void check_memory(const char *notation)
{
    nb_net *net = net_of(ctx, notation, NB_F32);
    batch b = {uniform(ctx, NB_F32, 20, 40, -1, 1, 1), classes_in_turn(ctx, 20, 3)};
    sweep(ctx, net, step, &b);
    nb_tensor_release(ctx, b.x);
    nb_tensor_release(ctx, b.y);
    nb_net_release(ctx, net);
}

static void test_memory(void **state)
{
    (void)state;
    check_memory("40 - 40 relu - 40 tanh - 4 - 3 softmax : cross_entropy");
    check_memory("40 - reshape 1x5x8 - conv 4 2 relu - max_pool 2 - conv 4 1 relu - max_pool 1 - "
                 "flatten - 3 softmax : cross_entropy");
}

/* Ctrl-C before a pass, and NaN in it, leave all as it was, and the message is that of single
 * layers. */
static void test_stops(void **state)
{
    (void)state;
    static const volatile sig_atomic_t pressed = 1;
    char first[NB_MESSAGE_MAX];
    nb_net *net = net_of(ctx, "5 - 4 exp - 4 exp - 3", NB_F32);
    batch b = {uniform(ctx, NB_F32, 3, 5, -1, 1, 1), uniform(ctx, NB_F32, 3, 3, 0, 1, 2)};
    ctx->interrupt = &pressed;
    assert_int_equal(step(ctx, net, &b), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_int_equal(nb_tensor_fill(ctx, value_of(net, 0, 0), 60), NB_OK);
    nb_tensor *before = nb_tensor_clone(ctx, net->values);
    for (int apart = 0; apart < 2; apart++) {
        ctx->apart = apart;
        assert_int_equal(step(ctx, net, &b), NB_EVALUE);
        assert_true(same_bits(ctx, before, net->values));
        if (apart) assert_string_equal(ctx->message, first);
        strcpy(first, ctx->message);
    }
    ctx->apart = false;
    nb_tensor_release(ctx, before);
    nb_tensor_release(ctx, b.x);
    nb_tensor_release(ctx, b.y);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pooled), TEST(bits),    TEST(activations), TEST(random), TEST(settings), TEST(trace),
        TEST(again),  TEST(waiting), TEST(changed),     TEST(memory), TEST(stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
