/* A pass with everything kept: an observer of the walk that training takes, so the bits are those
 * of training. */
#include "nn/inspect/trace.h"

#include "base/memory.h"
#include "nn/net/pass.h"
#include "nn/inspect/slope.h"

static void free_sum(nb_ctx *ctx, nb_trace_sum *sum)
{
    nb_tensor *const all[] = {sum->of.in[0],   sum->of.in[1], sum->of.by[0],
                              sum->of.by[1],   sum->of.z,     sum->of.a,
                              sum->of.lengths, sum->demand,   sum->delta};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    nb_runs_release(ctx, sum->of.runs);
}

static void free_place(nb_ctx *ctx, nb_trace_place *place)
{
    nb_tensor *const all[] = {place->in,    place->z,     place->a,          place->demand,
                              place->delta, place->slope, place->in_lengths, place->lengths};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
    nb_runs_release(ctx, place->runs);
    for (int i = 0; i < place->sums; i++) free_sum(ctx, &place->sum[i]);
    nb_free(ctx, place->sum, (size_t)place->sum_room * sizeof *place->sum);
    for (int i = 0; i < place->grads; i++) nb_tensor_release(ctx, place->grad[i]);
    nb_free(ctx, place->grad, (size_t)place->grads * sizeof *place->grad);
    nb_layer_release(ctx, place->layer);
}

void nb_trace_free(nb_ctx *ctx, nb_trace *trace)
{
    for (int i = 0; i < trace->places; i++) free_place(ctx, &trace->place[i]);
    nb_free(ctx, trace->place, (size_t)trace->places * sizeof *trace->place);
    nb_tensor_release(ctx, trace->x);
    nb_tensor_release(ctx, trace->seen);
    nb_tensor_release(ctx, trace->grad_x);
    nb_tensor_release(ctx, trace->out);
    nb_tensor_release(ctx, trace->grad_a);
    nb_tensor_release(ctx, trace->lengths);
    nb_tensor_release(ctx, trace->weights);
    *trace = (nb_trace){.cost = 0};
}

/* ---- Looking on ------------------------------------------------------------------------------ */

static nb_tensor *kept(nb_tensor *t)
{
    return t ? nb_tensor_retain(t) : NULL;
}

static nb_status see_in(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *x)
{
    nb_trace *trace = self;
    nb_trace_place *place = &trace->place[walk->place];
    place->in = nb_tensor_retain(x);
    place->in_lengths = kept(nb_walk_lengths(walk, layer->plan->in.size[0]));
    return NB_OK;
}

static nb_status see_z(nb_walk *walk, void *self, nb_layer *layer, nb_tensor **z)
{
    nb_trace *trace = self;
    nb_trace_place *place = &trace->place[walk->place];
    nb_watch(*z);
    place->layer = nb_layer_retain(layer);
    place->z = nb_tensor_retain(*z);
    if (layer->plan->runs) place->runs = nb_runs_retain(layer->plan->runs);
    return NB_OK;
}

static nb_status see_a(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *a)
{
    nb_trace *trace = self;
    nb_trace_place *place = &trace->place[walk->place];
    nb_watch(a);
    place->a = nb_tensor_retain(a);
    place->lengths = kept(nb_walk_lengths(walk, layer->plan->out.size[0]));
    return NB_OK;
}

/* Room for one more sum, zeroed, or NULL. */
static nb_trace_sum *new_sum(nb_ctx *ctx, nb_trace_place *place)
{
    size_t size = sizeof *place->sum;
    if (place->sums == place->sum_room) {
        int room = place->sum_room ? 2 * place->sum_room : 16;
        void *list =
            nb_resize(ctx, place->sum, (size_t)place->sum_room * size, (size_t)room * size);
        if (!list) return NULL;
        place->sum = list;
        place->sum_room = room;
    }
    place->sum[place->sums] = (nb_trace_sum){.demand = NULL};
    return &place->sum[place->sums++];
}

