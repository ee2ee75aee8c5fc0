/* The output of a pass and its cost. */
#include "nn/net/pass.h"

#include "base/text.h"
#include "grad/tape.h"
#include "kernel/kernel.h"
#include "nn/net/chain.h"
#include "tensor/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- The cost -------------------------------------------------------------------------------- */

/* The layer that makes the network's output, or NULL. */
static const nb_layer *end_of(const nb_net *net)
{
    return nb_layer_end((nb_layer *)(uintptr_t)&net->layer);
}

nb_activation nb_net_last_activation(const nb_net *net)
{
    const nb_layer *end = end_of(net);
    return end ? nb_runs_uniform(end->plan->runs) : (nb_activation){.type = NULL};
}

nb_op_id nb_net_fused(const nb_net *net)
{
    const nb_form *out = nb_net_out(net);
    return nb_cost_fused(&net->cost, nb_net_last_activation(net),
                         out->size[nb_form_neuron_dim(out)]);
}

/* Whether the cost goes on from z. A fused one takes outputs themselves that it knows nothing of.
 */
static bool takes_z(const nb_net *net, nb_op_id fused)
{
    if (fused == NB_OPS) return false;
    const nb_activation_type *last = nb_net_last_activation(net).type;
    return last && !last->host;
}

enum { NEURON_WHERE = NB_WHERE_MAX + 32 };

/* "layer 2", or "neuron 3 of layer 2" where they differ. */
static const char *name_run(const nb_plan *plan, const nb_run *run, char out[NEURON_WHERE])
{
    if (run->count == plan->neurons) return plan->where;
    snprintf(out, NEURON_WHERE, "neuron %lld of %s", (long long)run->start + 1, plan->where);
    return out;
}

nb_status nb_net_check_cost(nb_ctx *ctx, const nb_net *net)
{
    char where[NEURON_WHERE];
    const nb_layer *end = end_of(net);
    const nb_runs *runs = end ? end->plan->runs : NULL;
    nb_status status = NB_OK;
    for (int64_t i = 0; runs && i < runs->count && status == NB_OK; i++)
        status = nb_cost_check(ctx, &net->cost, runs->run[i].activation,
                               name_run(end->plan, &runs->run[i], where));
    return status;
}

/* (n, p, q, …) with its first `merged` dimensions as one. */
static nb_tensor *merge(nb_ctx *ctx, nb_tensor *t, int merged)
{
    nb_call call = {.op = nb_ops[NB_OP_reshape], .in = {t}, .inputs = 1};
    struct nb_attr_sizes *sizes = &call.attr.sizes;
    sizes->at[sizes->count++] = nb_shape_count(merged, t->shape);
    for (int i = merged; i < t->dims; i++) sizes->at[sizes->count++] = t->shape[i];
    return nb_op_call(ctx, &call);
}

/* What stands at the places of each example, (n, T, …) or (n, rows, columns, …) of `places`
 * dimensions, as rows that count as examples of their own: of padded steps the real ones. */
static nb_tensor *place_rows(nb_ctx *ctx, nb_tensor *t, int places, nb_tensor *lengths)
{
    return lengths ? nb_op2(ctx, NB_OP_pack_steps, t, lengths) : merge(ctx, t, 1 + places);
}

static nb_tensor *cost_of_rows(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                               const nb_answers *y)
{
    return nb_cost_of(ctx, &net->cost, fused, nb_net_last_activation(net), last, y);
}

/* Weights of all places, or (n) of examples, of which each weighs all of its places, as rows. Of
 * `like`, (n, places…, units), come the sizes. */
static nb_tensor *place_weights(nb_ctx *ctx, nb_tensor *weights, const nb_tensor *like,
                                nb_tensor *lengths)
{
    int64_t column[NB_MAX_DIMS];
    int dims = like->dims - 1;
    for (int i = 0; i < dims; i++) column[i] = i ? 1 : like->shape[0];
    nb_tensor *one = weights->dims == 1 ? nb_tensor_reshape(ctx, weights, dims, column)
                                        : nb_tensor_retain(weights);
    nb_tensor *each = one ? nb_tensor_expand(ctx, one, dims, like->shape) : NULL;
    nb_tensor *rows = each ? place_rows(ctx, each, dims - 1, lengths) : NULL;
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, each);
    return rows;
}

/* C where every place counts as an example: of last (n, places…, units) and, for all of them,
 * targets of that shape or class numbers (n, places…). */
