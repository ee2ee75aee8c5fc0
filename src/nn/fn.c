/* fn: a layer that is a function of the host, f(x, params…), with its derivative from the tape. */
#include "nn/layer.h"

#include "base/family.h"
#include "tensor/shape.h"

#include <string.h>

enum { PROBE_EXAMPLES = 2 }; /* more than one, so that a function that drops the examples shows */

/* f(x, value[0], …) */
static nb_tensor *call(nb_ctx *ctx, const nb_layer *layer, nb_tensor *x, nb_tensor *const *value)
{
    nb_tensor *in[1 + NB_LAYER_PARAMS] = {x};
    for (int i = 0; i < layer->params; i++) in[1 + i] = value[i];
    return layer->spec.host->call(ctx, layer->spec.host, in, 1 + layer->params);
}

/* Zeros of the shapes that f will see. */
static nb_status make_probe(nb_ctx *ctx, const nb_layer *layer, nb_tensor **x, nb_tensor **value)
{
    int64_t shape[NB_MAX_DIMS] = {PROBE_EXAMPLES};
    memcpy(shape + 1, layer->in_shape, (size_t)layer->in_dims * sizeof *shape);
    *x = nb_tensor_zeros(ctx, ctx->dtype, layer->in_dims + 1, shape);
    bool whole = *x;
    for (int i = 0; i < layer->params && whole; i++) {
        const nb_param *param = &layer->param[i];
        value[i] = nb_tensor_zeros(ctx, ctx->dtype, param->dims, param->shape);
        whole = value[i];
    }
    return whole ? NB_OK : ctx->status;
}

static nb_status take_shape(nb_ctx *ctx, nb_layer *layer, const nb_tensor *out)
{
    char text[NB_SHAPE_TEXT];
    if (out->dims < 2 || out->shape[0] != PROBE_EXAMPLES)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s gave %s for %d examples; it must give as many examples, one after the "
                       "other in the first dimension",
                       layer->where, nb_shape_text(out->dims, out->shape, text), PROBE_EXAMPLES);
    layer->out_dims = out->dims - 1;
    memcpy(layer->out_shape, out->shape + 1, (size_t)layer->out_dims * sizeof *out->shape);
    return NB_OK;
}

/* The output's shape is what f gives for zeros. */
static nb_status probe(nb_ctx *ctx, nb_layer *layer)
{
    nb_tensor *x = NULL, *value[NB_LAYER_PARAMS] = {NULL}, *out = NULL;
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_status status = make_probe(ctx, layer, &x, value);
    if (status == NB_OK) {
        out = call(ctx, layer, x, value);
        status = out ? take_shape(ctx, layer, out) : ctx->status;
    }
    ctx->recording = recording;
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, x);
    for (int i = 0; i < layer->params; i++) nb_tensor_release(ctx, value[i]);
    return status;
}

static nb_status build(nb_ctx *ctx, nb_layer *layer)
{
    if (!layer->spec.host)
        return nb_fail(ctx, NB_EARG,
                       "%s: a layer of type fn needs its function; give it in a table, "
                       "nn.net{…, nn.fn{f = …}, …}",
                       layer->where);
    for (int i = 0; i < layer->spec.params; i++) {
        const nb_param_spec *param = &layer->spec.param[i];
        nb_status status = nb_layer_declare(ctx, layer, param->name, param->dims, param->shape);
        if (status != NB_OK) return status;
    }
    return probe(ctx, layer);
}

static nb_tensor *forward(nb_ctx *ctx, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_tensor *value[NB_LAYER_PARAMS];
    (void)give;
    for (int i = 0; i < layer->params; i++) value[i] = layer->param[i].value;
    return call(ctx, layer, x, value);
}

NB_DESCRIPTOR(nb_layer_type, nb_layer_fn) = {
    .name = "fn",
    .help =
        "A layer written in Lua: f(x, params…) by tensor methods, its derivative from the tape.",
    .usage = "nn.fn(f), or nn.fn{f = f, params = {{name = \"w\", sizes…}, …}, init =, name =}",
    .example = "nn.net{4, nn.fn(function(x) return x * 2 end), 3}",
    .size_names = {NULL},
    .table_only = true,
    .build = build,
    .forward = forward,
};
