/* What all kinds of layers share; the table of kinds. */
#include "nn/layer.h"

#include "base/family.h"
#include "nn/notation/notation.h"
#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

#define X(name) extern const nb_layer_type nb_layer_##name;
#include "nn/layers.def"
#undef X

const nb_layer_type *const nb_layer_types[NB_LAYERS] = {
#define X(name) &nb_layer_##name,
#include "nn/layers.def"
#undef X
};

NB_DEFINE_FAMILY(nb_layer_type, nb_layer, nb_layer_types, NB_LAYERS)

nb_status nb_layer_declare(nb_ctx *ctx, nb_layer *layer, const char *name, int dims,
                           const int64_t *shape)
{
    char text[NB_SHAPE_TEXT];
    if (layer->params == NB_LAYER_PARAMS)
        return nb_fail(ctx, NB_EARG, "%s: a layer has at most %d parameters", layer->where,
                       NB_LAYER_PARAMS);
    if (nb_shape_count(dims, shape) < 0)
        return nb_fail(ctx, NB_ESHAPE, "%s: parameter %s of %s has too many elements", layer->where,
                       name, nb_shape_text(dims, shape, text));
    nb_param *param = &layer->param[layer->params++];
    *param = (nb_param){.dims = dims, .weight = dims >= 2};
    snprintf(param->name, sizeof param->name, "%s", name);
    memcpy(param->shape, shape, (size_t)dims * sizeof *shape);
    return NB_OK;
}

/* Connections into and out of a neuron: a weight has its neurons first. */
static void fans(const nb_param *param, int64_t *in, int64_t *out)
{
    int64_t rest = 1;
    for (int i = 2; i < param->dims; i++) rest *= param->shape[i];
    *in = param->shape[1] * rest;
    *out = param->shape[0] * rest;
}

/* The initialiser in force: the one asked for, else the activation's. */
static const nb_init *initialiser(const nb_layer *layer)
{
    if (layer->spec.init) return layer->spec.init;
    const nb_activation *main = layer->runs ? nb_runs_main(layer->runs) : NULL;
    const nb_init *init = main && main->init ? nb_init_find(main->init) : NULL;
    return init ? init : nb_inits[NB_INIT_lecun];
}

nb_status nb_layer_reset(nb_ctx *ctx, nb_layer *layer, nb_stream *stream)
{
    nb_status status = NB_OK;
    for (int i = 0; i < layer->params && status == NB_OK; i++) {
        nb_param *param = &layer->param[i];
        int64_t in, out;
        if (param->weight) {
            fans(param, &in, &out);
            status = initialiser(layer)->fill(ctx, param->value, in, out, stream);
        } else {
            status = nb_tensor_fill(ctx, param->value, 0);
        }
        nb_tensor_touch(param->value, "reset");
    }
    return status;
}

/* What a layer gave is what it promised: a function of the host can give anything. */
static nb_status check_output(nb_ctx *ctx, const nb_layer *layer, const nb_tensor *x,
                              const nb_tensor *out)
{
    char given[NB_SHAPE_TEXT], promised[NB_SHAPE_TEXT];
    int64_t shape[NB_MAX_DIMS] = {x->shape[0]};
    if (out->dtype != x->dtype)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s gave %s from %s; make its constants with {dtype = x.dtype}",
                       layer->where, nb_dtype_name(out->dtype), nb_dtype_name(x->dtype));
    memcpy(shape + 1, layer->out_shape, (size_t)layer->out_dims * sizeof *shape);
    bool same = out->dims == layer->out_dims + 1 &&
                !memcmp(out->shape, shape, (size_t)out->dims * sizeof *shape);
    if (same) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s gave %s where %s was expected", layer->where,
                   nb_shape_text(out->dims, out->shape, given),
                   nb_shape_text(layer->out_dims + 1, shape, promised));
}

nb_tensor *nb_layer_forward(nb_ctx *ctx, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_tensor *out = layer->spec.type->forward(ctx, layer, x, give);
    if (!out) return NULL;
    if (check_output(ctx, layer, x, out) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

nb_status nb_layer_set_activation(nb_ctx *ctx, nb_layer *layer, int64_t start, int64_t count,
                                  const nb_activation *activation)
{
    if (!layer->runs)
        return nb_fail(ctx, NB_EARG, "%s has no neurons, so no activation", layer->where);
    if (start < 0 || count < 1 || start > layer->neurons - count)
        return nb_fail(ctx, NB_EARG, "%s has neurons 1 to %lld, not %lld", layer->where,
                       (long long)layer->neurons,
                       (long long)(start < 0 || count < 1 ? start + 1 : start + count));
    nb_runs *changed = nb_runs_with(ctx, layer->runs, start, count, activation);
    if (!changed) return ctx->status;
    nb_runs_release(ctx, layer->runs);
    layer->runs = changed;
    return NB_OK;
}

nb_param *nb_layer_param(nb_layer *layer, const char *name)
{
    for (int i = 0; i < layer->params; i++)
        if (!strcmp(layer->param[i].name, name)) return &layer->param[i];
    return NULL;
}

nb_status nb_layer_set_name(nb_ctx *ctx, nb_layer *layer, const char *name)
{
    if (*name && !nb_notation_is_name(name))
        return nb_fail(ctx, NB_EARG,
                       "a name is letters, digits and _, begins with a letter and has at most %d "
                       "characters; not '%s'",
                       NB_NAME_MAX - 1, name);
    snprintf(layer->spec.name, sizeof layer->spec.name, "%s", name);
    if (*name)
        snprintf(layer->where, sizeof layer->where, "layer %d (%s)", layer->number, name);
    else
        snprintf(layer->where, sizeof layer->where, "layer %d", layer->number);
    return NB_OK;
}