static nb_tensor *cost_of_places(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                                 const nb_answers *y, nb_tensor *lengths)
{
    nb_answers each = {.y = NULL};
    int places = last->dims - 2;
    nb_tensor *rows = place_rows(ctx, last, places, lengths), *cost = NULL;
    if (rows) each.y = place_rows(ctx, y->y, places, lengths);
    if (each.y && y->weights) each.weights = place_weights(ctx, y->weights, last, lengths);
    if (each.y && !y->weights == !each.weights) cost = cost_of_rows(ctx, net, fused, rows, &each);
    nb_tensor_release(ctx, rows);
    nb_tensor_release(ctx, each.y);
    nb_tensor_release(ctx, each.weights);
    return cost;
}

/* Targets have as many steps as the outputs: only now both are known. */
static nb_status check_steps(nb_ctx *ctx, const nb_tensor *out, const nb_tensor *y)
{
    char given[NB_SHAPE_TEXT], got[NB_SHAPE_TEXT];
    if (y->dims >= 2 && y->shape[0] == out->shape[0] && y->shape[1] == out->shape[1]) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "y is %s; the outputs are %s, so y needs %lld steps",
                   nb_shape_text(y->dims, y->shape, given),
                   nb_shape_text(out->dims, out->shape, got), (long long)out->shape[1]);
}

/* ---- Space ---- */

static nb_tensor *permute(nb_ctx *ctx, nb_tensor *t, const nb_dims *order)
{
    nb_call call = {.op = nb_ops[NB_OP_permute], .in = {t}, .inputs = 1, .attr.dims = *order};
    return nb_op_call(ctx, &call);
}

nb_tensor *nb_channels_last(nb_ctx *ctx, nb_tensor *t)
{
    nb_dims order = {.count = t->dims};
    for (int i = 1; i < t->dims; i++) order.at[i] = i == t->dims - 1 ? 1 : i + 1;
    return permute(ctx, t, &order);
}

static nb_tensor *channels_first(nb_ctx *ctx, nb_tensor *t)
{
    nb_dims order = {.count = t->dims};
    for (int i = 1; i < t->dims; i++) order.at[i] = i == 1 ? t->dims - 1 : i - 1;
    return permute(ctx, t, &order);
}

/* Class numbers for a cost that takes targets alone; any other y as it is. */
static nb_tensor *as_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y)
{
    int64_t units = nb_net_out(net)->size[0];
    bool numbers = !nb_dtype_computes(y->dtype);
    if (!numbers || nb_cost_takes_classes(&net->cost, nb_net_last_activation(net), units))
        return nb_tensor_retain(y);
    return nb_one_hot(ctx, net->dtype, units, y);
}

/* Whether each place of space counts as an example: where y has a class for it, and where its
 * channels are one distribution. Otherwise the whole picture is one. */
static bool counts_places(const nb_net *net, const nb_tensor *y)
{
    const nb_activation_type *last = nb_net_last_activation(net).type;
    bool logits = net->cost.logits && nb_net_out(net)->size[0] > 1;
    return !nb_dtype_computes(y->dtype) || logits || (last && last->whole_layer);
}

bool nb_net_counts_places(const nb_net *net, const nb_tensor *y)
{
    nb_reading reading = nb_net_out(net)->reading;
    if (reading != NB_SPACE) return reading == NB_STEPS;
    return !net->cost.type->host && counts_places(net, y);
}

/* Costs look for what belongs together in the last dimension. */
static nb_tensor *cost_of_space(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                                const nb_answers *y)
{
    bool numbers = !nb_dtype_computes(y->y->dtype);
    nb_answers turned = *y;
    nb_tensor *out = nb_channels_last(ctx, last), *cost = NULL;
    turned.y = !out ? NULL : numbers ? as_targets(ctx, net, y->y) : nb_channels_last(ctx, y->y);
    if (turned.y && counts_places(net, y->y))
        cost = cost_of_places(ctx, net, fused, out, &turned, NULL);
    else if (turned.y)
        cost = cost_of_rows(ctx, net, fused, out, &turned);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, turned.y);
    return cost;
}

/* A function of the host sees space as the network gives it. */
static nb_tensor *host_cost_of_space(nb_ctx *ctx, const nb_net *net, nb_tensor *last,
                                     const nb_answers *y)
{
    nb_answers seen = *y;
    nb_tensor *hot = as_targets(ctx, net, y->y), *cost = NULL;
    seen.y = !hot ? NULL : hot == y->y ? nb_tensor_retain(hot) : channels_first(ctx, hot);
    if (seen.y) cost = cost_of_rows(ctx, net, NB_OPS, last, &seen);
    nb_tensor_release(ctx, hot);
    nb_tensor_release(ctx, seen.y);
    return cost;
}

