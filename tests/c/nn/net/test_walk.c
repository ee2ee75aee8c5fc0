/* How a pass runs: frozen layers, free sizes, and what a layer may ask the walk for (its mode,
 * buffers that wait, state by place), shown with a kind of layer of this test's own. */
#include "../nets.h"

#include "../../support.h"
#include "nn/inspect/check/gradcheck.h"
#include "nn/inspect/trace.h"
#include "nn/net/plan.h"
#include "nn/train/learn.h"
#include "nn/learns.h"

#include <math.h>
#include <stdio.h>

/* ---- Frozen layers --------------------------------------------------------------------------- */

static double largest(const nb_tensor *t)
{
    double most = 0;
    const double *values = (const double *)t->storage->data + t->offset;
    for (int64_t i = 0; i < nb_tensor_count(t); i++) most = fmax(most, fabs(values[i]));
    return most;
}

/* Three steps leave every bit of the layer at `path` and move what stands before and behind it. */
static void check_frozen(nb_net *net, const char *path, const char *kind, bool keep)
{
    nb_tensor *x = uniform(ctx, NB_F64, 6, 4, -1, 1, 2), *y = uniform(ctx, NB_F64, 6, 3, 0, 1, 3);
    nb_layer *frozen = layer_at(ctx, net, path);
    nb_tensor *all = nb_tensor_clone(ctx, net->values);
    nb_tensor *w = nb_tensor_clone(ctx, frozen->plan->param[0].value);
    nb_tensor *b = nb_tensor_clone(ctx, frozen->plan->param[1].value);
    nb_optimizer optimizer;
    double cost;
    nb_optimizer_init(&optimizer, nb_optimizer_find(kind));
    const nb_lesson lesson = {.x = x, .y = y, .rate = 0.1, .keep_grads = keep};
    for (int i = 0; i < 3; i++)
        assert_int_equal(nb_learn(ctx, net, &optimizer, &lesson, &cost), NB_OK);
    assert_true(same_bits(ctx, w, frozen->plan->param[0].value));
    assert_true(same_bits(ctx, b, frozen->plan->param[1].value));
    int64_t start = frozen->plan->param[0].start, end = start + nb_tensor_count(w) + 5;
    for (int64_t i = 0; i < nb_net_count(net); i++)
        if (i < start || i >= end)
            assert_true(nb_tensor_get(all, &i) != nb_tensor_get(net->values, &i));
    nb_optimizer_free(ctx, &optimizer);
    nb_tensor_release(ctx, all);
    nb_tensor_release(ctx, w);
    nb_tensor_release(ctx, b);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

static void test_frozen(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        nb_net *net = net_of(ctx, "4 - 6 tanh - 5 tanh frozen - 3 : mse", NB_F64);
        check_frozen(net, "2", "sgd", keep);
        check_frozen(net, "2", "adam", keep);
        nb_net_release(ctx, net);
        net = net_of(ctx, "4 - 6 tanh - residual[5 tanh name=f - 6] - 3 : mse", NB_F64);
        nb_layer_freeze(layer_at(ctx, net, "2.f"), true);
        assert_true(nb_layer_is_frozen(layer_at(ctx, net, "2.f")));
        assert_false(nb_layer_is_frozen(layer_at(ctx, net, "2")));
        check_frozen(net, "2.f", "adam", keep);
        nb_net_release(ctx, net);
    }
}

/* A block freezes all that stands in it, and thaws it. */
static void test_frozen_block(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - residual[5 tanh - net[4]] - 3", NB_F64);
    nb_layer *block = layer_at(ctx, net, "1");
    nb_layer_freeze(block, true);
    assert_true(nb_layer_is_frozen(block));
    assert_true(nb_layer_is_frozen(layer_at(ctx, net, "1.2.1")));
    assert_false(nb_layer_is_frozen(&net->layer));
    nb_layer_freeze(block, false);
    assert_false(nb_layer_is_frozen(layer_at(ctx, net, "1.2.1")));
    nb_net_release(ctx, net);
}

