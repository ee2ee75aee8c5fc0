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

/* ---- Changes by hand ---- */

/* One of each, on a network of DENSE. */
enum { CHANGES = 8 };
static void change(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, int which)
{
    nb_layer *layer = net->part[0];
    const nb_tuned tuned = {.neuron = 1, .frozen = true, .factor = 1};
    const int64_t first = 0;
    nb_tuning masks = {.masks = 0};
    nb_tensor *mask;
    switch (which) {
    case 0: /* a weight */
        nb_tensor_set(net->values, &first, 0.25);
        nb_tensor_touch(net->values, "test");
        break;
    case 1: /* all of them */
        assert_int_equal(nb_tensor_fill(ctx, net->values, 0.1), NB_OK);
        break;
    case 2: /* a neuron's activation */
        assert_int_equal(nb_layer_set_activation(ctx, layer, 2, 1, activation_called("relu")),
                         NB_OK);
        break;
    case 3:
        optimizer->options.lr *= 0.5;
        break;
    case 4:
        nb_layer_scale(layer, 0.25);
        break;
    case 5:
        nb_layer_freeze(net->part[2], true);
        break;
    case 6:
        assert_int_equal(nb_layer_tune(ctx, layer, &tuned), NB_OK);
        break;
    default:
        mask = nb_tensor_zeros(ctx, NB_F32, 1, (const int64_t[]){5});
        assert_int_equal(nb_layer_add_mask(ctx, layer, &masks, "b", mask), NB_OK);
        nb_tuning_swap_masks(&layer->tuning, &masks);
        nb_tuning_free(ctx, &masks);
        nb_tensor_release(ctx, mask);
    }
}

/* A trainer alone, changed between the same steps: what a run under glass must come to. */
static void plain_with_changes(lab *l, nb_ctx *ctx, const kind *k, int64_t every, int64_t steps)
{
    double cost;
    prepare(l, ctx, k);
    nb_trainer *t = nb_trainer_new(ctx, l->net, l->set, &l->options.train.run);
    assert_non_null(t);
    for (int64_t i = 0; i < steps; i++) {
        if (i && i % every == 0) change(ctx, l->net, &l->optimizer, (int)(i / every - 1) % CHANGES);
        ok(l, nb_trainer_step(ctx, t, &cost));
        if (nb_trainer_is_whole(t)) ok(l, nb_trainer_end_epoch(ctx, t));
    }
    nb_trainer_free(ctx, t);
}

static void go_with_changes(lab *l, int64_t every, int64_t steps)
{
    for (int64_t i = 0; i < steps; i++) {
        if (i && i % every == 0)
            change(l->ctx, l->net, &l->optimizer, (int)(i / every - 1) % CHANGES);
        ok(l, nb_glass_go(l->ctx, l->glass, i + 1));
    }
}

/* With a change of every kind on the way: as a plain run; then back to every step, from the start
 * and from the end, and to the end again. */