static nb_status see_sum(nb_walk *walk, void *self, nb_layer *layer, const nb_sum *sum)
{
    nb_trace *trace = self;
    nb_trace_sum *own = new_sum(walk->ctx, &trace->place[walk->place]);
    (void)layer;
    if (!own) return walk->ctx->status;
    nb_watch(sum->z);
    nb_watch(sum->a);
    own->of = *sum;
    for (int i = 0; i < 2; i++) {
        own->of.in[i] = kept(sum->in[i]);
        own->of.by[i] = kept(sum->by[i]);
    }
    own->of.z = kept(sum->z);
    own->of.a = kept(sum->a);
    own->of.lengths = kept(sum->lengths);
    if (sum->runs) own->of.runs = nb_runs_retain(sum->runs);
    return NB_OK;
}

/* ---- Collecting ------------------------------------------------------------------------------ */

/* The part of a flat vector that belongs to a parameter. */
static nb_tensor *part(nb_ctx *ctx, const nb_tensor *flat, const nb_param *param)
{
    const nb_tensor *value = param->value;
    return nb_tensor_view(ctx, flat, value->dims, value->shape, value->stride, param->start);
}

const nb_param *nb_trace_param(const nb_trace_place *place, int i)
{
    const nb_plan *plan = place->layer->plan;
    return i < plan->params ? &plan->param[i] : nb_layer_param(place->layer, "w");
}

/* The gradient at a tensor that was watched, or at x. What the cost does not depend on has 0. */
static nb_tensor *gradient_at(nb_ctx *ctx, const nb_trace *trace, const nb_tensor *t)
{
    bool is_x = trace->x->link && t->link == trace->x->link;
    nb_tensor *grad = is_x ? nb_leaf_grad(nb_leaf_of(t)) : nb_watched(t);
    return grad ? nb_tensor_retain(grad) : nb_tensor_zeros(ctx, t->dtype, t->dims, t->shape);
}

static nb_status collect_sum(nb_ctx *ctx, const nb_trace *trace, nb_trace_sum *sum)
{
    sum->delta = gradient_at(ctx, trace, sum->of.z);
    sum->demand = gradient_at(ctx, trace, sum->of.a);
    return sum->delta && sum->demand ? NB_OK : ctx->status;
}

/* Of its parameters; grads NULL: there are none. */
static nb_status collect_grads(nb_ctx *ctx, const nb_tensor *grads, nb_trace_place *place)
{
    const nb_plan *plan = place->layer->plan;
    int count = plan->params + (plan->tied != NULL);
    if (!grads) return NB_OK;
    place->grad = nb_alloc_zero(ctx, (size_t)count, sizeof *place->grad);
    if (!place->grad) return ctx->status;
    place->grads = count;
    for (int i = 0; i < place->grads; i++) {
        place->grad[i] = part(ctx, grads, nb_trace_param(place, i));
        if (!place->grad[i]) return ctx->status;
    }
    return NB_OK;
}

static nb_status collect_place(nb_ctx *ctx, const nb_trace *trace, const nb_tensor *grads,
                               nb_trace_place *place)
{
    place->delta = gradient_at(ctx, trace, place->z);
    if (place->a->link) place->demand = gradient_at(ctx, trace, place->a);
    if (!place->delta || (place->a->link && !place->demand)) return ctx->status;
    for (int i = 0; i < place->sums; i++)
        if (collect_sum(ctx, trace, &place->sum[i]) != NB_OK) return ctx->status;
    return collect_grads(ctx, grads, place);
}

static nb_status collect(nb_ctx *ctx, const nb_tensor *grads, nb_trace *trace)
{
    nb_status status = NB_OK;
    for (int i = 0; i < trace->places && status == NB_OK; i++)
        status = collect_place(ctx, trace, grads, &trace->place[i]);
    if (status != NB_OK || !trace->x->link) return status;
    trace->grad_x = gradient_at(ctx, trace, trace->x);
    return trace->grad_x ? NB_OK : ctx->status;
}

/* The gradients go into a vector of the trace's own: a NaN is there to be looked at, and the
 * network's home keeps what it has. */
