/* A network: built from a specification, run forward, and back. */
#include "nn/net.h"

#include "base/text.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

static void free_params(nb_ctx *ctx, nb_net *net)
{
    for (int l = 0; l < net->layers; l++) {
        nb_layer *layer = &net->layer[l];
        for (int i = 0; i < layer->params; i++) nb_tensor_release(ctx, layer->param[i].value);
        nb_runs_release(ctx, layer->runs);
    }
    nb_tensor_release(ctx, net->params);
    nb_home_release(ctx, net->home);
}

nb_net *nb_net_retain(nb_net *net)
{
    net->refs++;
    return net;
}

/* Somebody may hold on to a parameter beyond the net, whose layers have no names then. */
static void let_go(nb_net *net)
{
    for (int l = 0; l < net->layers; l++)
        for (int i = 0; i < net->layer[l].params; i++) {
            nb_tensor *value = net->layer[l].param[i].value;
            if (value && nb_leaf_of(value)) nb_leaf_of(value)->where = NULL;
        }
}

void nb_net_release(nb_ctx *ctx, nb_net *net)
{
    if (!net || --net->refs) return;
    let_go(net);
    free_params(ctx, net);
    nb_free(ctx, net->layer, (size_t)net->layers * sizeof *net->layer);
    nb_free(ctx, net, sizeof *net);
}

