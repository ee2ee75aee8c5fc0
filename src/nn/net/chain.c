/* Dense layers in a row: which, and what is kept for them. */
#include "nn/net/chain.h"

#include <string.h>

/* What the op does behind a layer's z; NULL: its activations are no kernels. */
static nb_shared *kernels_of(const nb_layer *layer)
{
    const nb_runs *runs = layer->plan->runs;
    return runs->kernels ? &runs->kernels->head : NULL;
}

int nb_chain_length(nb_layer *const *child, int left)
{
    const nb_layer_type *dense = nb_layer_types[NB_LAYER_dense];
    int most = left < NB_CHAIN_LAYERS ? left : NB_CHAIN_LAYERS, count = 0;
    while (count < most && child[count]->type == dense)
        if (!kernels_of(child[count++])) break;
    return count;
}

static bool is_for(const nb_chain *chain, nb_layer *const *child, int count)
{
    bool same = chain->layers == count;
    for (int i = 0; i < count && same; i++) same = chain->runs[i] == kernels_of(child[i]);
    return same;
}

/* The chain of these layers as they are now, kept with the first; a reference. */
static nb_shared *chain_of(nb_ctx *ctx, nb_layer *const *child, int count)
{
    nb_shared **kept = &child[0]->plan->chain, *runs[NB_CHAIN_LAYERS];
    if (*kept && is_for((const nb_chain *)*kept, child, count)) return nb_shared_retain(*kept);
    for (int i = 0; i < count; i++) runs[i] = kernels_of(child[i]);
    nb_chain *chain = nb_chain_new(ctx, runs, count);
    if (!chain || !nb_arenas_stay(ctx)) return chain ? &chain->head : NULL;
    nb_shared_release(ctx, *kept);
    *kept = &chain->head;
    return nb_shared_retain(*kept);
}

nb_tensor *nb_chain_run(nb_ctx *ctx, nb_layer *const *child, int count, nb_tensor *const *in,
                        bool z, const nb_piled *rows)
{
    nb_call call = {.op = nb_ops[NB_OP_dense_chain], .inputs = 1 + 2 * count};
    memcpy(call.in, in, (size_t)call.inputs * sizeof *in);
    call.attr.chain.z = z;
    call.attr.chain.rows = rows;
    call.attr.chain.shared = chain_of(ctx, child, count);
    nb_tensor *out = call.attr.chain.shared ? nb_op_call(ctx, &call) : NULL;
    nb_shared_release(ctx, call.attr.chain.shared);
    return out;
}
