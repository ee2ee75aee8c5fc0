/* A pass with everything kept: an observer of the walk that training takes, so the bits are those
 * of training. */
#include "nn/inspect/trace.h"

#include "base/memory.h"

static void free_place(nb_ctx *ctx, nb_trace_place *place)
{
    nb_tensor_release(ctx, place->z);
    nb_tensor_release(ctx, place->a);
    nb_tensor_release(ctx, place->delta);
    for (int i = 0; i < place->grads; i++) nb_tensor_release(ctx, place->grad[i]);
    nb_free(ctx, place->grad, (size_t)place->grads * sizeof *place->grad);
    nb_layer_release(ctx, place->layer);
}

void nb_trace_free(nb_ctx *ctx, nb_trace *trace)
{
    for (int i = 0; i < trace->places; i++) free_place(ctx, &trace->place[i]);
    nb_free(ctx, trace->place, (size_t)trace->places * sizeof *trace->place);
    nb_tensor_release(ctx, trace->x);
    *trace = (nb_trace){.cost = 0};
}

/* ---- Looking on ------------------------------------------------------------------------------ */

static nb_status see_z(nb_walk *walk, void *self, nb_layer *layer, nb_tensor **z)
{
    nb_trace *trace = self;
    nb_trace_place *place = &trace->place[walk->place];
    nb_watch(*z);
    place->layer = nb_layer_retain(layer);
    place->z = nb_tensor_retain(*z);
    return NB_OK;
}

static nb_status see_a(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *a)
{
    nb_trace *trace = self;
    (void)layer;
    trace->place[walk->place].a = nb_tensor_retain(a);
    return NB_OK;
}

/* ---- Collecting ------------------------------------------------------------------------------ */

/* The part of a flat vector that belongs to a parameter. */
static nb_tensor *part(nb_ctx *ctx, const nb_tensor *flat, const nb_param *param)
{
    const nb_tensor *value = param->value;
    return nb_tensor_view(ctx, flat, value->dims, value->shape, value->stride, param->start);
}

static nb_status collect_place(nb_ctx *ctx, const nb_tensor *grads, nb_trace_place *place)
{
    const nb_plan *plan = place->layer->plan;
    nb_tensor *delta = nb_watched(place->z);
    /* What the cost does not depend on has δ = 0. */
    place->delta = delta ? nb_tensor_retain(delta)
                         : nb_tensor_zeros(ctx, place->z->dtype, place->z->dims, place->z->shape);
    if (!place->delta) return ctx->status;
    place->grad = nb_alloc_zero(ctx, (size_t)plan->params, sizeof *place->grad);
    if (!place->grad) return ctx->status;
    place->grads = plan->params;
    for (int i = 0; i < plan->params; i++) {
        place->grad[i] = part(ctx, grads, &plan->param[i]);
        if (!place->grad[i]) return ctx->status;
    }
    return NB_OK;
}

/* The gradients go into a vector of the trace's own: a NaN is there to be looked at, and the
 * network's home keeps what it has. */
static nb_status run_backward(nb_ctx *ctx, const nb_net *net, nb_tensor *cost, nb_trace *trace)
{
    nb_tensor *grads = nb_tensor_zeros(ctx, net->dtype, 1, net->whole->shape);
    if (!grads) return ctx->status;
    const nb_sink sink = {net->whole->storage, grads, 1, 0};
    const nb_backward_options options = {.sinks = &sink, .sink_count = 1};
    nb_status status = cost->link ? nb_backward(ctx, cost, &options) : NB_OK;
    for (int i = 0; i < trace->places && status == NB_OK; i++)
        status = collect_place(ctx, grads, &trace->place[i]);
    nb_tensor_release(ctx, grads);
    return status;
}

/* Nothing that the caller gets hangs on the tape. */
static nb_status detach(nb_ctx *ctx, nb_tensor **tensor)
{
    nb_tensor *alone = nb_tensor_alias(ctx, *tensor);
    if (!alone) return ctx->status;
    nb_tensor_release(ctx, *tensor);
    *tensor = alone;
    return NB_OK;
}

static nb_status detach_all(nb_ctx *ctx, nb_trace *trace)
{
    nb_status status = detach(ctx, &trace->x);
    for (int i = 0; i < trace->places && status == NB_OK; i++) {
        status = detach(ctx, &trace->place[i].z);
        if (status == NB_OK) status = detach(ctx, &trace->place[i].a);
    }
    return status;
}

static nb_status run(nb_ctx *ctx, nb_net *net, nb_tensor *y, nb_trace *trace)
{
    const nb_observer observer = {.z = see_z, .a = see_a, .self = trace};
    const nb_mode mode = {.taped = true};
    nb_result pass;
    nb_status status = nb_net_run(ctx, net, trace->x, y, &mode, &observer, &pass);
    if (status != NB_OK) return status;
    trace->cost = nb_tensor_item(pass.cost);
    status = run_backward(ctx, net, pass.cost, trace);
    if (status == NB_OK) status = detach_all(ctx, trace);
    nb_result_free(ctx, &pass);
    return status;
}

nb_status nb_trace_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_trace *trace)
{
    int places = net->layer.plan->places - 1; /* without the network's own */
    trace->place = nb_alloc_zero(ctx, (size_t)places, sizeof *trace->place);
    if (!trace->place) return ctx->status;
    trace->places = places;
    /* x takes a gradient too, so that layers without parameters before the first with some have
     * their δ. */
    trace->x = nb_tensor_alias(ctx, x);
    nb_status status = trace->x ? nb_require_grad(ctx, trace->x, true) : ctx->status;
    if (status == NB_OK) status = run(ctx, net, y, trace);
    if (status != NB_OK) nb_trace_free(ctx, trace);
    return status;
}
