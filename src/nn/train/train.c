/* The training loop: a trainer's steps, epoch by epoch, and the hooks after them. */
#include "nn/train/train.h"

#include <math.h>

typedef struct loop {
    nb_ctx *ctx;
    nb_trainer *trainer;
    const nb_train_options *options;
    int64_t epoch; /* under way: until its last hook has returned */
    bool stop;
} loop;

static nb_progress progress_of(const loop *l)
{
    const nb_trainer *t = l->trainer;
    const nb_course *at = &t->course;
    nb_progress p = {.epoch = at->epoch,
                     .epochs = l->options->epochs,
                     .batch = at->batch,
                     .batches = (at->count + at->size - 1) / at->size,
                     .examples = at->examples,
                     .cost = nb_course_cost(at),
                     .accuracy = NAN,
                     .test_cost = NAN,
                     .valid_accuracy = NAN,
                     .valid_cost = NAN,
                     .seconds = nb_trainer_seconds(t),
                     .lr = t->optimizer->options.lr};
    p.rate = (double)t->history.examples / fmax(p.seconds, 1e-9);
    return p;
}

/* Whoever shows progress is told first and has no say. */
static nb_status report(loop *l, const nb_progress *p, nb_train_hook *hook, double cost)
{
    bool ignored = false;
    if (l->options->on_progress) l->options->on_progress(l->ctx, l->options->self, p, &ignored);
    if (!hook) return NB_OK;
    nb_progress own = *p;
    own.cost = cost;
    return hook(l->ctx, l->options->self, &own, &l->stop);
}

static nb_status run_batch(loop *l)
{
    double cost;
    nb_status status = nb_trainer_step(l->ctx, l->trainer, &cost);
    if (status != NB_OK) return status;
    nb_progress p = progress_of(l);
    return report(l, &p, l->options->on_batch, cost);
}

static nb_status end_epoch(loop *l)
{
    nb_status status = nb_trainer_end_epoch(l->ctx, l->trainer);
    if (status != NB_OK) return status;
    const nb_history *history = &l->trainer->history;
    const nb_epoch *last = &history->epoch[history->epochs - 1];
    nb_progress p = progress_of(l);
    p.batch = 0;
    p.accuracy = last->accuracy;
    p.test_cost = last->test_cost;
    p.valid_accuracy = last->valid_accuracy;
    p.valid_cost = last->valid_cost;
    return report(l, &p, l->options->on_epoch, last->cost);
}

static nb_status run_epoch(loop *l)
{
    nb_status status;
    l->epoch = l->trainer->history.epochs + 1;
    do status = run_batch(l);
    while (status == NB_OK && !l->stop && !nb_trainer_is_whole(l->trainer));
    return status == NB_OK && nb_trainer_is_whole(l->trainer) ? end_epoch(l) : status;
}

static bool goes_on(const loop *l)
{
    return !l->stop && l->trainer->history.epochs < l->options->epochs &&
           !nb_trainer_is_done(l->trainer);
}

nb_status nb_train(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_train_options *options,
                   nb_history *history)
{
    if (options->epochs < 1)
        return nb_fail(ctx, NB_EARG, "epochs must be at least 1, not %lld",
                       (long long)options->epochs);
    nb_trainer_options run = options->run;
    run.keep_grads = run.keep_grads || options->on_batch;
    loop l = {.ctx = ctx, .options = options};
    l.trainer = nb_trainer_new(ctx, net, set, &run);
    if (!l.trainer) return ctx->status;
    nb_status status = NB_OK;
    while (status == NB_OK && goes_on(&l)) status = run_epoch(&l);
    if (status == NB_OK) nb_trainer_take_best(l.trainer);
    nb_history_free(ctx, history);
    *history = l.trainer->history;
    history->seconds = nb_trainer_seconds(l.trainer);
    history->stopped = status == NB_OK ? 0 : l.epoch;
    l.trainer->history = (nb_history){.epochs = 0};
    nb_trainer_free(ctx, l.trainer);
    return status;
}
