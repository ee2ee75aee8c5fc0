/* An observer of the walk that asks attention where it looks. */
#include "nn/inspect/looks.h"

#include "base/memory.h"
#include "nn/layers/attention.h"

void nb_looks_free(nb_ctx *ctx, nb_looks *looks)
{
    for (int i = 0; i < looks->places; i++) nb_tensor_release(ctx, looks->shares[i]);
    nb_free(ctx, looks->shares, (size_t)looks->places * sizeof *looks->shares);
    *looks = (nb_looks){.places = 0};
}

static nb_status see(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *x)
{
    nb_looks *looks = self;
    if (layer->type != nb_layer_types[NB_LAYER_attention]) return NB_OK;
    nb_tensor **at = &looks->shares[walk->place];
    *at = nb_attention_shares(walk, layer, x);
    looks->count += *at != NULL;
    return *at ? NB_OK : walk->ctx->status;
}

nb_status nb_looks_find(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *lengths, nb_looks *looks)
{
    const nb_observer observer = {.in = see, .self = looks};
    const nb_mode mode = {.lengths = lengths};
    nb_result result;
    int places = net->layer.plan->places - 1; /* without the network's own */
    looks->shares = nb_alloc_zero(ctx, (size_t)places, sizeof *looks->shares);
    if (!looks->shares) return ctx->status;
    looks->places = places;
    nb_status status = nb_net_run(ctx, net, x, NULL, &mode, &observer, &result);
    if (status == NB_OK) nb_result_free(ctx, &result);
    if (status == NB_OK && !looks->count)
        status = nb_fail(ctx, NB_EARG, "this network has no attention");
    if (status != NB_OK) nb_looks_free(ctx, looks);
    return status;
}

nb_status nb_looks_single(nb_ctx *ctx, nb_looks *looks)
{
    for (int i = 0; i < looks->places; i++) {
        nb_tensor *one = looks->shares[i] ? nb_tensor_select(ctx, looks->shares[i], 0, 0) : NULL;
        if (looks->shares[i] && !one) return ctx->status;
        nb_tensor_release(ctx, looks->shares[i]);
        looks->shares[i] = one;
    }
    return NB_OK;
}
