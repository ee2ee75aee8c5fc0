/* Steps that are half done: what the stops show is what training computes, bit for bit; when what
 * is known; and that the last stop makes the step that one call makes. */
#include "../nets.h"

#include "nn/train/glass/half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { EXAMPLES = 23, BATCH = 4 };

/* How a run goes. */
typedef struct kind {
    const char *net, *optimizer;
    int64_t group;
    bool weighted;
} kind;

static const kind kinds[] = {
    {"6 - 5 tanh - 3 softmax : cross_entropy", "sgd", 1, false},
    {"6 - 8 relu - batch_norm - dropout 0.5 - 3 softmax : cross_entropy", "sgd", 1, false},
    {"6 - residual[layer_norm - 6 tanh - dropout 0.3] - 3", "adam", 1, true},
    {"6 - 6 tanh name=a - net[6 - 4] - 6 frozen - @a - 3", "sgd", 1, false},
    {"6 - 8 - batch_norm - dropout 0.2 - 3 softmax : cross_entropy", "adam", 3, true},
    {"6 - 5 - 3 : quadratic", "sgd", 4, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Filled where it stays: the trainer borrows the optimizer. */
typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_tensor *x, *weights;
    nb_optimizer optimizer;
    nb_trainer_options options;
    nb_trainer *trainer;
} lab;

static void begin(lab *l, nb_ctx *ctx, const kind *how, bool keep_grads)
{
    *l = (lab){.ctx = ctx};
    l->set = random_set_of(ctx, EXAMPLES, 6, 3, &l->x);
    l->net = net_of(ctx, how->net, NB_F32);
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(how->optimizer));
    l->optimizer.options.lr = 0.1;
    l->options = (nb_trainer_options){.batch = BATCH,
                                      .seed = 7,
                                      .shuffle = true,
                                      .optimizer = &l->optimizer,
                                      .accumulate = how->group,
                                      .keep_grads = keep_grads};
    if (how->weighted) {
        nb_tensor *column = uniform(ctx, NB_F32, EXAMPLES, 1, 0.5, 2, 9);
        l->weights = nb_tensor_select(ctx, column, 1, 0);
        nb_tensor_release(ctx, column);
        l->options.weights = (nb_weighing){.numbers = l->weights, .of = NB_OF_EXAMPLES};
    }
    l->trainer = nb_trainer_new(ctx, l->net, l->set, &l->options);
    if (!l->trainer) fail_msg("%s: %s", how->net, ctx->message);
}

static void end(lab *l)
{
    nb_trainer_free(l->ctx, l->trainer);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_tensor_release(l->ctx, l->x);
    nb_tensor_release(l->ctx, l->weights);
    nb_net_release(l->ctx, l->net);
}

static void go(lab *l, int steps)
{
    double cost;
    for (int i = 0; i < steps; i++)
        if (nb_trainer_step(l->ctx, l->trainer, &cost) != NB_OK) fail_msg("%s", l->ctx->message);
}

static void assert_same(const lab *a, const lab *b)
{
    const nb_course *p = &a->trainer->course, *q = &b->trainer->course;
    assert_true(same_bits(a->ctx, a->net->values, b->net->values));
    assert_true(same_bits(a->ctx, a->net->figures, b->net->figures));
    assert_int_equal(a->optimizer.steps, b->optimizer.steps);
    assert_int_equal(a->optimizer.slots, b->optimizer.slots);
    for (int i = 0; i < a->optimizer.slots; i++)
        assert_true(same_bits(a->ctx, a->optimizer.slot[i].value, b->optimizer.slot[i].value));
    assert_int_equal(p->epoch, q->epoch);
    assert_int_equal(p->batch, q->batch);
    assert_int_equal(p->steps, q->steps);
    assert_int_equal(p->examples, q->examples);
    assert_true(p->sum == q->sum && p->weight == q->weight);
    assert_int_equal(a->trainer->history.epochs, b->trainer->history.epochs);
    assert_int_equal(a->trainer->history.examples, b->trainer->history.examples);
}