/* What explains shows the gradient of a frozen layer too, right as the others'. */
static void test_frozen_has_a_gradient(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "4 - 6 tanh frozen - 3 frozen : mse", NB_F64);
    nb_tensor *x = uniform(ctx, NB_F64, 6, 4, -1, 1, 2), *y = uniform(ctx, NB_F64, 6, 3, 0, 1, 3);
    nb_trace trace = {.cost = 0};
    nb_gradcheck check;
    double cost;
    assert_int_equal(nb_trace_run(ctx, net, x, y, NULL, &trace), NB_OK);
    for (int l = 0; l < 2; l++) assert_true(largest(trace.place[l].grad[0]) > 1e-3);
    assert_int_equal(nb_gradcheck_run(ctx, net, x, y, NULL, &check), NB_OK);
    assert_true(check.ok);
    assert_int_equal(check.equation[3].compared, 4 * 6 + 6 * 3);
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    assert_true(largest(net->grads) > 1e-3);
    /* All is frozen: a step has nothing to do, and says so by zeros. */
    const nb_mode mode = {.learning = true};
    assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_OK);
    assert_true(largest(net->grads) == 0);
    nb_trace_free(ctx, &trace);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* ---- Free sizes ------------------------------------------------------------------------------ */

/* (2, steps, width) as (2 steps, width). */
static nb_tensor *folded(nb_tensor *t)
{
    nb_tensor *flat =
        nb_tensor_reshape(ctx, t, 2, (const int64_t[]){t->shape[0] * t->shape[1], t->shape[2]});
    assert_non_null(flat);
    return flat;
}

static nb_tensor *steps_of(int64_t steps, int64_t width, double low, uint64_t seed)
{
    nb_tensor *flat = uniform(ctx, NB_F64, 2 * steps, width, low, 1, seed);
    nb_tensor *t = nb_tensor_reshape(ctx, flat, 3, (const int64_t[]){2, steps, width});
    assert_non_null(t);
    nb_tensor_release(ctx, flat);
    return t;
}

static void assert_near(nb_tensor *a, nb_tensor *b)
{
    const double *one = nb_tensor_data(a), *two = nb_tensor_data(b);
    assert_int_equal(nb_tensor_count(a), nb_tensor_count(b));
    for (int64_t i = 0; i < nb_tensor_count(a); i++) assert_true(fabs(one[i] - two[i]) < 1e-14);
}

/* A network on steps does to each of them what the same one does to vectors, and its cost is the
 * mean over all steps. */
static void check_steps(const char *items, int64_t steps)
{
    char on_steps[200], on_vectors[200];
    snprintf(on_steps, sizeof on_steps, "*x4 - %s", items);
    snprintf(on_vectors, sizeof on_vectors, "4 - %s", items);
    nb_net *net = net_of(ctx, on_steps, NB_F64), *flat = net_of(ctx, on_vectors, NB_F64);
    nb_tensor *x = steps_of(steps, 4, -1, 2), *y = steps_of(steps, 3, 0, 3);
    nb_tensor *fx = folded(x), *fy = folded(y), *out = nb_net_forward(ctx, net, x);
    nb_tensor *flat_out = nb_net_forward(ctx, flat, fx);
    double cost, same;
    assert_int_equal(nb_net_in(net)->reading, NB_STEPS);
    assert_int_equal(nb_net_out(net)->size[0], -1);
    assert_int_equal(nb_net_out(net)->size[1], 3);
    assert_true(same_bits(ctx, net->values, flat->values));
    assert_true(out->dims == 3 && out->shape[1] == steps && out->shape[2] == 3);
    assert_near(out, flat_out);
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    assert_int_equal(nb_net_backprop(ctx, flat, fx, fy, &same), NB_OK);
    assert_true(fabs(cost - same) < 1e-14);
    assert_near(net->grads, flat->grads);
    nb_tensor *all[] = {x, y, fx, fy, out, flat_out};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) nb_tensor_release(ctx, all[i]);
    nb_net_release(ctx, net);
    nb_net_release(ctx, flat);
}

static void test_free_sizes(void **state)
{
    (void)state;
    static const char *const items[] = {
        "5 tanh relu@2 - 3 : mse",
        "5 tanh - 3 : quadratic",
        "5 tanh - net[3 softmax] : cross_entropy",
        "residual[5 tanh - 4] - parallel[2 | | 3 sin] - 3 sigmoid : cross_entropy",
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        check_steps(items[i], 1);
        check_steps(items[i], 7);
    }
}

