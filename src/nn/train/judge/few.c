/* See few.h. */
#include "nn/train/judge/few.h"

#include "kernel/kernel.h"
#include "nn/net/first.h"

static double share_most(int64_t neurons)
{
    return neurons < NB_FEW_WIDE ? NB_FEW_SHARE : NB_FEW_SHARE_WIDE;
}

/* w of the layer, or NULL: the set's rows are no matter for it. */
static const nb_param *weight_for(const nb_net *net, const nb_set *set)
{
    const nb_layer *layer = nb_rows_layer(net);
    if (!nb_set_is_thin(set) || !layer || !nb_rows_taken(net, layer)) return NULL;
    const nb_param *w = nb_rows_weight(layer);
    int64_t least = w->shape[0] < NB_FEW_WIDE ? NB_FEW_EXAMPLES : NB_FEW_EXAMPLES_WIDE;
    bool fits = w->shape[1] >= NB_FEW_INPUTS && w->shape[1] == nb_feed_width(set->x);
    return fits && set->count >= least && nb_rows_finite(net, layer) ? w : NULL;
}

/* w (neurons, inputs) as rows of whole vectors, each an input's. */
static nb_tensor *turned(nb_ctx *ctx, const nb_param *w)
{
    const nb_kernels *kernels = nb_kernels_get();
    nb_dtype dtype = w->value->dtype;
    int64_t neurons = w->shape[0], inputs = w->shape[1];
    int64_t width = (int64_t)kernels->thin[dtype]->width;
    const int64_t shape[] = {inputs, (neurons + width - 1) / width * width};
    nb_tensor *out = nb_tensor_zeros(ctx, dtype, 2, shape);
    if (out)
        kernels->copy_matrix(nb_dtype_size(dtype), (size_t)inputs, (size_t)neurons,
                             nb_tensor_data(w->value), 1, inputs, nb_tensor_data(out), shape[1], 1);
    return out;
}

nb_status nb_few_begin(nb_ctx *ctx, nb_few *few, const nb_net *net, const nb_set *set)
{
    const nb_param *w = weight_for(net, set);
    double share = 1;
    *few = (nb_few){.net = net};
    if (!w) return NB_OK;
    nb_status status = nb_set_share(ctx, set, &share);
    if (status != NB_OK || share >= share_most(w->shape[0])) return status;
    few->w = turned(ctx, w);
    if (!few->w) return ctx->status;
    few->given = (nb_thinned){.rows = {.dtype = net->dtype, .columns = w->shape[1]},
                              .turned = true,
                              .start = w->value->offset,
                              .neurons = w->shape[0],
                              .inputs = w->shape[1],
                              .w = nb_tensor_data(few->w),
                              .ld = few->w->shape[1]};
    nb_rows_shape(net, &few->given);
    return NB_OK;
}

nb_status nb_few_gather(nb_ctx *ctx, nb_few *few, const nb_set *set, int64_t start, int64_t n,
                        nb_tensor *y, nb_batch *batch)
{
    nb_thin *rows = &few->given.rows;
    *batch = (nb_batch){.x = NULL};
    nb_status status = nb_set_gather_thin(ctx, set, NULL, start, n, 0, rows);
    nb_tensor *x = status == NB_OK ? nb_thinned_tensor(ctx, &few->given) : NULL;
    status = x ? nb_batch_gather(ctx, set, NULL, start, n, 0, NULL, y, batch) : ctx->status;
    if (status == NB_OK)
        batch->x = x;
    else
        nb_tensor_release(ctx, x);
    return status;
}

void nb_few_end(nb_ctx *ctx, nb_few *few)
{
    nb_thin_free(ctx, &few->given.rows);
    nb_tensor_release(ctx, few->w);
    few->w = NULL;
}
