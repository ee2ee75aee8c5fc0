/* A pass with everything kept: the layers one by one, z and a apart, every δ watched. The loops are
 * those of training, so the bits are too. */
#include "nn/inspect/trace.h"

static void free_layer(nb_ctx *ctx, nb_trace_layer *layer)
{
    nb_tensor_release(ctx, layer->z);
    nb_tensor_release(ctx, layer->a);
    nb_tensor_release(ctx, layer->delta);
    for (int i = 0; i < NB_LAYER_PARAMS; i++) nb_tensor_release(ctx, layer->grad[i]);
}

void nb_trace_free(nb_ctx *ctx, nb_trace *trace)
{
    for (int l = 0; l < trace->layers; l++) free_layer(ctx, &trace->layer[l]);
    nb_free(ctx, trace->layer, (size_t)trace->layers * sizeof *trace->layer);
    nb_tensor_release(ctx, trace->x);
    *trace = (nb_trace){.cost = 0};
}

/* a from z, off the tape: what the fused cost does not give. */
static nb_tensor *activated(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z)
{
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *a = nb_runs_apply(ctx, runs, z);
    ctx->recording = recording;
    return a;
}

/* One layer: z and a. fused: the cost goes on from z, so a stays off the tape. */
static nb_status run_layer(nb_ctx *ctx, nb_layer *layer, nb_tensor *x, bool fused,
                           nb_trace_layer *out)
{
    out->z = nb_layer_forward(ctx, layer, x, layer->runs ? NB_GIVE_Z : NB_GIVE_A);
    if (!out->z) return ctx->status;
    nb_watch(out->z);
    if (!layer->runs) {
        out->a = nb_tensor_retain(out->z);
        return NB_OK;
    }
    nb_runs *runs = nb_runs_retain(layer->runs);
    out->a = fused ? activated(ctx, runs, out->z) : nb_runs_apply(ctx, runs, out->z);
    nb_runs_release(ctx, runs);
    return out->a ? NB_OK : ctx->status;
}

static nb_tensor *run_forward(nb_ctx *ctx, nb_net *net, nb_tensor *y, nb_trace *trace)
{
    nb_op_id op = nb_net_fused(net);
    nb_tensor *a = trace->x;
    for (int l = 0; l < net->layers; l++) {
        bool fused = l == net->layers - 1 && op != NB_OPS;
        if (run_layer(ctx, &net->layer[l], a, fused, &trace->layer[l]) != NB_OK) return NULL;
        a = trace->layer[l].a;
    }
    return nb_net_cost_from(ctx, net, op, op == NB_OPS ? a : trace->layer[net->layers - 1].z, y);
}

/* The part of a flat vector that belongs to a parameter. */
static nb_tensor *part(nb_ctx *ctx, const nb_tensor *flat, const nb_param *param)
{
    const nb_tensor *value = param->value;
    return nb_tensor_view(ctx, flat, value->dims, value->shape, value->stride, param->start);
}

/* Moves what the tape has computed into the trace. */
static nb_status collect(nb_ctx *ctx, const nb_net *net, const nb_tensor *grads, nb_trace *trace)
{
    for (int l = 0; l < net->layers; l++) {
        nb_trace_layer *layer = &trace->layer[l];
        nb_tensor *delta = nb_watched(layer->z);
        /* What the cost does not depend on has δ = 0. */
        layer->delta = delta
                           ? nb_tensor_retain(delta)
                           : nb_tensor_zeros(ctx, layer->z->dtype, layer->z->dims, layer->z->shape);
        if (!layer->delta) return ctx->status;
        for (int i = 0; i < net->layer[l].params; i++) {
            layer->grad[i] = part(ctx, grads, &net->layer[l].param[i]);
            if (!layer->grad[i]) return ctx->status;
        }
    }
    return NB_OK;
}

/* The gradients go into a vector of the trace's own: a NaN is there to be looked at, and the
 * network's home keeps what it has. */
static nb_status run_backward(nb_ctx *ctx, const nb_net *net, nb_tensor *cost, nb_trace *trace)
{
    nb_tensor *grads = nb_tensor_zeros(ctx, net->dtype, 1, net->params->shape);
    if (!grads) return ctx->status;
    const nb_sink sink = {net->params->storage, grads, 1, 0};
    const nb_backward_options options = {.sinks = &sink, .sink_count = 1};
    nb_status status = cost->link ? nb_backward(ctx, cost, &options) : NB_OK;
    if (status == NB_OK) status = collect(ctx, net, grads, trace);
    nb_tensor_release(ctx, grads);
    return status;
}

/* Nothing that the caller gets hangs on the tape. */
static nb_status detach(nb_ctx *ctx, nb_tensor **tensor)
{
    nb_tensor *alone = *tensor ? nb_tensor_alias(ctx, *tensor) : NULL;
    if (*tensor && !alone) return ctx->status;
    nb_tensor_release(ctx, *tensor);
    *tensor = alone;
    return NB_OK;
}

static nb_status detach_all(nb_ctx *ctx, nb_trace *trace)
{
    nb_status status = detach(ctx, &trace->x);
    for (int l = 0; l < trace->layers && status == NB_OK; l++) {
        status = detach(ctx, &trace->layer[l].z);
        if (status == NB_OK) status = detach(ctx, &trace->layer[l].a);
    }
    return status;
}

nb_status nb_trace_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_trace *trace)
{
    trace->layer = nb_alloc_zero(ctx, (size_t)net->layers, sizeof *trace->layer);
    if (!trace->layer) return ctx->status;
    trace->layers = net->layers;
    /* x takes a gradient too, so that layers without parameters before the first with some have
     * their δ. */
    trace->x = nb_tensor_alias(ctx, x);
    nb_status status = trace->x ? nb_require_grad(ctx, trace->x, true) : ctx->status;
    bool recording = ctx->recording;
    ctx->recording = true;
    nb_tensor *cost = status == NB_OK ? run_forward(ctx, net, y, trace) : NULL;
    ctx->recording = recording;
    if (cost) {
        trace->cost = nb_tensor_item(cost);
        status = run_backward(ctx, net, cost, trace);
        if (status == NB_OK) status = detach_all(ctx, trace);
        nb_tensor_release(ctx, cost);
    } else {
        status = ctx->status;
    }
    if (status != NB_OK) nb_trace_free(ctx, trace);
    return status;
}