/* C from the last layer's result. Of steps the mean is over all of them that are real. */
static nb_tensor *cost_of(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                          const nb_answers *y, nb_tensor *lengths)
{
    nb_reading reading = nb_net_out(net)->reading;
    if (reading == NB_SPACE && net->cost.type->host) return host_cost_of_space(ctx, net, last, y);
    if (reading == NB_SPACE) return cost_of_space(ctx, net, fused, last, y);
    if (reading != NB_STEPS) return cost_of_rows(ctx, net, fused, last, y);
    if (check_steps(ctx, last, y->y) != NB_OK) return NULL;
    return cost_of_places(ctx, net, fused, last, y, lengths);
}

nb_tensor *nb_net_cost_of(nb_ctx *ctx, const nb_net *net, nb_tensor *output, nb_tensor *y)
{
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *cost = cost_of(ctx, net, nb_net_fused(net), output, &(nb_answers){.y = y}, NULL);
    ctx->recording = recording;
    return cost;
}

nb_tensor *nb_net_cost_from(nb_ctx *ctx, const nb_net *net, nb_tensor *a, const nb_answers *y,
                            nb_tensor *lengths)
{
    return cost_of(ctx, net, NB_OPS, a, y, lengths);
}

/* Through the layers that the pass takes; where it begins with the first, x is what comes from
 * outside and is seen in the network's scale. */
static nb_tensor *walk_from(nb_walk *walk, nb_tensor *x, nb_output give)
{
    nb_net *net = walk->net;
    int first = walk->mode.first;
    nb_tensor *in =
        first ? nb_tensor_retain(x) : nb_schema_seen(walk->ctx, &net->schema, x, net->dtype);
    nb_tensor *out = in ? nb_walk_from(walk, &net->layer, first, in, give) : NULL;
    nb_tensor_release(walk->ctx, in);
    return out;
}

nb_status nb_net_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                     const nb_observer *observer, nb_result *result)
{
    nb_op_id fused = y ? nb_net_fused(net) : NB_OPS;
    nb_walk walk = {.ctx = ctx, .net = net, .observer = observer, .place = -1};
    bool recording = ctx->recording;
    if (mode) walk.mode = *mode;
    if (observer && observer->begin) observer->begin(&walk, observer->self);
    *result = (nb_result){.output = NULL};
    if (y && nb_net_check_cost(ctx, net) != NB_OK) return ctx->status;
    ctx->recording = walk.mode.taped;
    if (nb_walk_begin(&walk, x) == NB_OK)
        result->output = walk_from(&walk, x, takes_z(net, fused) ? NB_GIVE_Z : NB_GIVE_A);
    nb_tensor *lengths = nb_walk_lengths(&walk, nb_net_out(net)->size[0]);
    if (result->output && lengths) result->lengths = nb_tensor_retain(lengths);
    if (result->output && y)
        result->cost =
            cost_of(ctx, net, fused, result->output, &(nb_answers){y, walk.mode.weights}, lengths);
    nb_walk_end(&walk);
    ctx->recording = recording;
    if (result->output && (result->cost || !y)) return NB_OK;
    nb_result_free(ctx, result);
    return ctx->status;
}

void nb_result_free(nb_ctx *ctx, nb_result *result)
{
    nb_tensor_release(ctx, result->output);
    nb_tensor_release(ctx, result->cost);
    nb_tensor_release(ctx, result->lengths);
    *result = (nb_result){.output = NULL};
}

bool nb_net_takes_alone(const nb_ctx *ctx, const nb_net *net, const nb_tensor *x)
{
    const nb_form *in = nb_net_in(net);
    int layers = net->layer.children;
    bool fits = x->dims == 1 && in->dims == 1 && x->shape[0] == in->size[0];
    return fits && x->dtype == net->dtype && !net->schema.scale && layers > 0 && !ctx->apart &&
           !ctx->witness && nb_chain_length(net->layer.child, layers) == layers &&
           net->layer.child[layers - 1]->plan->runs->kernels;
}

nb_tensor *nb_net_forward_alone(nb_ctx *ctx, nb_net *net, nb_tensor *x)
{
    nb_walk walk = {.ctx = ctx, .net = net};
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *out = nb_walk_chain(&walk, &net->layer, x);
    ctx->recording = recording;
    return out;
}

nb_tensor *nb_net_forward(nb_ctx *ctx, nb_net *net, nb_tensor *x)
{
    nb_result result;
    return nb_net_run(ctx, net, x, NULL, NULL, NULL, &result) == NB_OK ? result.output : NULL;
}

nb_status nb_net_back(nb_ctx *ctx, nb_tensor *cost, const nb_mode *mode,
                      const nb_backward_options *options)
{
    nb_backward_options own = *options;
    if (!mode->delta) return nb_backward(ctx, cost, options);
    own.delta = nb_tensor_scalar(ctx, cost->dtype, *mode->delta);
    nb_status status = own.delta ? nb_backward(ctx, cost, &own) : ctx->status;
    nb_tensor_release(ctx, own.delta);
    return status;
}
