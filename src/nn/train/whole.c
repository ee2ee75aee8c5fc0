/* The cost of a whole set and its gradient, piece by piece. */
#include "nn/train/whole.h"

#include "base/arith.h"
#include "kernel/kernel.h"
#include "nn/train/judge/evaluate.h"

#include <math.h>
#include <string.h>

int64_t nb_whole_count(const nb_whole *whole)
{
    return whole->set ? whole->set->count : whole->x->shape[0];
}

int64_t nb_whole_size(const nb_whole *whole)
{
    if (whole->set) return nb_portion_size(whole->net, whole->set);
    return whole->size ? whole->size : whole->x->shape[0];
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

void nb_portion_free(nb_ctx *ctx, nb_portion *piece)
{
    nb_batch_free(ctx, &piece->batch);
    nb_tensor_release(ctx, piece->weights);
    piece->weights = NULL;
}

static nb_status narrow(nb_ctx *ctx, nb_tensor *from, int64_t start, int64_t n, nb_tensor **to)
{
    if (!from) return NB_OK;
    bool all = start == 0 && n == from->shape[0];
    *to = all ? nb_tensor_retain(from) : nb_tensor_narrow(ctx, from, 0, start, n, 1);
    return *to ? NB_OK : ctx->status;
}

/* Rows of the examples' x, which may stand for lists of non-zeros. */
static nb_status narrow_rows(nb_ctx *ctx, nb_tensor *x, int64_t start, int64_t n, nb_portion *piece)
{
    const nb_thinned *given = x ? nb_thinned_of(x) : NULL;
    if (!given || n == x->shape[0]) return narrow(ctx, x, start, n, &piece->batch.x);
    piece->given = nb_thinned_part(given, start, n);
    piece->batch.x = nb_thinned_tensor(ctx, &piece->given);
    return piece->batch.x ? NB_OK : ctx->status;
}

static nb_status take_prepared(nb_ctx *ctx, const nb_whole *whole, int64_t start, int64_t n,
                               nb_portion *piece)
{
    nb_status status = narrow_rows(ctx, whole->x, start, n, piece);
    if (status == NB_OK) status = narrow(ctx, whole->y, start, n, &piece->batch.y);
    if (status == NB_OK) status = narrow(ctx, whole->lengths, start, n, &piece->batch.lengths);
    if (status == NB_OK) status = narrow(ctx, whole->each, start, n, &piece->weights);
    return status;
}

static nb_status take_set(nb_ctx *ctx, const nb_whole *whole, int64_t start, int64_t n,
                          nb_portion *piece)
{
    nb_tensor *x, *y;
    const int32_t *order = whole->order ? whole->order + start : NULL;
    int64_t first = order ? 0 : start;
    nb_status status = nb_batch_new(ctx, whole->net, whole->set, n, &x, &y);
    if (status != NB_OK) return status;
    status = nb_batch_gather(ctx, whole->set, order, first, n, 0, x, y, &piece->batch);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    if (status != NB_OK || !whole->weights) return status;
    if (!order)
        return nb_weights_of_rows(ctx, whole->weights, whole->net, whole->set, start, &piece->batch,
                                  &piece->weights);
    return nb_weights_gather(ctx, whole->weights, whole->net, whole->set, order, &piece->batch,
                             &piece->weights);
}

nb_status nb_whole_take(nb_ctx *ctx, const nb_whole *whole, int64_t start, int64_t n,
                        nb_portion *piece)
{
    *piece = (nb_portion){.weight = 0};
    nb_status status = whole->set ? take_set(ctx, whole, start, n, piece)
                                  : take_prepared(ctx, whole, start, n, piece);
    if (status == NB_OK)
        piece->weight = nb_batch_weight(whole->net, &piece->batch, piece->weights);
    else
        nb_portion_free(ctx, piece);
    return status;
}

nb_status nb_whole_each(nb_ctx *ctx, const nb_whole *whole, nb_portion_fn *fn, void *self)
{
    int64_t end = whole->end ? whole->end : nb_whole_count(whole), most = nb_whole_size(whole);
    nb_status status = NB_OK;
    for (int64_t i = whole->first; i < end && status == NB_OK; i += most) {
        nb_portion piece;
        status = nb_whole_take(ctx, whole, i, nb_least_i64(end - i, most), &piece);
        if (status != NB_OK) break;
        status = fn(ctx, whole, &piece, self);
        nb_portion_free(ctx, &piece);
    }
    return status;
}

/* ---- Cost and gradient ----------------------------------------------------------------------- */

nb_status nb_whole_check(nb_ctx *ctx, const nb_net *net, const char *who)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_layer *layer = net->part[i];
        const nb_layer_type *type = layer->type;
        if (type->draws)
            return nb_fail(ctx, NB_EARG,
                           "%s draws anew at every pass; %s needs a cost that stays the same: take "
                           "it out, or learn by adam or sgd",
                           layer->plan->where, who);
        if (type->normalises)
            return nb_fail(ctx, NB_EARG,
                           "%s takes its figures from the batch; %s works on the whole set: take "
                           "layer_norm, or learn by adam or sgd",
                           layer->plan->where, who);
    }
    return NB_OK;
}