static void check_gradients(const char *notation, int64_t steps)
{
    nb_net *net = net_of(ctx, notation, NB_F64);
    nb_tensor *x = steps_of(steps, 4, -1, 2), *y = steps_of(steps, 3, 0, 3);
    nb_gradcheck check;
    assert_int_equal(nb_gradcheck_run(ctx, net, x, y, NULL, &check), NB_OK);
    assert_true(check.ok && check.equation[0].compared == 2 * steps * 3);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

static void test_gradients_on_steps(void **state)
{
    (void)state;
    check_gradients("*x4 - 5 tanh - 3 : mse", 3);
    check_gradients("*x4 - residual[4 gelu] - parallel[3 | 2] - 3 : quadratic", 2);
}

/* ---- A kind of layer of the test's own --------------------------------------------------------
 */

typedef struct tally_settings {
    nb_layer_head head;
    bool misshapen; /* stages figures of another shape */
} tally_settings;

static const nb_option tally_options[] = {
    NB_LAYER_OPTIONS,
    NB_OPTIONS_END,
};

/* A scale per feature; buffers "passes" (1), counted while learning, and "ones" (2, 2). */
static nb_status plan_tally(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    static const int64_t one[1] = {1}, square[2] = {2, 2};
    const int64_t *features = &plan->in.size[plan->in.dims - 1];
    plan->out = plan->in;
    nb_param_plan scale = {.name = "scale", .dims = 1, .shape = features, .neuron_dim = -1};
    nb_param_plan passes = {.name = "passes", .dims = 1, .shape = one, .neuron_dim = -1};
    nb_param_plan ones = {.name = "ones", .dims = 2, .shape = square, .neuron_dim = -1};
    scale.init = ones.init = nb_init_of(nb_inits[NB_INIT_ones]);
    passes.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    bool whole = nb_plan_param(planner, layer, plan, &scale) &&
                 nb_plan_buffer(planner, layer, plan, &passes) &&
                 nb_plan_buffer(planner, layer, plan, &ones);
    return whole ? NB_OK : nb_plan_ctx(planner)->status;
}

static nb_status count_pass(nb_walk *walk, nb_layer *layer)
{
    const tally_settings *settings = (const tally_settings *)layer->settings;
    nb_tensor *passes = nb_walk_buffer(walk, layer, 0);
    int64_t size = settings->misshapen ? 2 : 1, first = 0;
    nb_tensor *next = nb_tensor_zeros(walk->ctx, passes->dtype, 1, &size);
    if (!next) return walk->ctx->status;
    nb_tensor_set(next, &first, nb_tensor_get(passes, &first) + 1);
    nb_status status = nb_walk_stage(walk, layer, 0, next);
    nb_tensor_release(walk->ctx, next);
    return status;
}

/* x ⊙ scale + what was remembered at this place, and, while learning, + seed + step / 8 + place /
 * 64; remembers x. */
static nb_tensor *forward_tally(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *c = walk->ctx;
    const nb_mode *mode = &walk->mode;
    nb_tensor *before = nb_walk_state(walk);
    (void)give;
    if (mode->learning && count_pass(walk, layer) != NB_OK) return NULL;
    nb_tensor *out = nb_op2(c, NB_OP_mul, x, nb_walk_param(walk, layer, 0));
    if (before) out = nb_then2(c, NB_OP_add, out, before);
    double chance = (double)mode->seed + (double)mode->step / 8 + walk->place / 64.0;
    if (mode->learning) out = nb_then_number(c, NB_OP_add, out, chance);
    if (!out || nb_walk_remember(walk, x) == NB_OK) return out;
    nb_tensor_release(c, out);
    return NULL;
}

static const nb_layer_type tally = {
    .name = "tally",
    .help = "Counts passes.",
    .usage = "tally",
    .example = "",
    .options = tally_options,
    .plan = plan_tally,
    .forward = forward_tally,
};

/* tally - residual[tally, the same] - 3 linear of ones, in f64. */
static nb_net *tally_on(nb_net *net)
{
    nb_layer *layer = nb_layer_new(ctx, &tally), *block;
    block = nb_layer_new(ctx, nb_layer_find("residual"));
    assert_non_null(block);
    add_layer(ctx, net, layer);
    assert_int_equal(nb_layer_add(ctx, block, layer), NB_OK);
    add_layer(ctx, net, block);
    add_item(ctx, net, "3 linear init=ones");
    nb_layer_release(ctx, block);
    nb_layer_release(ctx, layer);
    if (nb_net_build(ctx, net, NB_F64, 1) != NB_OK) fail_msg("%s", ctx->message);
    return net;
}

static nb_net *tally_net(void)
{
    return tally_on(empty_net(ctx, 3));
}

/* Where there are steps to go on with: elsewhere no layer has a state. */
static nb_net *tally_stream(void)
{
    nb_net *net = empty_net(ctx, 3);
    net->in_dims = 2;
    net->in_size[0] = -1;
    net->in_size[1] = 3;
    return tally_on(net);
}

static double passes_of(nb_net *net)
{
    return nb_tensor_get(net->figures, (const int64_t[]){0});
}

/* Figures lie in a vector of their own, begin as they say, and are cloned, converted, reset. */
static void test_buffers(void **state)
{
    (void)state;
    nb_net *net = tally_net();
    nb_param *ones = nb_layer_param(net->layer.child[0], "ones");
    assert_int_equal(nb_net_count(net), 3 + 12);
    assert_int_equal(net->buffers, 2);
    assert_int_equal(nb_tensor_count(net->figures), 5);
    assert_ptr_equal(ones->value->storage, net->figures->storage);
    assert_int_equal(ones->start, 1);
    assert_true(passes_of(net) == 0);
    for (int64_t i = 1; i < 5; i++) assert_true(nb_tensor_get(net->figures, &i) == 1);
    assert_int_equal(nb_tensor_fill(ctx, net->figures, 7), NB_OK);
    nb_net *copy = nb_net_clone(ctx, net, NB_F64);
    assert_true(same_bits(ctx, net->figures, copy->figures));
    assert_int_equal(nb_net_convert(ctx, net, NB_F32), NB_OK);
    assert_true(net->figures->dtype == NB_F32 && passes_of(net) == 7);
    assert_int_equal(nb_net_reset(ctx, net, 1), NB_OK);
    assert_true(passes_of(net) == 0 && passes_of(copy) == 7);
    nb_net_release(ctx, net);
    nb_net_release(ctx, copy);
}

/* What a learning pass does to the figures waits for its commit; a shared layer's second place goes
 * on from what its first has staged. Without staging, and evaluating, nothing moves. */
static void test_staged(void **state)
{
    (void)state;
    nb_net *net = tally_net();
    nb_tensor *x = uniform(ctx, NB_F64, 2, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 2, 3, 0, 1, 3);
    nb_staged staged = {.count = 0};
    nb_mode mode = {.learning = true, .staged = &staged};
    double cost;
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_OK);
        assert_int_equal(staged.count, 1);
        assert_true(passes_of(net) == 2 * (i - 1));
        nb_staged_commit(ctx, &staged);
        assert_int_equal(staged.count, 0);
        assert_true(passes_of(net) == 2 * i);
    }
    assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_OK);
    nb_staged_drop(ctx, &staged);
    mode.staged = NULL;
    assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_OK);
    assert_int_equal(nb_net_backprop(ctx, net, x, y, &cost), NB_OK);
    mode = (nb_mode){.staged = &staged};
    assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_OK);
    assert_int_equal(staged.count, 0);
    assert_true(passes_of(net) == 4);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* A pass whose cost is not finite, and the search for where that began, leave the figures. */
