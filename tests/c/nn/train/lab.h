/* What the tests of trainers share: runs of several kinds, as far as they have come. */
#ifndef LAB_H
#define LAB_H

#include "../nets.h"

#include "base/workers.h"
#include "nn/train/run/snapshot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { EXAMPLES = 23, BATCH = 4, BATCHES = 6, EPOCHS = 3, STEPS = EPOCHS * BATCHES, KINDS = 4 };

/* A run on a small set whose last batch is short. Filled where it stays: the trainer borrows the
 * optimizer. */
typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_tensor *x; /* that the set reads */
    nb_optimizer optimizer;
    nb_trainer_options options;
    nb_trainer *trainer;
} lab;

static inline void begin(lab *l, nb_ctx *ctx, int kind)
{
    *l = (lab){.ctx = ctx};
    l->set = random_set_of(ctx, EXAMPLES, 6, 3, &l->x);
    l->net = net_of(ctx, "6 - 5 tanh - 3 softmax : cross_entropy", NB_F32);
    nb_optimizer_init(&l->optimizer, nb_optimizer_find(kind == 2 ? "adam" : "sgd"));
    l->optimizer.options.lr = kind == 2 ? 0.01 : 0.3;
    l->optimizer.options.momentum = kind == 1 ? 0.9 : 0;
    l->options = (nb_trainer_options){
        .batch = BATCH, .seed = 7, .shuffle = true, .optimizer = &l->optimizer, .test = l->set};
    l->options.flow = kind >= 2;
    if (kind == 3) {
        l->options.valid = l->set;
        l->options.patience = 2;
    }
    l->trainer = nb_trainer_new(ctx, l->net, l->set, &l->options);
    assert_non_null(l->trainer);
}

static inline void end(lab *l)
{
    nb_trainer_free(l->ctx, l->trainer);
    nb_optimizer_free(l->ctx, &l->optimizer);
    nb_set_release(l->ctx, l->set);
    nb_tensor_release(l->ctx, l->x);
    nb_net_release(l->ctx, l->net);
}

static inline void go(lab *l, int steps)
{
    double cost;
    for (int i = 0; i < steps; i++)
        if (nb_trainer_step(l->ctx, l->trainer, &cost) != NB_OK) fail_msg("%s", l->ctx->message);
}

/* To the end of the last epoch. */
static inline void finish(lab *l)
{
    go(l, STEPS - (int)l->trainer->course.steps);
    assert_int_equal(nb_trainer_end_epoch(l->ctx, l->trainer), NB_OK);
}

static inline bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static inline void assert_same_course(const nb_course *a, const nb_course *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->seed, b->seed);
    assert_int_equal(a->shuffle, b->shuffle);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->batch, b->batch);
    assert_int_equal(a->examples, b->examples);
    assert_int_equal(a->steps, b->steps);
    assert_true(a->sum == b->sum);
    assert_int_equal(a->best, b->best);
}

/* The places whose flow the history keeps: of the two layers, where it is asked. */
static inline int flow_places(const lab *l)
{
    return l->options.flow ? 2 : 0;
}

/* Every bit that is not a time. */
static inline void assert_same(const lab *a, const lab *b)
{
    const nb_history *p = &a->trainer->history, *q = &b->trainer->history;
    assert_true(same_bits(a->ctx, a->net->values, b->net->values));
    assert_same_course(&a->trainer->course, &b->trainer->course);
    assert_int_equal(a->optimizer.steps, b->optimizer.steps);
    assert_int_equal(a->optimizer.slots, b->optimizer.slots);
    for (int i = 0; i < a->optimizer.slots; i++)
        assert_true(same_bits(a->ctx, a->optimizer.slot[i].value, b->optimizer.slot[i].value));
    assert_int_equal(a->trainer->best[0] != NULL, b->trainer->best[0] != NULL);
    for (int i = 0; i < NB_NET_STATE && a->trainer->best[0]; i++)
        assert_true(same_bits(a->ctx, a->trainer->best[i], b->trainer->best[i]));
    assert_int_equal(p->epochs, q->epochs);
    assert_int_equal(p->examples, q->examples);
    for (int64_t i = 0; i < p->epochs; i++) {
        assert_true(same_number(p->epoch[i].cost, q->epoch[i].cost));
        assert_true(same_number(p->epoch[i].test_cost, q->epoch[i].test_cost));
        assert_true(same_number(p->epoch[i].accuracy, q->epoch[i].accuracy));
        assert_true(same_number(p->epoch[i].valid_cost, q->epoch[i].valid_cost));
        assert_true(same_number(p->epoch[i].valid_accuracy, q->epoch[i].valid_accuracy));
    }
    int64_t figures = p->epochs * p->flow.places * NB_FLOW_FIGURES;
    assert_int_equal(p->flow.places, q->flow.places);
    assert_int_equal(p->flow.places, flow_places(a));
    for (int64_t i = 0; i < figures; i++)
        assert_true(same_number(p->flow.number[i], q->flow.number[i]));
}

#endif
