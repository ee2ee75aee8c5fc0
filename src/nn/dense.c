/* dense: every neuron is connected to every input. z = x wᵀ + b, a = f(z). */
#include "nn/layer.h"

#include "base/family.h"
#include "grad/activate.h"
#include "tensor/shape.h"

static nb_status build(nb_ctx *ctx, nb_layer *layer)
{
    char text[NB_SHAPE_TEXT];
    int64_t units = layer->spec.size[0];
    if (layer->spec.sizes != 1)
        return nb_fail(ctx, NB_EARG, "%s: dense takes one size, its units, not %d", layer->where,
                       layer->spec.sizes);
    if (units < 1)
        return nb_fail(ctx, NB_EARG, "%s: dense needs at least 1 unit, not %lld", layer->where,
                       (long long)units);
    if (layer->in_dims != 1)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: dense takes examples of one dimension, not %s; give the "
                       "input as the number of its values",
                       layer->where, nb_shape_text(layer->in_dims, layer->in_shape, text));
    layer->neurons = units;
    layer->out_dims = 1;
    layer->out_shape[0] = units;
    const int64_t w[2] = {units, layer->in_shape[0]};
    nb_status status = nb_layer_declare(ctx, layer, "w", 2, w);
    return status == NB_OK ? nb_layer_declare(ctx, layer, "b", 1, w) : status;
}

static nb_tensor *forward(nb_ctx *ctx, nb_layer *layer, nb_tensor *x, nb_output give)
{
    /* Kept: a function of the host may give the layer other activations while it runs. */
    nb_runs *runs = nb_runs_retain(layer->runs);
    bool fused = give == NB_GIVE_A && runs->kernels;
    nb_call call = {.op = nb_ops[NB_OP_dense],
                    .in = {x, layer->param[0].value, layer->param[1].value},
                    .inputs = 3,
                    .attr.shared = fused ? &runs->kernels->head : NULL};
    nb_tensor *out = nb_op_call(ctx, &call);
    if (out && give == NB_GIVE_A && !fused) {
        nb_tensor *a = nb_runs_apply(ctx, runs, out);
        nb_tensor_release(ctx, out);
        out = a;
    }
    nb_runs_release(ctx, runs);
    return out;
}

NB_DESCRIPTOR(nb_layer_type, nb_layer_dense) = {
    .name = "dense",
    .help = "Neurons that each see every input: a = f(x wᵀ + b), w of shape units × inputs.",
    .usage =
        "dense UNITS [ACTIVATION] [init=NAME] [name=NAME]; nn.dense{units, activation, init =, "
        "name =}",
    .example = "nn.net{4, nn.dense{3, \"tanh\", name = \"hidden\"}, 2}",
    .size_names = {"units", NULL},
    .neurons = true,
    .build = build,
    .forward = forward,
};
