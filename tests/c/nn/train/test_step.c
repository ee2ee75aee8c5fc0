/* What a step says and does besides its numbers: layers learn which step it is, hooks the cost so
 * far, records that values have changed; what a failed step has staged is lost. With a kind of
 * layer and of optimizer of this test's own. */
#include "../nets.h"
#include "../tune.h"

#include "../../support.h"
#include "nn/net/plan.h"
#include "nn/net/walk.h"
#include "nn/train/run/train.h"
#include "nn/learns.h"

#include <math.h>

/* ---- A layer that counts --------------------------------------------------------------------- */

enum { CALLS = 40 };

static struct {
    int count;
    nb_mode mode[CALLS];
} calls;

static const nb_option counter_options[] = {
    NB_LAYER_OPTIONS,
    NB_OPTIONS_END,
};

/* A scale of 1 for all features; a buffer of learning passes. */
static nb_status plan_counter(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    static const int64_t one[1] = {1};
    nb_param_plan scale = {.name = "scale", .dims = 1, .shape = one, .neuron_dim = -1};
    nb_param_plan passes = {.name = "passes", .dims = 1, .shape = one, .neuron_dim = -1};
    scale.init = nb_init_of(nb_inits[NB_INIT_ones]);
    passes.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    plan->out = plan->in;
    bool whole = nb_plan_param(planner, layer, plan, &scale) &&
                 nb_plan_buffer(planner, layer, plan, &passes);
    return whole ? NB_OK : nb_plan_ctx(planner)->status;
}

static nb_tensor *forward_counter(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    (void)give;
    assert_true(calls.count < CALLS);
    calls.mode[calls.count++] = walk->mode;
    if (walk->mode.learning) {
        nb_tensor *next = nb_op_number(walk->ctx, NB_OP_add, nb_walk_buffer(walk, layer, 0), 1);
        nb_status status = next ? nb_walk_stage(walk, layer, 0, next) : walk->ctx->status;
        nb_tensor_release(walk->ctx, next);
        if (status != NB_OK) return NULL;
    }
    return nb_op2(walk->ctx, NB_OP_mul, x, nb_walk_param(walk, layer, 0));
}

static const nb_layer_type counter = {
    .name = "counter",
    .help = "Counts passes.",
    .usage = "counter",
    .example = "",
    .options = counter_options,
    .plan = plan_counter,
    .forward = forward_counter,
};

/* 3 - counter - 3 linear : quadratic, in f64. */
static nb_net *counting_net(void)
{
    nb_net *net = empty_net(ctx, 3);
    nb_layer *layer = nb_layer_new(ctx, &counter);
    assert_non_null(layer);
    add_layer(ctx, net, layer);
    nb_layer_release(ctx, layer);
    add_item(ctx, net, "3 linear");
    if (nb_net_build(ctx, net, NB_F64, 1) != NB_OK) fail_msg("%s", ctx->message);
    calls.count = 0;
    return net;
}

static double passes_of(const nb_net *net)
{
    return nb_tensor_get(net->figures, (const int64_t[]){0});
}

/* ---- A run ----------------------------------------------------------------------------------- */

enum { EXAMPLES = 10, BATCH = 4, BATCHES = 3, EPOCHS = 2 };

typedef struct run {
    nb_net *net;
    nb_tensor *x, *y;
    nb_set *set;
    nb_optimizer optimizer;
} run;

static run begin(const char *kind)
{
    run r = {.net = counting_net()};
    r.x = uniform(ctx, NB_F64, EXAMPLES, 3, -1, 1, 2);
    r.y = uniform(ctx, NB_F64, EXAMPLES, 3, 0, 1, 3);
    r.set = nb_set_new(ctx, r.x, 1, r.y, NULL, 0, NULL);
    assert_non_null(r.set);
    nb_optimizer_init(&r.optimizer, nb_optimizer_find(kind));
    return r;
}

static void end(run *r)
{
    nb_optimizer_free(ctx, &r->optimizer);
    nb_set_release(ctx, r->set);
    nb_tensor_release(ctx, r->x);
    nb_tensor_release(ctx, r->y);
    nb_net_release(ctx, r->net);
}

/* Steps are numbered through all epochs, so that no draw comes twice; evaluating is not learning.
 */
static void test_steps_are_numbered(void **state)
{
    (void)state;
    run r = begin("sgd");
    const nb_train_options options = {
        .run = {.batch = BATCH, .seed = 9, .optimizer = &r.optimizer, .test = r.set},
        .epochs = EPOCHS};
    nb_history history = {.epochs = 0};
    assert_int_equal(nb_train(ctx, r.net, r.set, &options, &history), NB_OK);
    assert_int_equal(calls.count, EPOCHS * (BATCHES + 1));
    for (int i = 0; i < calls.count; i++) {
        const nb_mode *mode = &calls.mode[i];
        bool learning = i % (BATCHES + 1) < BATCHES;
        assert_int_equal(mode->learning, learning);
        if (!learning) continue;
        assert_int_equal(mode->seed, 9);
        assert_int_equal(mode->step, i - i / (BATCHES + 1));
    }
    assert_true(passes_of(r.net) == EPOCHS * BATCHES);
    nb_history_free(ctx, &history);
    end(&r);
}

