/* Snapshots of a run: copies of all that it changes, and back. */
#include "nn/train/run/snapshot.h"

#include "base/clock.h"
#include "base/memory.h"

#include <string.h>

void nb_snapshot_free(nb_ctx *ctx, nb_snapshot *s)
{
    if (!s) return;
    nb_net_drop(ctx, s->net);
    nb_net_drop(ctx, s->best);
    nb_optimizer_free(ctx, &s->optimizer);
    nb_history_free(ctx, &s->history);
    nb_free(ctx, s, sizeof *s);
}

/* Copies of copies; nothing of nothing. On failure there are none. */
static nb_status copy_kept(nb_ctx *ctx, nb_tensor *const from[NB_NET_STATE],
                           nb_tensor *to[NB_NET_STATE])
{
    memset(to, 0, NB_NET_STATE * sizeof *to);
    for (int i = 0; i < NB_NET_STATE && from[i]; i++) {
        to[i] = nb_tensor_clone(ctx, from[i]);
        if (to[i]) continue;
        nb_net_drop(ctx, to);
        return ctx->status;
    }
    return NB_OK;
}

nb_snapshot *nb_snapshot_new(nb_ctx *ctx)
{
    return nb_alloc_zero(ctx, 1, sizeof(nb_snapshot));
}

nb_snapshot *nb_trainer_save(nb_ctx *ctx, const nb_trainer *t)
{
    nb_snapshot *s = nb_snapshot_new(ctx);
    if (!s) return NULL;
    s->course = t->course;
    nb_status status = nb_net_keep(ctx, t->net, s->net);
    if (status == NB_OK) status = copy_kept(ctx, t->best, s->best);
    if (status == NB_OK) status = nb_optimizer_copy(ctx, &s->optimizer, t->optimizer);
    if (status == NB_OK) status = nb_history_copy(ctx, &s->history, &t->history);
    s->history.seconds = nb_trainer_seconds(t);
    if (status == NB_OK) return s;
    nb_snapshot_free(ctx, s);
    return NULL;
}

static nb_status check_snapshot(nb_ctx *ctx, const nb_trainer *t, const nb_snapshot *s)
{
    const char *was = s->optimizer.type->name, *is = t->optimizer->type->name;
    if (s->optimizer.type != t->optimizer->type)
        return nb_fail(ctx, NB_EARG, "this is a snapshot of a run with %s; this one has %s", was,
                       is);
    if (s->course.count != t->course.count)
        return nb_fail(ctx, NB_EARG,
                       "this is a snapshot of a run on %lld examples; this one has %lld",
                       (long long)s->course.count, (long long)t->course.count);
    return nb_net_check_kept(ctx, t->net, s->net);
}

/* What a trainer takes over from a snapshot, copied before anything changes. */
typedef struct copies {
    nb_tensor *best[NB_NET_STATE];
    nb_optimizer optimizer;
    nb_history history;
} copies;

static nb_status make_copies(nb_ctx *ctx, const nb_snapshot *s, copies *c)
{
    nb_status status = copy_kept(ctx, s->best, c->best);
    if (status != NB_OK) return status;
    status = nb_optimizer_copy(ctx, &c->optimizer, &s->optimizer);
    if (status == NB_OK) {
        status = nb_history_copy(ctx, &c->history, &s->history);
        if (status != NB_OK) nb_optimizer_free(ctx, &c->optimizer);
    }
    if (status != NB_OK) nb_net_drop(ctx, c->best);
    return status;
}

nb_status nb_trainer_restore(nb_ctx *ctx, nb_trainer *t, const nb_snapshot *s)
{
    copies c;
    nb_status status = check_snapshot(ctx, t, s);
    if (status == NB_OK) status = make_copies(ctx, s, &c);
    if (status != NB_OK) return status;
    nb_net_put_back(t->net, s->net);
    nb_net_drop(ctx, t->best);
    memcpy(t->best, c.best, sizeof t->best);
    nb_optimizer_free(ctx, t->optimizer);
    *t->optimizer = c.optimizer;
    nb_history_free(ctx, &t->history);
    t->history = c.history;
    t->course = s->course;
    t->history.pieces = t->course.pieces;
    /* Of a run that kept none, patience begins now. */
    if (t->patience && !t->best[0]) t->course.best = t->history.epochs;
    t->ordered = t->factored = 0;
    t->began = nb_clock();
    return NB_OK;
}
