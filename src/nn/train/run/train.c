/* The training loop from its beginning to its end. */
#include "nn/train/run/train.h"

static nb_status run(nb_loop *l)
{
    nb_status status = NB_OK;
    l->trainer->unseen = true; /* the loop settles it before its hooks and files, and at its end */
    while (status == NB_OK && nb_loop_goes_on(l)) status = nb_loop_step(l);
    bool whole = status == NB_OK;
    /* A run that goes on later does so from where it was, not from its best epoch. */
    status = nb_loop_end(l, status);
    if (whole) nb_trainer_take_best(l->trainer);
    return status;
}

nb_status nb_train(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_train_options *options,
                   nb_history *history)
{
    if (options->epochs < 1)
        return nb_fail(ctx, NB_EARG, "epochs must be at least 1, not %lld",
                       (long long)options->epochs);
    nb_trainer_options own = options->run;
    own.keep_grads = own.keep_grads || options->on_batch;
    nb_loop l = {.options = options};
    bool resumed;
    l.trainer = nb_trainer_new(ctx, net, set, &own);
    if (!l.trainer) return ctx->status;
    nb_status status = nb_loop_begin(ctx, &l, &resumed);
    if (status == NB_OK) status = run(&l);
    nb_history_free(ctx, history);
    *history = l.trainer->history;
    history->resumed = resumed;
    history->seconds = nb_trainer_seconds(l.trainer);
    history->converged = nb_optimizer_done(l.trainer->optimizer);
    history->stopped = status == NB_OK ? 0 : l.epoch;
    l.trainer->history = (nb_history){.epochs = 0};
    nb_trainer_free(ctx, l.trainer);
    return status;
}