typedef struct told {
    double cost[BATCHES * EPOCHS], so_far[BATCHES * EPOCHS];
    int batches, reports;
} told;

static nb_status after_batch(nb_ctx *c, void *self, const nb_progress *p, bool *stop)
{
    told *t = self;
    (void)c;
    (void)stop;
    t->cost[t->batches++] = p->cost;
    return NB_OK;
}

static nb_status on_progress(nb_ctx *c, void *self, const nb_progress *p, bool *stop)
{
    told *t = self;
    (void)c;
    (void)stop;
    if (p->batch) t->so_far[t->reports++] = p->cost;
    return NB_OK;
}

/* Who shows progress is told the mean over the examples of the epoch so far. */
static void test_cost_so_far(void **state)
{
    (void)state;
    static const double examples[BATCHES] = {4, 4, 2};
    run r = begin("sgd");
    told t = {.batches = 0};
    const nb_train_options options = {.run = {.batch = BATCH, .optimizer = &r.optimizer},
                                      .epochs = EPOCHS,
                                      .on_batch = after_batch,
                                      .on_progress = on_progress,
                                      .self = &t};
    nb_history history = {.epochs = 0};
    assert_int_equal(nb_train(ctx, r.net, r.set, &options, &history), NB_OK);
    assert_int_equal(t.batches, BATCHES * EPOCHS);
    assert_int_equal(t.reports, BATCHES * EPOCHS);
    for (int e = 0; e < EPOCHS; e++) {
        double sum = 0, seen = 0;
        for (int b = 0; b < BATCHES; b++) {
            sum += t.cost[e * BATCHES + b] * examples[b];
            seen += examples[b];
            assert_true(fabs(t.so_far[e * BATCHES + b] - sum / seen) < 1e-15);
        }
        assert_true(fabs(history.epoch[e].cost - sum / EXAMPLES) < 1e-15);
    }
    nb_history_free(ctx, &history);
    end(&r);
}

/* ---- One step -------------------------------------------------------------------------------- */

static nb_lesson lesson_of(const run *r)
{
    return (nb_lesson){.x = r->x, .y = r->y, .rate = 0.1};
}

/* A layer's factor holds with plain descent too, which else goes straight into the weights. */
static void test_factor(void **state)
{
    (void)state;
    run r = begin("sgd");
    double cost;
    const nb_lesson lesson = lesson_of(&r);
    nb_layer_scale(r.net->layer.child[1], 0.25);
    assert_int_equal(nb_net_backprop(ctx, r.net, r.x, r.y, &cost), NB_OK);
    nb_tensor *was = nb_tensor_clone(ctx, r.net->values),
              *slope = nb_tensor_clone(ctx, r.net->grads);
    assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
    for (int64_t i = 0; i < nb_net_count(r.net); i++) {
        double moved = nb_tensor_get(was, &i) - nb_tensor_get(r.net->values, &i);
        double wanted = 0.1 * (i ? 0.25 : 1) * nb_tensor_get(slope, &i);
        assert_true(fabs(wanted) > 1e-9 && fabs(moved - wanted) < 1e-15);
    }
    nb_tensor_release(ctx, was);
    nb_tensor_release(ctx, slope);
    end(&r);
}

/* A graph that read the values of before a step is of no use after it, and says so. */
static void test_records_are_told(void **state)
{
    (void)state;
    static const char *const kinds[] = {"sgd", "adam"};
    for (int i = 0; i < 3; i++) { /* descent into the weights, then from the gradients */
        run r = begin(kinds[i / 2]);
        nb_lesson lesson = lesson_of(&r);
        const nb_mode mode = {.taped = true};
        nb_result pass;
        double cost;
        lesson.keep_grads = i > 0;
        assert_int_equal(nb_net_run(ctx, r.net, r.x, r.y, &mode, NULL, &pass), NB_OK);
        assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
        assert_int_equal(nb_backward(ctx, pass.cost, NULL), NB_EARG);
        assert_failed(NB_EARG, "changed in place since");
        nb_result_free(ctx, &pass);
        end(&r);
    }
}

/* What is frozen while it rolls stands at once: its velocity moves it no more. */
static void test_frozen_momentum(void **state)
{
    (void)state;
    run r = begin("sgd");
    const nb_lesson lesson = lesson_of(&r);
    double cost;
    r.optimizer.options.momentum = 0.9;
    assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
    nb_layer_freeze(r.net->layer.child[1], true);
    nb_tensor *was = nb_tensor_clone(ctx, r.net->values);
    assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
    for (int64_t i = 0; i < nb_net_count(r.net); i++)
        assert_int_equal(nb_tensor_get(was, &i) == nb_tensor_get(r.net->values, &i), i > 0);
    nb_tensor_release(ctx, was);
    end(&r);
}