static nb_status run_backward(nb_ctx *ctx, const nb_net *net, nb_tensor *cost, nb_trace *trace)
{
    nb_tensor *grads = nb_tensor_zeros(ctx, net->dtype, 1, net->whole->shape);
    if (!grads) return ctx->status;
    const nb_sink sink = {.from = net->whole->storage, .into = grads, .alpha = 1, .beta = 0};
    const nb_backward_options options = {.sinks = &sink, .sink_count = 1};
    nb_status status = cost->link ? nb_backward(ctx, cost, &options) : NB_OK;
    if (status == NB_OK) status = collect(ctx, grads, trace);
    nb_tensor_release(ctx, grads);
    return status;
}

/* Only a leaf that the cost does not know would take a gradient. */
static nb_status run_lean(nb_ctx *ctx, nb_tensor *cost, nb_trace *trace)
{
    nb_tensor *nobody = nb_tensor_scalar(ctx, cost->dtype, 0);
    nb_status status = nobody ? nb_require_grad(ctx, nobody, true) : ctx->status;
    const nb_backward_options options = {.only = nobody};
    if (status == NB_OK && cost->link) status = nb_backward(ctx, cost, &options);
    if (status == NB_OK) status = collect(ctx, NULL, trace);
    nb_tensor_release(ctx, nobody);
    return status;
}

/* Nothing that the caller gets hangs on the tape. */
static nb_status detach(nb_ctx *ctx, nb_tensor **tensor)
{
    if (!*tensor) return NB_OK;
    nb_tensor *alone = nb_tensor_alias(ctx, *tensor);
    if (!alone) return ctx->status;
    nb_tensor_release(ctx, *tensor);
    *tensor = alone;
    return NB_OK;
}

static nb_status detach_sum(nb_ctx *ctx, nb_sum *sum)
{
    nb_tensor **const all[] = {&sum->in[0], &sum->in[1], &sum->by[0],
                               &sum->by[1], &sum->z,     &sum->a};
    nb_status status = NB_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == NB_OK; i++)
        status = detach(ctx, all[i]);
    return status;
}

static nb_status detach_place(nb_ctx *ctx, nb_trace_place *place)
{
    nb_status status = detach(ctx, &place->in);
    if (status == NB_OK) status = detach(ctx, &place->z);
    if (status == NB_OK) status = detach(ctx, &place->a);
    for (int i = 0; i < place->sums && status == NB_OK; i++)
        status = detach_sum(ctx, &place->sum[i].of);
    return status;
}

static nb_status detach_all(nb_ctx *ctx, nb_trace *trace)
{
    nb_status status = detach(ctx, &trace->x);
    if (status == NB_OK) status = detach(ctx, &trace->seen);
    if (status == NB_OK) status = detach(ctx, &trace->out);
    for (int i = 0; i < trace->places && status == NB_OK; i++)
        status = detach_place(ctx, &trace->place[i]);
    return status;
}

/* a of the network: a fused cost went on from z, and the last place of that layer has its a. */
static nb_tensor *output_of(const nb_net *net, const nb_trace *trace, const nb_result *pass)
{
    const nb_layer *end = nb_layer_end((nb_layer *)(uintptr_t)&net->layer);
    int last = trace->places - 1;
    if (nb_net_fused(net) == NB_OPS) return pass->output;
    while (last > 0 && trace->place[last].layer != end) last--;
    return trace->place[last].a;
}

static nb_status run(nb_ctx *ctx, nb_net *net, nb_tensor *y, const nb_mode *as, nb_trace *trace)
{
    const nb_observer observer = {
        .in = see_in, .z = see_z, .a = see_a, .sum = see_sum, .open = trace->open, .self = trace};
    nb_mode mode = *as;
    nb_result pass;
    mode.taped = true;
    nb_status status = nb_net_run(ctx, net, trace->x, y, &mode, &observer, &pass);
    if (status != NB_OK) return status;
    trace->cost = nb_tensor_item(pass.cost);
    trace->out = nb_tensor_retain(output_of(net, trace, &pass));
    if (pass.lengths) trace->lengths = nb_tensor_retain(pass.lengths);
    if (mode.weights) trace->weights = nb_tensor_retain(mode.weights);
    status =
        trace->lean ? run_lean(ctx, pass.cost, trace) : run_backward(ctx, net, pass.cost, trace);
    if (status == NB_OK) status = detach_all(ctx, trace);
    nb_result_free(ctx, &pass);
    return status;
}

