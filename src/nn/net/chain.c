/* Runs of dense layers. */
#include "nn/net/chain.h"

#include "grad/chain.h"

/* What the op does behind a layer's z; NULL: its activations are no kernels. */
static nb_shared *kernels_of(const nb_layer *layer)
{
    const nb_runs *runs = layer->plan->runs;
    return runs->kernels ? &runs->kernels->head : NULL;
}

static bool is_apart(const nb_walk *walk, const nb_tensor *x)
{
    const nb_ctx *ctx = walk->ctx;
    return ctx->apart || ctx->witness || walk->observer || walk->bounds || walk->mode.by_example ||
           x->dtype != walk->net->dtype;
}

int nb_walk_chain_length(const nb_walk *walk, nb_layer *const *child, int left, const nb_tensor *x)
{
    const nb_layer_type *dense = nb_layer_types[NB_LAYER_dense];
    int most = left < NB_CHAIN_LAYERS ? left : NB_CHAIN_LAYERS, count = 0;
    if (is_apart(walk, x)) return 0;
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

/* w and b (a new reference) of a layer, as nb_walk_weight and nb_walk_biases say: what has them in
 * their places is spared the search by name. */
static void take_parameters(const nb_walk *walk, const nb_layer *layer, nb_tensor *in[2])
{
    const nb_plan *plan = layer->plan;
    bool plain = plan->params == 2;
    in[0] = plain ? nb_walk_param(walk, layer, 0) : nb_walk_weight(walk, layer);
    in[1] = plain ? nb_tensor_retain(nb_walk_param(walk, layer, 1)) : nb_walk_biases(walk, layer);
}

/* The last layer's z, or its a where that is made by kernels. */
static nb_tensor *run(nb_walk *walk, nb_layer *const *child, int count, nb_tensor *x, bool z)
{
    nb_ctx *ctx = walk->ctx;
    nb_call call = {.op = nb_ops[NB_OP_dense_chain], .in = {x}, .inputs = 1 + 2 * count};
    nb_tensor *out = NULL, **in = call.in + 1;
    bool whole = true;
    for (int i = 0; i < count && whole; i++, in += 2) {
        take_parameters(walk, child[i], in);
        whole = in[1];
    }
    call.attr.chain.z = z;
    call.attr.chain.shared = whole ? chain_of(ctx, child, count) : NULL;
    if (call.attr.chain.shared) out = nb_op_call(ctx, &call);
    nb_shared_release(ctx, call.attr.chain.shared);
    while (in > call.in + 1) nb_tensor_release(ctx, (in -= 2)[1]);
    return out;
}

nb_tensor *nb_walk_chain(nb_walk *walk, nb_layer *const *child, int count, nb_tensor *x,
                         nb_output give)
{
    const nb_plan *last = child[count - 1]->plan;
    /* Kept: a function of the host may give the layer other activations while it runs. */
    nb_runs *runs = nb_runs_retain(last->runs);
    bool kernels = runs->kernels;
    nb_tensor *out = run(walk, child, count, x, give == NB_GIVE_Z || !kernels);
    if (out && give == NB_GIVE_A && !kernels) {
        nb_tensor *a = nb_runs_apply_in(walk->ctx, runs, last->where, out);
        nb_tensor_release(walk->ctx, out);
        out = a;
    }
    nb_runs_release(walk->ctx, runs);
    return out;
}
