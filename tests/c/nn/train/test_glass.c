/* Runs under glass: going back and forward again has the bits of a run that never stopped, whatever
 * it learns with and whatever was changed on the way, and those of a plain run besides. */
#include "../nets.h"

#include "nn/learns.h"
#include "nn/train/glass/glass.h"
#include "nn/train/run/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { EXAMPLES = 23, BATCH = 4, EPOCHS = 4 };

/* What a run learns with. */
typedef struct kind {
    const char *net, *optimizer;
    double lr, momentum;
    int accumulate, patience;
    nb_dtype dtype;
    bool plateau;
} kind;

#define DENSE "6 - 5 tanh - dropout 0.3 - batch_norm - 3 softmax : cross_entropy"
static const kind kinds[] = {
    {"6 - 5 tanh - 3 softmax : cross_entropy", "sgd", 0.3, 0, 1, 0, NB_F32, false},
    {DENSE, "sgd", 0.1, 0.9, 1, 0, NB_F32, false},
    {DENSE, "adam", 0.01, 0, 1, 2, NB_F32, false},
    {DENSE, "adam", 0.01, 0, 3, 0, NB_F64, true},
    {DENSE, "nadam", 0.01, 0, 1, 0, NB_F32, false},
    {DENSE, "adamw", 0.01, 0, 1, 1, NB_F32, true},
    {DENSE, "rmsprop", 0.01, 0, 1, 0, NB_F32, false},
    {DENSE, "adagrad", 0.01, 0, 1, 0, NB_F32, false},
    {DENSE, "adadelta", 1, 0, 2, 0, NB_F32, false},
    {DENSE, "rprop", 0.01, 0, 1, 0, NB_F32, false},
    {DENSE, "quickprop", 0.01, 0, 1, 0, NB_F32, false},
    {"6 - 5 tanh - 3 softmax : cross_entropy", "lbfgs", 0, 0, 1, 0, NB_F64, false},
    {"6 - 5 tanh - 3 softmax : cross_entropy", "cg", 0, 0, 1, 0, NB_F64, false},
    {"6 - 5 tanh - 3 : mse", "lm", 0, 0, 1, 0, NB_F64, false},
    {"6 - reshape 3x2 - lstm 4 last - dropout 0.5 - 3 softmax : cross_entropy", "adam", 0.01, 0, 1,
     0, NB_F32, false},
    {"6 - residual[layer_norm - 6 gelu] - parallel[4 tanh | 4 relu] - 3 softmax : cross_entropy",
     "sgd", 0.05, 0.5, 1, 0, NB_F32, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_optimizer optimizer;
    nb_glass_options options;
    nb_glass *glass;
} lab;

/* Without a glass. */
static void prepare(lab *l, nb_ctx *ctx, const kind *k)
{
    *l = (lab){.ctx = ctx};
    l->set = random_set(ctx, EXAMPLES, 6, 3);
    l->net = net_of(ctx, k->net, k->dtype);
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(k->optimizer));
    if (k->lr > 0) l->optimizer.options.lr = k->lr;
    if (k->momentum > 0) l->optimizer.options.momentum = k->momentum;
    l->options = (nb_glass_options){.train = {.run = {.batch = BATCH,
                                                      .seed = 7,
                                                      .shuffle = true,
                                                      .optimizer = &l->optimizer,
                                                      .valid = l->set,
                                                      .patience = k->patience,
                                                      .accumulate = k->accumulate,
                                                      .pace = {.epochs = EPOCHS}},
                                              .epochs = EPOCHS},
                                    .share = INFINITY};
    if (!k->plateau) return;
    l->options.train.run.pace.schedule.type = nb_schedule_find("plateau");
    nb_option_defaults(nb_schedule_find("plateau")->options, &l->options.train.run.pace.schedule);
    l->options.train.run.pace.schedule.number[0] = 1;
}

static void begin(lab *l, nb_ctx *ctx, const kind *k)
{
    prepare(l, ctx, k);
    l->glass = nb_glass_new(ctx, l->net, l->set, &l->options);
    if (!l->glass) fail_msg("%s", ctx->message);
}