/* The runs of a built layer: its activation, then the neurons that differ. */
static nb_status make_runs(nb_ctx *ctx, nb_layer *layer, const nb_layer_spec *spec)
{
    const nb_activation *main = spec->activation;
    if (!layer->neurons) {
        if (!main && !spec->run_count) return NB_OK;
        return nb_fail(ctx, NB_EARG, "%s has no neurons, so no activation", layer->where);
    }
    if (!main) main = nb_activations[NB_ACT_sigmoid];
    layer->runs = nb_runs_new(ctx, layer->neurons, main);
    if (!layer->runs) return ctx->status;
    for (int64_t i = 0; i < spec->run_count; i++) {
        const nb_run *run = &spec->runs[i];
        nb_status status =
            nb_layer_set_activation(ctx, layer, run->start, run->count, run->activation);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

/* Names stand for layers in files, so each stands for one. */
static nb_status check_name(nb_ctx *ctx, const nb_net *net, int l)
{
    for (int i = 0; i < l; i++)
        if (*net->layer[l].spec.name && !strcmp(net->layer[i].spec.name, net->layer[l].spec.name))
            return nb_fail(ctx, NB_EARG, "layers %d and %d have the same name, %s", i + 1, l + 1,
                           net->layer[l].spec.name);
    return NB_OK;
}

static nb_status build_layer(nb_ctx *ctx, nb_net *net, int l, const nb_layer_spec *spec)
{
    nb_layer *layer = &net->layer[l];
    const nb_layer *before = l ? &net->layer[l - 1] : NULL;
    layer->spec = *spec;
    layer->spec.runs = NULL;
    layer->spec.run_count = 0;
    layer->number = l + 1;
    nb_status status = nb_layer_set_name(ctx, layer, spec->name);
    if (status == NB_OK) status = check_name(ctx, net, l);
    layer->in_dims = before ? before->out_dims : net->in_dims;
    memcpy(layer->in_shape, before ? before->out_shape : net->in_shape, sizeof layer->in_shape);
    if (status == NB_OK) status = spec->type->build(ctx, layer);
    return status == NB_OK ? make_runs(ctx, layer, spec) : status;
}

/* A part of a flat vector under a parameter's shape. */
static nb_tensor *part(nb_ctx *ctx, const nb_tensor *flat, const nb_param *param)
{
    int64_t stride[NB_MAX_DIMS];
    nb_shape_strides(param->dims, param->shape, stride);
    return nb_tensor_view(ctx, flat, param->dims, param->shape, stride, param->start);
}

static nb_status make_param(nb_ctx *ctx, nb_net *net, nb_layer *layer, nb_param *param)
{
    param->value = part(ctx, net->params, param);
    nb_status status =
        param->value ? nb_require_grad_in(ctx, param->value, net->home) : ctx->status;
    if (status == NB_OK) nb_leaf_of(param->value)->where = layer->where;
    return status;
}

/* Gives every parameter its place in the two flat vectors. */
static nb_status make_storage(nb_ctx *ctx, nb_net *net)
{
    int64_t count = 0;
    for (int l = 0; l < net->layers; l++) {
        nb_layer *layer = &net->layer[l];
        for (int i = 0; i < layer->params; i++) {
            nb_param *param = &layer->param[i];
            param->start = count;
            count += nb_shape_count(param->dims, param->shape);
            if (count > NB_MAX_ELEMENTS)
                return nb_fail(ctx, NB_ESHAPE, "the network has too many parameters");
        }
    }
    net->params = nb_tensor_zeros(ctx, net->dtype, 1, &count);
    net->home = net->params ? nb_home_new(ctx, net->dtype, count) : NULL;
    if (!net->home) return ctx->status;
    net->grads = net->home->grads;
    for (int l = 0; l < net->layers; l++) {
        nb_layer *layer = &net->layer[l];
        for (int i = 0; i < layer->params; i++) {
            nb_status status = make_param(ctx, net, layer, &layer->param[i]);
            if (status != NB_OK) return status;
        }
    }
    return NB_OK;
}

/* A net without layers of its own yet, with room for `layers`. */
static nb_net *new_net(nb_ctx *ctx, int layers, nb_dtype dtype)
{
    nb_net *net = nb_alloc_zero(ctx, 1, sizeof *net);
    if (!net) return NULL;
    net->refs = 1;
    net->dtype = dtype;
    net->layer = nb_alloc_zero(ctx, (size_t)layers, sizeof *net->layer);
    if (!net->layer) {
        nb_free(ctx, net, sizeof *net);
        return NULL;
    }
    net->layers = layers;
    return net;
}

static nb_status check_spec(nb_ctx *ctx, const nb_net_spec *spec)
{
    char text[NB_SHAPE_TEXT];
    if (spec->layers < 1) return nb_fail(ctx, NB_EARG, "a network needs at least one layer");
    bool whole = spec->in_dims >= 1 && spec->in_dims < NB_MAX_DIMS;
    for (int i = 0; whole && i < spec->in_dims; i++) whole = spec->in_shape[i] > 0;
    if (whole && nb_shape_count(spec->in_dims, spec->in_shape) > 0) return NB_OK;
    return nb_fail(ctx, NB_EARG, "an input needs 1 to %d sizes of at least 1, not %s",
                   NB_MAX_DIMS - 1, nb_shape_text(spec->in_dims, spec->in_shape, text));
}

nb_net *nb_net_new(nb_ctx *ctx, const nb_net_spec *spec, nb_dtype dtype, uint64_t seed)
{
    if (check_spec(ctx, spec) != NB_OK) return NULL;
    nb_net *net = new_net(ctx, spec->layers, dtype);
    if (!net) return NULL;
    nb_dtype standard = ctx->dtype;
    nb_status status = NB_OK;
    net->in_dims = spec->in_dims;
    memcpy(net->in_shape, spec->in_shape, sizeof net->in_shape);
    net->cost = spec->cost ? spec->cost : nb_costs[NB_COST_quadratic];
    /* A function of the host is tried with zeros of the net's dtype, and may make tensors of its
     * own. */
    ctx->dtype = dtype;
    for (int l = 0; l < net->layers && status == NB_OK; l++)
        status = build_layer(ctx, net, l, &spec->layer[l]);
    ctx->dtype = standard;
    if (status == NB_OK) {
        const nb_layer *last = &net->layer[net->layers - 1];
        net->out_dims = last->out_dims;
        memcpy(net->out_shape, last->out_shape, sizeof net->out_shape);
        status = make_storage(ctx, net);
    }
    if (status == NB_OK) status = nb_net_reset(ctx, net, seed);
    if (status == NB_OK) return net;
    nb_net_release(ctx, net);
    return NULL;
}

nb_net *nb_net_clone(nb_ctx *ctx, const nb_net *net, nb_dtype dtype)
{
    nb_net *copy = new_net(ctx, net->layers, dtype);
    if (!copy) return NULL;
    nb_layer *list = copy->layer;
    *copy = *net;
    copy->refs = 1;
    copy->dtype = dtype;
    copy->layer = list;
    copy->params = copy->grads = NULL;
    copy->home = NULL;
    memcpy(list, net->layer, (size_t)net->layers * sizeof *list);
    for (int l = 0; l < net->layers; l++) {
        if (list[l].runs) nb_runs_retain(list[l].runs);
        for (int i = 0; i < list[l].params; i++) list[l].param[i].value = NULL;
    }
    nb_status status = make_storage(ctx, copy);
    if (status == NB_OK) status = nb_tensor_copy(ctx, copy->params, net->params);
    if (status == NB_OK) return copy;
    nb_net_release(ctx, copy);
    return NULL;
}

nb_status nb_net_reset(nb_ctx *ctx, nb_net *net, uint64_t seed)
{
    for (int l = 0; l < net->layers; l++) {
        nb_stream stream = nb_stream_make(seed, NB_FOR_INIT, (uint64_t)l);
        nb_status status = nb_layer_reset(ctx, &net->layer[l], &stream);
        if (status != NB_OK) return status;
    }
    net->seed = seed;
    return NB_OK;
}

int64_t nb_net_count(const nb_net *net)
{
    return net->params->shape[0];
}

nb_op_id nb_net_fused(const nb_net *net)
{
    const nb_layer *last = &net->layer[net->layers - 1];
    return last->runs ? nb_cost_fused(net->cost, nb_runs_uniform(last->runs)) : NB_OPS;
}

nb_tensor *nb_net_cost_from(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                            nb_tensor *y)
{
    const nb_runs *runs = net->layer[net->layers - 1].runs;
    if (fused != NB_OPS) return nb_op2(ctx, fused, last, y);
    return nb_cost_of(ctx, net->cost, runs ? nb_runs_uniform(runs) : NULL, last, y);
}

/* Through all layers; the last one gives z where that is asked. */
static nb_tensor *run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_output last)
{
    nb_tensor *a = nb_tensor_retain(x);
    for (int l = 0; a && l < net->layers; l++) {
        nb_output give = l == net->layers - 1 ? last : NB_GIVE_A;
        nb_tensor *next = nb_layer_forward(ctx, &net->layer[l], a, give);
        nb_tensor_release(ctx, a);
        a = next;
    }
    return a;
}

nb_tensor *nb_net_forward(nb_ctx *ctx, nb_net *net, nb_tensor *x)
{
    return run(ctx, net, x, NB_GIVE_A);
}

nb_tensor *nb_net_cost(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_tensor **output)
{
    nb_op_id fused = nb_net_fused(net);
    nb_tensor *last = run(ctx, net, x, fused == NB_OPS ? NB_GIVE_A : NB_GIVE_Z);
    nb_tensor *cost = last ? nb_net_cost_from(ctx, net, fused, last, y) : NULL;
    if (cost && output)
        *output = last;
    else
        nb_tensor_release(ctx, last);
    return cost;
}

/* Forward with a tape. */
static nb_tensor *recorded_cost(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y)
{
    bool recording = ctx->recording;
    ctx->recording = true;
    nb_tensor *cost = nb_net_cost(ctx, net, x, y, NULL);
    ctx->recording = recording;
    return cost;
}

/* True when no element is NaN or infinite. */
static bool all_finite(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *whole = nb_tensor_contiguous(ctx, t);
    if (!whole) return true;
    bool finite =
        nb_real(whole->dtype)->finite((size_t)nb_tensor_count(whole), nb_tensor_data(whole));
    nb_tensor_release(ctx, whole);
    return finite;
}

/* What the trouble with a cost began with: x, the first layer whose output is not finite, or the
 * cost itself. A pass of its own, taken only once something is wrong. */
static const char *culprit(nb_ctx *ctx, nb_net *net, nb_tensor *x)
{
    if (!all_finite(ctx, x)) return "x";
    const char *name = NULL;
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *a = nb_tensor_retain(x);
    for (int l = 0; a && !name && l < net->layers; l++) {
        nb_tensor *next = nb_layer_forward(ctx, &net->layer[l], a, NB_GIVE_A);
        nb_tensor_release(ctx, a);
        a = next;
        if (a && !all_finite(ctx, a)) name = net->layer[l].where;
    }
    nb_tensor_release(ctx, a);
    ctx->recording = recording;
    return name;
}

static nb_status bad_cost(nb_ctx *ctx, nb_net *net, nb_tensor *x, double cost)
{
    char text[NB_NUMBER_MAX];
    const char *name = culprit(ctx, net, x);
    nb_number_text(cost, text);
    if (name) return nb_fail(ctx, NB_EVALUE, "the cost is %s: %s is not finite", text, name);
    return nb_fail(ctx, NB_EVALUE, "the cost is %s", text);
}

nb_status nb_net_learn(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_sink *sink,
                       double *cost)
{
    nb_tensor *c = recorded_cost(ctx, net, x, y);
    if (!c) return ctx->status;
    nb_backward_options options = {.sinks = sink, .sink_count = sink ? 1 : 0};
    uint64_t before = net->home->pass;
    nb_status status = NB_OK;
    *cost = nb_tensor_item(c);
    if (!isfinite(*cost)) status = bad_cost(ctx, net, x, *cost);
    if (status == NB_OK && c->link) status = nb_backward(ctx, c, &options);
    /* A cost that depends on no parameter has a gradient too. */
    if (status == NB_OK && !sink && net->home->pass == before) nb_home_clear(net->home);
    nb_tensor_release(ctx, c);
    return status;
}

nb_status nb_net_backprop(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, double *cost)
{
    return nb_net_learn(ctx, net, x, y, NULL, cost);
}