static void test_failed_pass_and_figures(void **state)
{
    (void)state;
    nb_net *net = tally_net();
    nb_tensor *x = uniform(ctx, NB_F64, 2, 3, -1, 1, 2), *y = uniform(ctx, NB_F64, 2, 3, 0, 1, 3);
    nb_staged staged = {.count = 0};
    nb_state remembered = {.places = 0};
    const nb_mode mode = {.learning = true, .staged = &staged, .state = &remembered};
    double cost;
    nb_tensor_set(value_of(net, 2, 0), (const int64_t[]){0, 1}, INFINITY);
    assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_EVALUE);
    assert_failed(NB_EVALUE, "layer 3: w[1][2] is inf");
    nb_staged_drop(ctx, &staged);
    assert_true(passes_of(net) == 0);
    ((tally_settings *)net->layer.child[0]->settings)->misshapen = true;
    assert_int_equal(nb_net_learn(ctx, net, x, y, &mode, NULL, &cost), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "layer 1: passes has another shape");
    nb_staged_drop(ctx, &staged);
    nb_state_free(ctx, &remembered);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_net_release(ctx, net);
}

/* One output of a pass in `mode`, the first. */
static double first_output(nb_net *net, nb_tensor *x, const nb_mode *mode)
{
    nb_result pass;
    assert_int_equal(nb_net_run(ctx, net, x, NULL, mode, NULL, &pass), NB_OK);
    double out = nb_tensor_get(pass.output, (const int64_t[]){0, 0, 0});
    nb_result_free(ctx, &pass);
    return out;
}