static void end(lab *l)
{
    nb_glass_free(l->ctx, l->glass);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_net_release(l->ctx, l->net);
}

static void ok(lab *l, nb_status status)
{
    if (status != NB_OK) fail_msg("%s", l->ctx->message);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void assert_same_history(const nb_history *p, const nb_history *q)
{
    assert_int_equal(p->epochs, q->epochs);
    assert_int_equal(p->examples, q->examples);
    for (int64_t i = 0; i < p->epochs; i++) {
        assert_true(same_number(p->epoch[i].cost, q->epoch[i].cost));
        assert_true(same_number(p->epoch[i].valid_cost, q->epoch[i].valid_cost));
        assert_true(same_number(p->epoch[i].lr, q->epoch[i].lr));
    }
}

/* Every bit that is not a time. */
static void assert_same(const lab *a, const lab *b)
{
    nb_tensor *p[NB_NET_STATE], *q[NB_NET_STATE];
    nb_net_state(a->net, p);
    nb_net_state(b->net, q);
    for (int i = 0; i < NB_NET_STATE; i++) assert_true(same_bits(a->ctx, p[i], q[i]));
    assert_int_equal(a->optimizer.steps, b->optimizer.steps);
    assert_int_equal(a->optimizer.evaluations, b->optimizer.evaluations);
    assert_int_equal(a->optimizer.slots, b->optimizer.slots);
    for (int i = 0; i < a->optimizer.slots; i++)
        assert_true(same_bits(a->ctx, a->optimizer.slot[i].value, b->optimizer.slot[i].value));
    assert_int_equal(nb_glass_at(a->glass), nb_glass_at(b->glass));
    assert_int_equal(a->glass->trainer->course.best, b->glass->trainer->course.best);
    for (int i = 0; i < NB_NET_STATE && a->glass->trainer->best[0]; i++)
        assert_true(same_bits(a->ctx, a->glass->trainer->best[i], b->glass->trainer->best[i]));
    assert_same_history(&a->glass->trainer->history, &b->glass->trainer->history);
}

/* ---- Plain runs ---- */

/* A trainer's run is net:train's, bit by bit, with its history. */
static void a_run_is_a_plain_run(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        lab l, plain;
        nb_history history = {.epochs = 0};
        begin(&l, ctx, &kinds[i]);
        prepare(&plain, ctx, &kinds[i]);
        ok(&plain, nb_train(ctx, plain.net, plain.set, &plain.options.train, &history));
        ok(&l, nb_glass_run(ctx, l.glass));
        assert_true(same_bits(ctx, l.net->values, plain.net->values));
        assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
        assert_same_history(&l.glass->trainer->history, &history);
        assert_int_equal(l.glass->trainer->history.best, history.best);
        nb_history_free(ctx, &history);
        end(&l);
        end(&plain);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Back and forward ---- */

/* At every step of the run: to the last, back to it, to the last again. */
static void back_and_forward(nb_ctx *ctx, const kind *k, int64_t distance)
{
    lab l, straight;
    begin(&l, ctx, k);
    l.glass->reel.distance = distance;
    int64_t most = nb_glass_epoch_end(l.glass, EPOCHS) - 1, last = 0;
    ok(&l, nb_glass_go(ctx, l.glass, most));
    last = nb_glass_at(l.glass);
    assert_true(last > 0);
    for (int64_t step = 0; step <= last; step++) {
        begin(&straight, ctx, k);
        ok(&straight, nb_glass_go(ctx, straight.glass, step));
        ok(&l, nb_glass_back(ctx, l.glass, last - step));
        assert_same(&l, &straight);
        if (step < last) ok(&straight, nb_glass_go(ctx, straight.glass, last));
        if (step < last) ok(&l, nb_glass_go(ctx, l.glass, last));
        assert_same(&l, &straight);
        end(&straight);
    }
    end(&l);
}

static void back_has_the_bits(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < KINDS; i++)
        for (int64_t distance = 1; distance <= 8; distance *= 8)
            back_and_forward(ctx, &kinds[i], distance);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_a_plain_run),
        cmocka_unit_test(back_has_the_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