/* The gradients that the trace has are those that a step leaves in the network's home. */
static void assert_gradients(const nb_trace *trace, const lab *other)
{
    nb_ctx *ctx = other->ctx;
    int seen = 0;
    for (int p = 0; p < trace->places; p++) {
        const nb_trace_place *place = &trace->place[p];
        for (int i = 0; i < place->grads; i++, seen++) {
            const nb_param *param = nb_trace_param(place, i);
            nb_tensor *home =
                nb_tensor_view(ctx, other->net->grads, param->value->dims, param->value->shape,
                               param->value->stride, param->start);
            assert_true(same_bits(ctx, place->grad[i], home));
            nb_tensor_release(ctx, home);
        }
    }
    assert_true(seen > 0);
}

/* Stops of one batch: forward and back for every place. */
static nb_half *to_the_last(lab *l)
{
    nb_half *half = nb_half_new(l->ctx, l->trainer);
    if (!half) fail_msg("%s", l->ctx->message);
    int64_t stops = 1, wanted = 2 * half->places * half->step.parts;
    for (; !nb_half_is_last(half); stops++) assert_int_equal(nb_half_next(l->ctx, half), NB_OK);
    assert_int_equal(stops, wanted);
    return half;
}

static nb_status make(nb_ctx *ctx, void *self, const nb_step *step)
{
    double cost;
    return nb_trainer_make(ctx, ((lab *)self)->trainer, step, &cost);
}

static void finish(lab *l, nb_half *half)
{
    if (nb_half_finish(l->ctx, half, make, l) != NB_OK) fail_msg("%s", l->ctx->message);
    nb_half_free(l->ctx, half);
}

/* Through the end of an epoch, whose last batch is short. */
static void stops_make_the_step(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        lab slow, plain;
        begin(&slow, ctx, &kinds[k], false);
        begin(&plain, ctx, &kinds[k], false);
        for (int i = 0; i < 8; i++) {
            nb_half *half = to_the_last(&slow);
            double cost, part = half->trace.cost;
            assert_int_equal(nb_trainer_step(ctx, plain.trainer, &cost), NB_OK);
            if (half->step.parts == 1) assert_true(part == cost);
            finish(&slow, half);
            assert_same(&slow, &plain);
        }
        end(&slow);
        end(&plain);
    }
    nb_ctx_free(ctx);
}

/* A step that keeps its gradients computes those of the trace. */
static void gradients_are_those_of_training(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        lab slow, plain;
        if (kinds[k].group > 1) continue;
        begin(&slow, ctx, &kinds[k], true);
        begin(&plain, ctx, &kinds[k], true);
        for (int i = 0; i < 3; i++) {
            nb_half *half = to_the_last(&slow);
            go(&plain, 1);
            assert_gradients(&half->trace, &plain);
            finish(&slow, half);
        }
        end(&slow);
        end(&plain);
    }
    nb_ctx_free(ctx);
}

/* ---- When what is known ---- */

/* Places: residual 0, its layers 1 and 2, the dense layer 3 that stands again at 4, the last 5. */
static void order_of_the_stops(void **state)
{
    static const kind how = {"6 - residual[layer_norm - 6] - 6 name=a - @a - 3", "sgd", 1, false};
    static const int forward[] = {3, 1, 2, 4, 5, 6}, back[] = {10, 12, 11, 9, 8, 7};
    static const int grads[] = {0, 12, 11, 9, 9, 7};
    static const char *const paths[] = {"1.1", "1.2", "1", "2", "3",   "4",
                                        "4",   "3",   "2", "1", "1.2", "1.1"};
    nb_ctx *ctx = nb_ctx_new();
    char text[NB_PATH_MAX];
    lab l;
    (void)state;
    begin(&l, ctx, &how, false);
    nb_half *half = nb_half_new(ctx, l.trainer);
    assert_non_null(half);
    assert_int_equal(half->places, 6);
    for (int p = 0; p < 6; p++) {
        assert_int_equal(half->known[p].forward, forward[p]);
        assert_int_equal(half->known[p].back, back[p]);
        assert_int_equal(half->trace.place[p].grads, p ? 2 : 0);
        for (int i = 0; i < half->trace.place[p].grads; i++)
            assert_int_equal(half->known[p].grad[i], grads[p]);
    }
    for (int i = 0; i < 12; i++) {
        assert_string_equal(nb_half_path(half, text), paths[i]);
        assert_int_equal(nb_half_is_back(half), i >= 6);
        assert_int_equal(nb_half_is_last(half), i == 11);
        if (i < 11) assert_int_equal(nb_half_next(ctx, half), NB_OK);
    }
    nb_half_free(ctx, half);
    end(&l);
    nb_ctx_free(ctx);
}

