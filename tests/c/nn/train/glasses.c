/* Labs for runs under glass. */
#include "glasses.h"

#include "nn/learns.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define DENSE "6 - 5 tanh - dropout 0.3 - batch_norm - 3 softmax : cross_entropy"
const kind kinds[] = {
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
const int kinds_count = sizeof kinds / sizeof *kinds;

void prepare(lab *l, nb_ctx *ctx, const kind *k)
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

void begin(lab *l, nb_ctx *ctx, const kind *k)
{
    prepare(l, ctx, k);
    l->glass = nb_glass_new(ctx, l->net, l->set, &l->options);
    if (!l->glass) fail_msg("%s", ctx->message);
}

void end(lab *l)
{
    nb_glass_free(l->ctx, l->glass);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_net_release(l->ctx, l->net);
}

void ok(lab *l, nb_status status)
{
    if (status != NB_OK) fail_msg("%s", l->ctx->message);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

void assert_same_history(const nb_history *p, const nb_history *q)
{
    assert_int_equal(p->epochs, q->epochs);
    assert_int_equal(p->examples, q->examples);
    for (int64_t i = 0; i < p->epochs; i++) {
        assert_true(same_number(p->epoch[i].cost, q->epoch[i].cost));
        assert_true(same_number(p->epoch[i].valid_cost, q->epoch[i].valid_cost));
        assert_true(same_number(p->epoch[i].lr, q->epoch[i].lr));
    }
}

void assert_same(const lab *a, const lab *b)
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

/* One of each, on a network of DENSE. */
void change(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, int which)
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

void fails(lab *l, nb_status status, const char *says)
{
    assert_int_equal(status, NB_EARG);
    if (!strstr(l->ctx->message, says)) fail_msg("%s", l->ctx->message);
}

void go_with_changes(lab *l, int64_t every, int64_t steps)
{
    for (int64_t i = 0; i < steps; i++) {
        if (i && i % every == 0)
            change(l->ctx, l->net, &l->optimizer, (int)(i / every - 1) % CHANGES);
        ok(l, nb_glass_go(l->ctx, l->glass, i + 1));
    }
}
