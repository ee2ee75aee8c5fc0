/* See padding.h. All by ops, so that the tape goes through: the rows that are taken several times
 * gather gradients that are 0. */
#include "nn/net/padding.h"

#include "grad/held.h"

static bool has_function(const nb_layer *layer)
{
    const nb_runs *runs = layer->plan->runs;
    if (layer->host) return true;
    for (int64_t k = 0; runs && k < runs->count; k++)
        if (runs->run[k].activation.type->host) return true;
    return false;
}

static bool works_on_each_step(const nb_layer *layer)
{
    const nb_layer_type *type = layer->type;
    return type->streaming == NB_STREAM_EACH && !(type->whole && type->whole(layer));
}

/* For each step of all examples its row among the real ones, from 1; of padding that of the last
 * real step. */
static nb_tensor *rows_of(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *lengths)
{
    int64_t T = x->shape[1], count = x->shape[0] * T, first = 1;
    const int32_t *length = nb_tensor_data(lengths);
    nb_tensor *index = nb_tensor_new(ctx, NB_I32, 1, &count);
    int32_t *to = index ? nb_tensor_data(index) : NULL;
    for (int64_t i = 0; to && i < x->shape[0]; first += length[i++])
        for (int64_t t = 0; t < T; t++)
            *to++ = (int32_t)(first + (t < length[i] ? t : length[i] - 1));
    return index;
}

/* x (n, T, …) with the last real step in place of padding. */
static nb_tensor *repeat_last(nb_ctx *ctx, nb_tensor *x, nb_tensor *lengths)
{
    nb_held h = {.ctx = ctx};
    nb_tensor *real = nb_held2(&h, NB_OP_pack_steps, x, lengths);
    nb_tensor *index = real ? nb_hold(&h, rows_of(ctx, x, lengths)) : NULL;
    nb_tensor *rows = index ? nb_held_rows(&h, real, index) : NULL;
    nb_tensor *out = rows ? nb_held_shape(&h, rows, x->dims, x->shape) : NULL;
    nb_tensor_retain(out);
    nb_held_free(&h);
    return out;
}

nb_tensor *nb_padding_in(nb_ctx *ctx, const nb_layer *layer, nb_tensor *x, nb_tensor *lengths)
{
    if (!lengths || !nb_dtype_computes(x->dtype) || !has_function(layer))
        return nb_tensor_retain(x);
    if (works_on_each_step(layer)) return repeat_last(ctx, x, lengths);
    return nb_op2(ctx, NB_OP_mask_steps, x, lengths);
}

nb_tensor *nb_padding_out(nb_ctx *ctx, const nb_layer *layer, nb_tensor *out, nb_tensor *lengths)
{
    if (!lengths || !layer->host || works_on_each_step(layer)) return nb_tensor_retain(out);
    return nb_op2(ctx, NB_OP_mask_steps, out, lengths);
}