/* x is all ones in the three features. Then the first place gives 1 + s, s what it remembers, the
 * second place 1 + s of that, the residual adds both, and three of them are summed. */
static void test_state_by_place(void **state)
{
    (void)state;
    nb_net *net = tally_stream(), *whole = tally_net();
    nb_tensor *x = steps_of(1, 3, 0, 2), *row = uniform(ctx, NB_F64, 1, 3, 0, 1, 2);
    nb_state remembered = {.places = 0};
    const nb_mode mode = {.state = &remembered};
    assert_int_equal(nb_tensor_fill(ctx, x, 1), NB_OK);
    /* Nothing remembered: 1, then 1 + 1. */
    assert_true(first_output(net, x, NULL) == 3 * 2);
    assert_true(first_output(net, x, &mode) == 3 * 2);
    assert_int_equal(remembered.places, net->layer.plan->places);
    assert_true(remembered.at[0] && !remembered.at[1] && remembered.at[2] && !remembered.at[3]);
    /* Both remember 1: 2; then 2 + 1, and 3 + 2. */
    assert_true(first_output(net, x, &mode) == 3 * 5);
    /* The first remembers 1, the second 2: 2; then 2 + 2, and 4 + 2. */
    assert_true(first_output(net, x, &mode) == 3 * 6);
    nb_state_free(ctx, &remembered);
    assert_true(first_output(net, x, &mode) == 3 * 2); /* anew */
    nb_state_free(ctx, &remembered);
    /* Where no steps are, nothing goes on. */
    assert_int_equal(nb_tensor_fill(ctx, row, 1), NB_OK);
    for (int i = 0; i < 2; i++) assert_true(first_output(whole, row, &mode) == 3 * 2);
    nb_state_free(ctx, &remembered);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, row);
    nb_net_release(ctx, net);
    nb_net_release(ctx, whole);
}

/* Learning is said by the mode, not by the tape; seed, step and place name every draw. */
static void test_mode(void **state)
{
    (void)state;
    nb_net *net = tally_net();
    nb_tensor *x = uniform(ctx, NB_F64, 1, 3, 0, 1, 2);
    assert_int_equal(nb_tensor_fill(ctx, x, 0), NB_OK);
    for (int taped = 0; taped < 2; taped++) {
        nb_mode mode = {.taped = taped, .seed = 5, .step = 4};
        assert_true(first_output(net, x, &mode) == 0);
        mode.learning = true;
        /* Place 0 adds c = 5.5; place 2 adds c + 2/64 to that, and the residual both. */
        assert_true(first_output(net, x, &mode) == 3 * (3 * 5.5 + 2 / 64.0));
    }
    assert_true(ctx->recording); /* as it was */
    nb_tensor_release(ctx, x);
    nb_net_release(ctx, net);
}

/* ---- When memory ends ------------------------------------------------------------------------ */

static nb_status try_pass(nb_ctx *c, nb_net *net, void *arg)
{
    nb_tensor *const *xy = arg;
    nb_staged staged = {.count = 0};
    nb_state remembered = {.places = 0};
    const nb_mode mode = {.learning = true, .staged = &staged, .state = &remembered};
    double cost, before = passes_of(net);
    nb_status status = nb_net_learn(c, net, xy[0], xy[1], &mode, NULL, &cost);
    nb_staged_drop(c, &staged);
    nb_state_free(c, &remembered);
    assert_true(passes_of(net) == before);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *net = tally_net();
    nb_tensor *xy[2] = {uniform(ctx, NB_F64, 2, 3, -1, 1, 2), uniform(ctx, NB_F64, 2, 3, 0, 1, 3)};
    sweep(ctx, net, try_pass, xy);
    nb_tensor_release(ctx, xy[0]);
    nb_tensor_release(ctx, xy[1]);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frozen),
        TEST(frozen_block),
        TEST(frozen_has_a_gradient),
        TEST(free_sizes),
        TEST(gradients_on_steps),
        TEST(buffers),
        TEST(staged),
        TEST(failed_pass_and_figures),
        TEST(state_by_place),
        TEST(mode),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