/* ---- Ends ---- */

/* What is dropped anywhere has never been; what is finished early is the same step. */
static void dropped_and_finished_anywhere(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int k = 0; k < KINDS; k++) {
        lab slow, plain;
        begin(&slow, ctx, &kinds[k], false);
        begin(&plain, ctx, &kinds[k], false);
        for (int stops = 0; stops < 9; stops++) {
            for (int drop = 1; drop >= 0; drop--) {
                nb_half *half = nb_half_new(ctx, slow.trainer);
                assert_non_null(half);
                for (int i = 0; i < stops && !nb_half_is_last(half); i++)
                    assert_int_equal(nb_half_next(ctx, half), NB_OK);
                if (drop)
                    nb_half_free(ctx, half);
                else
                    finish(&slow, half);
            }
            go(&plain, 1);
            assert_same(&slow, &plain);
        }
        end(&slow);
        end(&plain);
    }
    nb_ctx_free(ctx);
}

/* What the set becomes meanwhile, and what is drawn, is nothing to a step that has begun. */
static void nothing_else_matters(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab slow, plain;
    (void)state;
    begin(&slow, ctx, &kinds[1], false);
    begin(&plain, ctx, &kinds[1], false);
    nb_half *half = nb_half_new(ctx, slow.trainer);
    assert_non_null(half);
    assert_int_equal(nb_tensor_fill(ctx, slow.x, 5), NB_OK);
    ctx->seed = 99;
    ctx->draws = 12;
    finish(&slow, half);
    assert_int_equal(ctx->seed, 99);
    assert_int_equal(ctx->draws, 12);
    go(&plain, 1);
    assert_same(&slow, &plain);
    end(&slow);
    end(&plain);
    nb_ctx_free(ctx);
}

static void whole_sets_have_no_batch(void **state)
{
    static const char *const names[] = {"lbfgs", "cg"};
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < 2; i++) {
        const kind how = {"6 - 5 tanh - 3 softmax : cross_entropy", names[i], 1, false};
        lab l;
        begin(&l, ctx, &how, false);
        assert_null(nb_half_new(ctx, l.trainer));
        assert_int_equal(ctx->status, NB_EARG);
        assert_non_null(strstr(ctx->message, names[i]));
        assert_int_equal(l.trainer->course.epoch, 0);
        end(&l);
    }
    nb_ctx_free(ctx);
}

/* ---- Failures ---- */

/* A trainer of its own: one keeps the buffers that it has made. */
static nb_status go_through(nb_ctx *ctx, nb_net *net, void *arg)
{
    const lab *l = arg;
    nb_trainer *trainer = nb_trainer_new(ctx, net, l->set, &l->options);
    nb_half *half = trainer ? nb_half_new(ctx, trainer) : NULL;
    nb_status status = half ? NB_OK : ctx->status;
    while (status == NB_OK && !nb_half_is_last(half)) status = nb_half_next(ctx, half);
    nb_half_free(ctx, half);
    nb_trainer_free(ctx, trainer);
    return status;
}

static void memory_ends(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int k = 2; k < 5; k += 2) {
        lab l;
        begin(&l, ctx, &kinds[k], false);
        sweep(ctx, l.net, go_through, &l);
        assert_int_equal(l.trainer->course.epoch, 0);
        end(&l);
    }
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_make_the_step),  cmocka_unit_test(gradients_are_those_of_training),
        cmocka_unit_test(order_of_the_stops),   cmocka_unit_test(dropped_and_finished_anywhere),
        cmocka_unit_test(nothing_else_matters), cmocka_unit_test(whole_sets_have_no_batch),
        cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests_name("half", tests, NULL, NULL);
}