/* So is a graph that read the figures, by their version. */
static void test_readers_of_figures(void **state)
{
    (void)state;
    run r = begin("sgd");
    const nb_lesson lesson = lesson_of(&r);
    double cost;
    uint32_t version = r.net->figures->storage->version;
    assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
    assert_int_not_equal(r.net->figures->storage->version, version);
    end(&r);
}

/* Figures that a step has staged count when it has succeeded; one that failed leaves them. */
static void test_failed_step(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        run r = begin("sgd");
        nb_lesson lesson = lesson_of(&r);
        double cost;
        lesson.keep_grads = keep;
        assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
        assert_true(passes_of(r.net) == 1);
        nb_tensor *whole = nb_tensor_clone(ctx, r.net->values);
        assert_int_equal(nb_tensor_fill(ctx, value_of(r.net, 1, 0), INFINITY), NB_OK);
        assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_EVALUE);
        assert_true(passes_of(r.net) == 1);
        assert_int_equal(nb_tensor_copy(ctx, r.net->values, whole), NB_OK);
        assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
        assert_true(passes_of(r.net) == 2);
        nb_tensor_release(ctx, whole);
        end(&r);
    }
}

static nb_status learn_once(nb_ctx *c, nb_net *net, void *arg)
{
    const nb_lesson *lesson = arg;
    nb_optimizer optimizer;
    double cost;
    nb_optimizer_init(&optimizer, nb_optimizer_find("adam"));
    nb_status status = nb_learn(c, net, &optimizer, lesson, &cost);
    nb_optimizer_free(c, &optimizer);
    return status;
}

/* Neurons and numbers with rules of their own need memory in a step, and give it back. */
static void test_tuned_step_without_memory(void **state)
{
    (void)state;
    nb_net *net = net_of(ctx, "3 - 4 - 2", NB_F64);
    nb_lesson lesson = {.rate = 0.1};
    lesson.x = uniform(ctx, NB_F64, EXAMPLES, 3, -1, 1, 2);
    lesson.y = uniform(ctx, NB_F64, EXAMPLES, 2, 0, 1, 3);
    tune(ctx, net, 2);
    sweep(ctx, net, learn_once, &lesson);
    nb_tensor_release(ctx, lesson.x);
    nb_tensor_release(ctx, lesson.y);
    nb_net_release(ctx, net);
}

/* State of another dtype is refused, however many numbers it has. */
static void test_state_of_other_dtype(void **state)
{
    (void)state;
    run r = begin("adam");
    const nb_lesson lesson = lesson_of(&r);
    double cost;
    assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_OK);
    assert_int_equal(nb_net_convert(ctx, r.net, NB_F32), NB_OK);
    assert_int_equal(nb_learn(ctx, r.net, &r.optimizer, &lesson, &cost), NB_EARG);
    assert_failed(NB_EARG, "has the state of a network with 13 parameters in f64; this one has 13 "
                           "in f32");
    end(&r);
}

/* ---- An optimizer that looks twice ------------------------------------------------------------
 */

static nb_slot_need needs_nothing(const nb_optimizer *optimizer, int i)
{
    (void)optimizer;
    (void)i;
    return (nb_slot_need){.name = NULL};
}

static bool never_plain(const nb_optimizer *optimizer)
{
    (void)optimizer;
    return false;
}

static nb_status look_again(nb_ctx *c, nb_optimizer *optimizer, const nb_problem *problem)
{
    double cost;
    (void)optimizer;
    return problem->evaluate(c, problem->self, &cost);
}

/* However often a step evaluates, it is one step: the last evaluation's figures count. */
static void test_evaluated_twice(void **state)
{
    (void)state;
    static const nb_optimizer_type twice = {
        .name = "twice", .needs = needs_nothing, .plain = never_plain, .step = look_again};
    run r = begin("sgd");
    const nb_lesson lesson = lesson_of(&r);
    nb_optimizer optimizer = {.type = &twice};
    double cost;
    for (int i = 1; i <= 2; i++) {
        calls.count = 0;
        assert_int_equal(nb_learn(ctx, r.net, &optimizer, &lesson, &cost), NB_OK);
        assert_int_equal(calls.count, 2);
        assert_true(passes_of(r.net) == i);
    }
    end(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(steps_are_numbered),        TEST(cost_so_far),     TEST(factor),
        TEST(records_are_told),          TEST(failed_step),     TEST(frozen_momentum),
        TEST(readers_of_figures),        TEST(evaluated_twice), TEST(state_of_other_dtype),
        TEST(tuned_step_without_memory),
    };
    return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