static void changes_are_made_again(void **state)
{
    enum { EVERY = 2, STEPS = 20 };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 1; i <= 3; i++) {
        lab l, plain;
        begin(&l, ctx, &kinds[i]);
        l.glass->reel.distance = i == 1 ? 1 : 6;
        plain_with_changes(&plain, ctx, &kinds[i], EVERY, STEPS);
        go_with_changes(&l, EVERY, STEPS);
        assert_true(same_bits(ctx, l.net->values, plain.net->values));
        assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
        for (int64_t step = 0; step < STEPS; step++) {
            lab part;
            plain_with_changes(&part, ctx, &kinds[i], EVERY, step);
            ok(&l, nb_glass_seek(ctx, l.glass, step));
            /* Where something was changed it is changed. */
            if (step && step % EVERY == 0)
                change(ctx, part.net, &part.optimizer, (int)(step / EVERY - 1) % CHANGES);
            assert_true(same_bits(ctx, l.net->values, part.net->values));
            assert_true(l.optimizer.options.lr == part.optimizer.options.lr);
            assert_int_equal(nb_glass_last(l.glass), STEPS);
            if (step % 3) ok(&l, nb_glass_seek(ctx, l.glass, 0));
            ok(&l, nb_glass_go(ctx, l.glass, STEPS));
            assert_true(same_bits(ctx, l.net->values, plain.net->values));
            assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
            end(&part);
        }
        end(&plain);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Numbers of which nothing is another were not changed, whatever their version says; and what is
 * changed after going back ends what was ahead, from there. */
static void a_change_ends_what_is_ahead(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&l, ctx, &kinds[2]);
    begin(&straight, ctx, &kinds[2]);
    ok(&straight, nb_glass_go(ctx, straight.glass, 12));
    ok(&l, nb_glass_go(ctx, l.glass, 12));
    ok(&l, nb_glass_back(ctx, l.glass, 5));
    nb_tensor_touch(l.net->values, "test");
    ok(&l, nb_glass_look(ctx, l.glass));
    assert_int_equal(nb_glass_last(l.glass), 12);
    assert_int_equal(l.glass->reel.edits, 0);
    change(ctx, l.net, &l.optimizer, 0);
    ok(&l, nb_glass_look(ctx, l.glass));
    assert_int_equal(nb_glass_last(l.glass), 7);
    assert_int_equal(l.glass->reel.edits, 1);
    assert_int_equal(l.glass->reel.edit[0]->net[0].count, 1); /* one number, not all */
    assert_int_equal(nb_glass_seek(ctx, l.glass, 8), NB_EARG);
    ok(&l, nb_glass_go(ctx, l.glass, 12));
    assert_false(same_bits(ctx, l.net->values, straight.net->values));
    /* Without the change it is the same run again. */
    ok(&l, nb_glass_seek(ctx, l.glass, 6));
    change(ctx, l.net, &l.optimizer, 3);
    l.optimizer.options.lr *= 2;
    ok(&l, nb_glass_go(ctx, l.glass, 7));
    change(ctx, l.net, &l.optimizer, 1);
    ok(&l, nb_glass_back(ctx, l.glass, 0));
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* back(0) drops what was done since the run stopped. */
static void back_to_what_was_left(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&l, ctx, &kinds[2]);
    begin(&straight, ctx, &kinds[2]);
    ok(&l, nb_glass_go(ctx, l.glass, 9));
    nb_said *was = nb_said_take(ctx, l.net);
    assert_non_null(was);
    for (int which = 0; which < CHANGES; which++) change(ctx, l.net, &l.optimizer, which);
    ok(&l, nb_glass_back(ctx, l.glass, 0));
    ok(&straight, nb_glass_go(ctx, straight.glass, 9));
    assert_same(&l, &straight);
    assert_true(nb_said_holds(was, l.net));
    nb_said_release(ctx, was);
    ok(&l, nb_glass_go(ctx, l.glass, 14));
    ok(&straight, nb_glass_go(ctx, straight.glass, 14));
    assert_same(&l, &straight);
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Hooks ---- */

typedef struct meddler {
    lab *l;
    int batches, epochs, rates;
    bool gently; /* a few numbers, not all */
} meddler;

static nb_status meddle(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    meddler *m = self;
    const int64_t at = m->batches % 7;
    (void)stop;
    m->batches++;
    if (p->batch % 3) return NB_OK;
    nb_tensor_set(m->l->net->values, &at, 0.125);
    if (!m->gently) return nb_tensor_fill(ctx, m->l->net->values, 0.01 * m->batches);
    nb_tensor_touch(m->l->net->values, "test");
    return NB_OK;
}

static nb_status meddle_at_the_end(nb_ctx *ctx, void *self, const nb_progress *p, bool *stop)
{
    meddler *m = self;
    (void)stop;
    m->epochs++;
    if (p->epoch == 2) nb_layer_freeze(m->l->net->part[0], true);
    if (p->epoch == 3) change(ctx, m->l->net, &m->l->optimizer, 0);
    m->l->optimizer.options.lr *= 0.75;
    return NB_OK;
}

static nb_status rate_of(nb_ctx *ctx, void *self, int64_t epoch, double *factor)
{
    meddler *m = self;
    *factor = 1 / (double)(epoch + m->rates);
    m->rates++;
    if (epoch == 3) change(ctx, m->l->net, &m->l->optimizer, 4);
    return NB_OK;
}

/* What callbacks and schedules change is done again without them; as a plain run with them. */
static void hooks_are_not_called_again(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int gently = 0; gently < 2; gently++) {
        lab l, plain;
        nb_history history = {.epochs = 0};
        meddler mine = {.l = &l, .gently = gently}, other = {.l = &plain, .gently = gently};
        for (int i = 0; i < 2; i++) {
            lab *at = i ? &plain : &l;
            prepare(at, ctx, &kinds[2]);
            at->options.train.run.patience = 3;
            at->options.train.on_batch = meddle;
            at->options.train.on_epoch = meddle_at_the_end;
            at->options.train.run.pace.hook = rate_of;
            at->options.train.run.pace.self = at->options.train.self = i ? &other : &mine;
        }
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        assert_non_null(l.glass);
        l.glass->reel.distance = 7;
        ok(&plain, nb_train(ctx, plain.net, plain.set, &plain.options.train, &history));
        ok(&l, nb_glass_run(ctx, l.glass));
        assert_true(same_bits(ctx, l.net->values, plain.net->values));
        int64_t last = nb_glass_at(l.glass);
        int batches = mine.batches, epochs = mine.epochs, rates = mine.rates;
        assert_int_equal(batches, other.batches);
        for (int64_t step = 0; step <= last; step++) {
            ok(&l, nb_glass_seek(ctx, l.glass, step));
            ok(&l, nb_glass_seek(ctx, l.glass, last));
            assert_true(same_bits(ctx, l.net->values, plain.net->values));
            assert_true(same_bits(ctx, l.net->figures, plain.net->figures));
            assert_same_history(&l.glass->trainer->history, &history);
            assert_int_equal(l.glass->trainer->history.best, history.best);
        }
        assert_int_equal(mine.batches, batches);
        assert_int_equal(mine.epochs, epochs);
        assert_int_equal(mine.rates, rates);
        nb_history_free(ctx, &history);
        end(&plain);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Others ---- */

static void fails(lab *l, nb_status status, const char *says)
{
    assert_int_equal(status, NB_EARG);
    if (!strstr(l->ctx->message, says)) fail_msg("%s", l->ctx->message);
}

static void train_elsewhere(lab *l)
{
    nb_train_options options = l->options.train;
    nb_history history = {.epochs = 0};
    options.epochs = 1;
    ok(l, nb_train(l->ctx, l->net, l->set, &options, &history));
    nb_history_free(l->ctx, &history);
}

/* Said once; then the run goes on from there, and that is on record; or it goes back. */
static void training_elsewhere_is_noticed(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l, straight;
    (void)state;
    begin(&l, ctx, &kinds[2]);
    begin(&straight, ctx, &kinds[2]);
    ok(&straight, nb_glass_go(ctx, straight.glass, 8));
    ok(&l, nb_glass_go(ctx, l.glass, 8));
    train_elsewhere(&l);
    fails(&l, nb_glass_go(ctx, l.glass, 9), "learned elsewhere since this run stopped at step 8");
    ok(&l, nb_glass_back(ctx, l.glass, 0));
    assert_same(&l, &straight);
    train_elsewhere(&l);
    /* A change by hand besides hides nothing. */
    change(ctx, l.net, &l.optimizer, 0);
    fails(&l, nb_glass_back(ctx, l.glass, 2), "learned elsewhere");
    ok(&l, nb_glass_go(ctx, l.glass, 14));
    nb_tensor *then = nb_tensor_clone(ctx, l.net->values);
    ok(&l, nb_glass_seek(ctx, l.glass, 3));
    ok(&l, nb_glass_go(ctx, l.glass, 14));
    assert_true(same_bits(ctx, l.net->values, then));
    nb_tensor_release(ctx, then);
    end(&straight);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void another_build_is_refused(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, &kinds[0]);
    ok(&l, nb_glass_go(ctx, l.glass, 3));
    assert_int_equal(nb_net_convert(ctx, l.net, NB_F64), NB_OK);
    for (int i = 0; i < 2; i++)
        fails(&l, nb_glass_go(ctx, l.glass, 4), "since step 3: f32 is now f64");
    fails(&l, nb_glass_back(ctx, l.glass, 0), "f32 is now f64");
    fails(&l, nb_glass_seek(ctx, l.glass, 0), "f32 is now f64");
    assert_int_equal(nb_net_convert(ctx, l.net, NB_F32), NB_OK);
    fails(&l, nb_glass_go(ctx, l.glass, 4), "built anew");
    assert_int_equal(nb_net_cut(ctx, l.net, 0, 0, 1), NB_OK);
    fails(&l, nb_glass_go(ctx, l.glass, 4), "layer 1, dense 5 is now layer 1, dense 3");
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void a_changed_set_is_noticed(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    nb_tensor *x;
    (void)state;
    prepare(&l, ctx, &kinds[0]);
    nb_set_release(ctx, l.set);
    l.set = random_set_of(ctx, EXAMPLES, 6, 3, &x);
    l.options.train.run.valid = NULL;
    l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
    assert_non_null(l.glass);
    ok(&l, nb_glass_go(ctx, l.glass, 8));
    nb_tensor_set(x, (const int64_t[]){2, 2}, 3);
    nb_tensor_touch(x, "test");
    fails(&l, nb_glass_go(ctx, l.glass, 9), "numbers of the set were changed since step 8");
    ok(&l, nb_glass_go(ctx, l.glass, 10));
    assert_int_equal(nb_glass_first(l.glass), 8);
    fails(&l, nb_glass_back(ctx, l.glass, 3), "can go back 2 at most");
    ok(&l, nb_glass_back(ctx, l.glass, 2));
    fails(&l, nb_glass_seek(ctx, l.glass, 7), "the record begins at step 8");
    nb_tensor_release(ctx, x);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- Failures ---- */

/* Ctrl-C at the n-th batch, wherever that is learned from. */
typedef struct presser {
    int left;
    volatile sig_atomic_t pressed;
} presser;

static nb_status press(nb_ctx *ctx, void *self, nb_batch *batch)
{
    presser *p = self;
    (void)ctx;
    (void)batch;
    if (p->left > 0 && --p->left == 0) p->pressed = 1;
    return NB_OK;
}

/* Stopped anywhere on its way a journey has not been made; what was changed and not on record yet
 * is there as well. */
static void a_stopped_way_is_none(void **state)
{
    enum { LAST = 15 };
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int changed = 0; changed < 2; changed++)
        for (int n = 1; n < 8; n++) {
            lab l;
            presser p = {.left = 0};
            prepare(&l, ctx, &kinds[2]);
            l.options.train.run.augment = press;
            l.options.train.run.augmenter = &p;
            l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
            l.glass->reel.distance = 8;
            ok(&l, nb_glass_go(ctx, l.glass, LAST));
            if (changed) change(ctx, l.net, &l.optimizer, 0);
            nb_tensor *then = nb_tensor_clone(ctx, l.net->values);
            int64_t steps = l.optimizer.steps;
            p.left = n;
            ctx->interrupt = &p.pressed;
            assert_int_equal(nb_glass_seek(ctx, l.glass, 7), NB_EINTERRUPT);
            ctx->interrupt = NULL;
            assert_int_equal(nb_glass_at(l.glass), LAST);
            assert_true(same_bits(ctx, l.net->values, then));
            assert_int_equal(l.optimizer.steps, steps);
            assert_int_equal(l.glass->trainer->history.epochs, 2);
            ok(&l, nb_glass_seek(ctx, l.glass, 7));
            assert_int_equal(l.glass->reel.edits, changed);
            if (changed) assert_int_equal(l.glass->reel.edit[0]->by, NB_BY_HAND);
            ok(&l, nb_glass_go(ctx, l.glass, LAST));
            assert_true(same_bits(ctx, l.net->values, then));
            nb_tensor_release(ctx, then);
            end(&l);
        }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

typedef nb_status way(nb_ctx *ctx, nb_glass *glass, int64_t n);

static nb_status look(nb_ctx *ctx, nb_glass *g, int64_t n)
{
    (void)n;
    return nb_glass_look(ctx, g);
}

/* With request n failing, for n = 1, 2, …, until it is done: each time nothing has changed. */
static void try_without_memory(lab *l, way *go, int64_t n, uint64_t least)
{
    nb_ctx *ctx = l->ctx;
    nb_memory *memory = &ctx->memory;
    size_t cap = memory->pool_cap;
    nb_tensor *then = nb_tensor_clone(ctx, l->net->values);
    int64_t at = nb_glass_at(l->glass), steps = l->optimizer.steps;
    int64_t epochs = l->glass->trainer->history.epochs;
    nb_pool_trim(ctx);
    memory->pool_cap = 0;
    uint64_t request = 1;
    for (;; request++) {
        size_t live = memory->live;
        memory->fail_at = memory->requests + request;
        nb_status status = go(ctx, l->glass, n);
        bool whole = memory->requests < memory->fail_at;
        memory->fail_at = 0;
        if (status == NB_OK && whole) break;
        if (status == NB_OK) { /* what may be left out: a frame */
            ok(l, nb_glass_seek(ctx, l->glass, at));
            continue;
        }
        assert_int_equal(status, NB_EMEMORY);
        assert_int_equal(nb_glass_at(l->glass), at);
        assert_true(same_bits(ctx, l->net->values, then));
        assert_int_equal(l->optimizer.steps, steps);
        assert_int_equal(l->glass->trainer->history.epochs, epochs);
        assert_true(memory->live <= live);
    }
    memory->pool_cap = cap;
    if (!(request > least)) fail_msg("%d %d", (int)request, (int)least);
    nb_tensor_release(ctx, then);
}

static void without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < 3; i++) {
        lab l, straight;
        begin(&l, ctx, &kinds[i]);
        begin(&straight, ctx, &kinds[i]);
        l.glass->reel.distance = 4;
        go_with_changes(&straight, 3, 11);
        go_with_changes(&l, 3, 9);
        change(ctx, l.net, &l.optimizer, 9 / 3 - 1);
        try_without_memory(&l, look, 0, 2);
        try_without_memory(&l, nb_glass_back, 6, 10);
        try_without_memory(&l, nb_glass_seek, 9, 10);
        try_without_memory(&l, nb_glass_go, 10, 1);
        ok(&l, nb_glass_go(ctx, l.glass, 11));
        assert_same(&l, &straight);
        end(&straight);
        end(&l);
    }
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* A run that cannot begin gives all back. */
static nb_status begin_and_end(nb_ctx *ctx, nb_net *net, void *arg)
{
    lab *l = arg;
    nb_glass *glass = nb_glass_new(ctx, net, l->set, &l->options);
    if (!glass) return ctx->status;
    nb_glass_free(ctx, glass);
    return NB_OK;
}

static void beginning_without_memory(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    prepare(&l, ctx, &kinds[2]);
    ok(&l, begin_and_end(ctx, l.net, &l)); /* the optimizer has its state then */
    sweep(ctx, l.net, begin_and_end, &l);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* ---- The bound ---- */

/* Bytes that frames 0 … n - 1 at distance 1 take. */
static size_t bytes_of(nb_ctx *ctx, int64_t n)
{
    lab l;
    begin(&l, ctx, &kinds[1]);
    ok(&l, nb_glass_go(ctx, l.glass, n - 1));
    size_t bytes = l.glass->reel.bytes;
    assert_int_equal(l.glass->reel.frames, n);
    end(&l);
    return bytes;
}

/* As many frames as the bound holds stand at every step; with one byte less their distance is
 * doubled, and bits are the same. */
static void the_bound_has_two_sides(void **state)
{
    enum { FRAMES = 9 };
    nb_ctx *ctx = nb_ctx_new();
    size_t bytes = bytes_of(ctx, FRAMES);
    lab l, straight;
    (void)state;
    begin(&straight, ctx, &kinds[1]);
    ok(&straight, nb_glass_go(ctx, straight.glass, FRAMES - 1));
    for (size_t less = 0; less < 2; less++) {
        prepare(&l, ctx, &kinds[1]);
        l.options.memory = bytes - less;
        l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
        ok(&l, nb_glass_go(ctx, l.glass, FRAMES - 1));
        assert_int_equal(l.glass->reel.distance, 1 + less);
        assert_int_equal(l.glass->reel.frames, less ? (FRAMES + 1) / 2 : FRAMES);
        assert_true(l.glass->reel.bytes <= bytes - less);
        ok(&l, nb_glass_seek(ctx, l.glass, 3));
        ok(&l, nb_glass_seek(ctx, l.glass, FRAMES - 1));
        assert_same(&l, &straight);
        end(&l);
    }
    end(&straight);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

/* Edits that fill the bound push the beginning on; what is still there is exact. */
static void edits_push_the_beginning_on(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    prepare(&l, ctx, &kinds[1]);
    l.options.memory = bytes_of(ctx, 6);
    l.glass = nb_glass_new(ctx, l.net, l.set, &l.options);
    for (int64_t step = 1; step <= 23; step++) {
        ok(&l, nb_glass_go(ctx, l.glass, step));
        assert_int_equal(nb_tensor_fill(ctx, l.net->values, 0.01 * (double)step), NB_OK);
        ok(&l, nb_glass_look(ctx, l.glass));
        assert_true(l.glass->reel.bytes <= l.options.memory);
    }
    int64_t first = nb_glass_first(l.glass);
    assert_true(first > 0);
    assert_true(first < 23);
    fails(&l, nb_glass_seek(ctx, l.glass, first - 1), "the record begins at step");
    fails(&l, nb_glass_back(ctx, l.glass, 24 - first), "its record begins at step");
    ok(&l, nb_glass_go(ctx, l.glass, 24));
    nb_tensor *then = nb_tensor_clone(ctx, l.net->values);
    for (int64_t step = first; step < 24; step++) {
        ok(&l, nb_glass_seek(ctx, l.glass, step));
        ok(&l, nb_glass_seek(ctx, l.glass, 24));
        assert_true(same_bits(ctx, l.net->values, then));
    }
    nb_tensor_release(ctx, then);
    end(&l);
    assert_int_equal(ctx->memory.live, 0);
    nb_ctx_free(ctx);
}

static void where_there_is_nothing(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    lab l;
    (void)state;
    begin(&l, ctx, &kinds[0]);
    fails(&l, nb_glass_back(ctx, l.glass, 1), "stands at step 0, and it began at step 0");
    ok(&l, nb_glass_go(ctx, l.glass, 5));
    fails(&l, nb_glass_back(ctx, l.glass, 6), "it can go back 5 at most");
    fails(&l, nb_glass_seek(ctx, l.glass, 6), "the run has come to step 5");
    fails(&l, nb_glass_seek(ctx, l.glass, -1), "before the beginning");
    assert_int_equal(nb_glass_at(l.glass), 5);
    end(&l);
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_a_plain_run),
        cmocka_unit_test(back_has_the_bits),
        cmocka_unit_test(changes_are_made_again),
        cmocka_unit_test(a_change_ends_what_is_ahead),
        cmocka_unit_test(back_to_what_was_left),
        cmocka_unit_test(hooks_are_not_called_again),
        cmocka_unit_test(training_elsewhere_is_noticed),
        cmocka_unit_test(another_build_is_refused),
        cmocka_unit_test(a_changed_set_is_noticed),
        cmocka_unit_test(a_stopped_way_is_none),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(beginning_without_memory),
        cmocka_unit_test(the_bound_has_two_sides),
        cmocka_unit_test(edits_push_the_beginning_on),
        cmocka_unit_test(where_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