/* Adds a piece's part of the sums. */
static nb_status add(nb_ctx *ctx, const nb_whole *whole, int64_t start, int64_t n, double *cost,
                     double *weight)
{
    nb_net *net = whole->net;
    nb_portion piece;
    double own;
    nb_status status = nb_whole_take(ctx, whole, start, n, &piece);
    if (status != NB_OK) return status;
    nb_mode mode = *whole->mode;
    mode.lengths = piece.batch.lengths;
    mode.weights = piece.weights;
    mode.rows = (nb_numbering){whole->order, start};
    const nb_sink sink = {
        .from = net->whole->storage, .into = net->home->grads, .alpha = piece.weight, .beta = 1};
    if (piece.weight > 0)
        status = nb_net_learn(ctx, net, piece.batch.x, piece.batch.y, &mode, &sink, &own);
    if (status == NB_OK && piece.weight > 0) {
        *cost += own * piece.weight;
        *weight += piece.weight;
    }
    nb_portion_free(ctx, &piece);
    return status;
}

nb_status nb_whole_evaluate(nb_ctx *ctx, const nb_whole *whole, double *cost)
{
    int64_t count = nb_whole_count(whole), most = nb_whole_size(whole);
    nb_tensor *grads = whole->net->home->grads;
    size_t n = (size_t)nb_tensor_count(grads);
    double sum = 0, weight = 0;
    nb_status status = NB_OK;
    nb_home_clear(whole->net->home);
    for (int64_t i = 0; i < count && status == NB_OK; i += most)
        status = add(ctx, whole, i, nb_least_i64(count - i, most), &sum, &weight);
    if (status != NB_OK) return status;
    const nb_real_kernels *real = nb_real(grads->dtype);
    real->unary[NB_U_scale](n, nb_tensor_data(grads), 1, nb_tensor_data(grads), 1, 1 / weight, 0);
    *cost = sum / weight;
    if (real->finite(n, nb_tensor_data(grads)) && isfinite(*cost)) return NB_OK;
    return nb_fail(ctx, NB_EVALUE, "the gradient is not finite");
}

/* ---- Where a cost that is not finite began ----------------------------------------------------
 */

/* self: how many examples came before. */
static nb_status look(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, void *self)
{
    int64_t *before = self;
    nb_result pass;
    nb_mode mode = *whole->mode;
    mode.lengths = piece->batch.lengths;
    mode.weights = piece->weights;
    mode.rows = (nb_numbering){whole->order, *before};
    const nb_inquiry ask = {.net = whole->net,
                            .x = piece->batch.x,
                            .y = piece->batch.y,
                            .mode = &mode,
                            .draws = ctx->draws};
    nb_status status = nb_net_run(ctx, whole->net, ask.x, ask.y, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    double cost = nb_tensor_item(pass.cost);
    nb_result_free(ctx, &pass);
    *before += ask.x->shape[0];
    return isfinite(cost) || piece->weight == 0
               ? NB_OK
               : nb_net_explain(ctx, &ask, nb_net_bad_cost(ctx, cost));
}

nb_status nb_whole_explain(nb_ctx *ctx, const nb_whole *whole)
{
    int64_t before = whole->first;
    return nb_whole_each(ctx, whole, look, &before);
}