nb_status nb_trace_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_tensor *lengths,
                       nb_trace *trace)
{
    return nb_trace_run_as(ctx, net, x, y, &(nb_mode){.lengths = lengths}, trace);
}

nb_status nb_trace_run_as(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                          nb_trace *trace)
{
    int places = net->layer.plan->places - 1; /* without the network's own */
    trace->place = nb_alloc_zero(ctx, (size_t)places, sizeof *trace->place);
    if (!trace->place) return ctx->status;
    trace->places = places;
    /* x takes a gradient too, so that layers without parameters before the first with some have
     * their δ. Words take none. */
    trace->x = nb_tensor_alias(ctx, x);
    if (trace->x) trace->seen = nb_schema_seen(ctx, &net->schema, trace->x, net->dtype);
    nb_status status = trace->seen ? NB_OK : ctx->status;
    if (status == NB_OK && nb_dtype_computes(x->dtype) && !trace->lean)
        status = nb_require_grad(ctx, trace->x, true);
    if (status == NB_OK) status = run(ctx, net, y, mode, trace);
    if (status != NB_OK) nb_trace_free(ctx, trace);
    return status;
}

/* ---- What BP1 and BP2 multiply with ---------------------------------------------------------- */

/* The gradient of C where only a is known: a fused cost never had it. */
static nb_tensor *output_gradient(nb_ctx *ctx, const nb_net *net, const nb_trace *trace,
                                  nb_tensor *y)
{
    bool recording = ctx->recording;
    const nb_answers answers = {y, trace->weights};
    nb_tensor *a = nb_tensor_alias(ctx, trace->out), *grad = NULL;
    nb_status status = a ? nb_require_grad(ctx, a, true) : ctx->status;
    ctx->recording = true;
    nb_tensor *cost =
        status == NB_OK ? nb_net_cost_from(ctx, net, a, &answers, trace->lengths) : NULL;
    ctx->recording = recording;
    const nb_backward_options options = {.only = a};
    if (cost && (!cost->link || nb_backward(ctx, cost, &options) == NB_OK)) {
        nb_tensor *found = nb_leaf_grad(nb_leaf_of(a));
        grad = found ? nb_tensor_retain(found) : nb_tensor_zeros(ctx, a->dtype, a->dims, a->shape);
    }
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, a);
    return grad;
}

nb_status nb_trace_slopes(nb_ctx *ctx, const nb_net *net, nb_tensor *y, nb_trace *trace)
{
    trace->grad_a = output_gradient(ctx, net, trace, y);
    nb_status status = trace->grad_a ? NB_OK : ctx->status;
    for (int i = 0; i < trace->places && status == NB_OK; i++) {
        nb_trace_place *place = &trace->place[i];
        if (place->runs) status = nb_runs_slope(ctx, place->runs, place->z, &place->slope);
    }
    return status;
}

/* ---- One example ----------------------------------------------------------------------------- */

static nb_status only_row(nb_ctx *ctx, nb_tensor **t)
{
    nb_tensor *row = *t ? nb_tensor_select(ctx, *t, 0, 0) : NULL;
    if (*t && !row) return ctx->status;
    nb_tensor_release(ctx, *t);
    *t = row;
    return NB_OK;
}

nb_status nb_trace_single(nb_ctx *ctx, nb_trace *trace)
{
    nb_tensor **const own[] = {&trace->x, &trace->seen, &trace->grad_x, &trace->out,
                               &trace->grad_a};
    nb_status status = NB_OK;
    trace->single = true;
    for (int i = 0; i < 5 && status == NB_OK; i++) status = only_row(ctx, own[i]);
    for (int p = 0; p < trace->places; p++) {
        nb_trace_place *place = &trace->place[p];
        nb_tensor **const all[] = {&place->in,     &place->z,     &place->a,
                                   &place->demand, &place->delta, &place->slope};
        for (int i = 0; i < 6 && status == NB_OK; i++) status = only_row(ctx, all[i]);
    }
    return status;
}
