/* The cost of a pass and what backpropagation makes of it. */
#include "nn/net/pass.h"

#include "base/text.h"
#include "grad/tape.h"
#include "kernel/kernel.h"
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
    const nb_activation_type *last = nb_net_last_activation(net).type;
    return fused != NB_OPS && last && !last->host;
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

/* (n, T, …) as (n T, …), of padded ones the real steps: each counts as an example of its own. */
static nb_tensor *step_rows(nb_ctx *ctx, nb_tensor *t, nb_tensor *lengths)
{
    if (lengths) return nb_op2(ctx, NB_OP_pack_steps, t, lengths);
    nb_call call = {.op = nb_ops[NB_OP_reshape], .in = {t}, .inputs = 1};
    struct nb_attr_sizes *sizes = &call.attr.sizes;
    sizes->at[0] = t->shape[0] * t->shape[1];
    for (int i = 2; i < t->dims; i++) sizes->at[i - 1] = t->shape[i];
    sizes->count = t->dims - 1;
    return nb_op_call(ctx, &call);
}

static nb_tensor *cost_of_rows(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                               const nb_answers *y)
{
    return nb_cost_of(ctx, &net->cost, fused, nb_net_last_activation(net), last, y);
}

/* Weights (n, T) of all steps, or (n) of examples, of which each weighs all of its steps, as rows.
 */
static nb_tensor *step_weights(nb_ctx *ctx, nb_tensor *weights, int64_t steps, nb_tensor *lengths)
{
    const int64_t all[2] = {weights->shape[0], steps};
    const int64_t one[2] = {weights->shape[0], 1};
    nb_tensor *column =
        weights->dims == 1 ? nb_tensor_reshape(ctx, weights, 2, one) : nb_tensor_retain(weights);
    nb_tensor *each = column ? nb_tensor_expand(ctx, column, 2, all) : NULL;
    nb_tensor *rows = each ? step_rows(ctx, each, lengths) : NULL;
    nb_tensor_release(ctx, column);
    nb_tensor_release(ctx, each);
    return rows;
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

/* Space with its channels last, where costs look for what belongs together. */
static nb_tensor *channels_last(nb_ctx *ctx, nb_tensor *t)
{
    nb_call call = {.op = nb_ops[NB_OP_permute], .in = {t}, .inputs = 1};
    call.attr.dims.count = t->dims;
    for (int i = 1; i < t->dims; i++) call.attr.dims.at[i] = i == t->dims - 1 ? 1 : i + 1;
    return nb_op_call(ctx, &call);
}

static nb_tensor *cost_of_space(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                                const nb_answers *y)
{
    nb_answers turned = *y;
    nb_tensor *out = channels_last(ctx, last), *cost = NULL;
    turned.y = out ? channels_last(ctx, y->y) : NULL;
    if (turned.y) cost = cost_of_rows(ctx, net, fused, out, &turned);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, turned.y);
    return cost;
}

/* C from the last layer's result. Of steps the mean is over all of them that are real. A function
 * of the host sees space as the network gives it. */
static nb_tensor *cost_of(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                          const nb_answers *y, nb_tensor *lengths)
{
    nb_reading reading = nb_net_out(net)->reading;
    if (reading == NB_SPACE && !net->cost.type->host)
        return cost_of_space(ctx, net, fused, last, y);
    if (reading != NB_STEPS) return cost_of_rows(ctx, net, fused, last, y);
    if (check_steps(ctx, last, y->y) != NB_OK) return NULL;
    nb_answers each = {.y = NULL};
    nb_tensor *rows = step_rows(ctx, last, lengths), *cost = NULL;
    if (rows) each.y = step_rows(ctx, y->y, lengths);
    if (each.y && y->weights) each.weights = step_weights(ctx, y->weights, last->shape[1], lengths);
    if (each.y && !y->weights == !each.weights) cost = cost_of_rows(ctx, net, fused, rows, &each);
    nb_tensor_release(ctx, rows);
    nb_tensor_release(ctx, each.y);
    nb_tensor_release(ctx, each.weights);
    return cost;
}

nb_tensor *nb_net_cost_from(nb_ctx *ctx, const nb_net *net, nb_tensor *a, nb_tensor *y,
                            nb_tensor *lengths)
{
    return cost_of(ctx, net, NB_OPS, a, &(nb_answers){.y = y}, lengths);
}

nb_status nb_net_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                     const nb_observer *observer, nb_result *result)
{
    nb_op_id fused = y ? nb_net_fused(net) : NB_OPS;
    nb_walk walk = {.ctx = ctx, .net = net, .observer = observer, .place = -1};
    bool recording = ctx->recording;
    if (mode) walk.mode = *mode;
    *result = (nb_result){.output = NULL};
    if (y && nb_net_check_cost(ctx, net) != NB_OK) return ctx->status;
    ctx->recording = walk.mode.taped;
    if (nb_walk_begin(&walk, x) == NB_OK)
        result->output =
            nb_walk_branch(&walk, &net->layer, 0, x, takes_z(net, fused) ? NB_GIVE_Z : NB_GIVE_A);
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

nb_tensor *nb_net_forward(nb_ctx *ctx, nb_net *net, nb_tensor *x)
{
    nb_result result;
    return nb_net_run(ctx, net, x, NULL, NULL, NULL, &result) == NB_OK ? result.output : NULL;
}

/* ---- Where a NaN began ----------------------------------------------------------------------- */

/* True when no element is NaN or infinite. */
static bool all_finite(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *whole = nb_dtype_computes(t->dtype) ? nb_tensor_contiguous(ctx, t) : NULL;
    if (!whole) return true;
    bool finite =
        nb_real(whole->dtype)->finite((size_t)nb_tensor_count(whole), nb_tensor_data(whole));
    nb_tensor_release(ctx, whole);
    return finite;
}

/* Remembers the first layer whose output is not finite; blocks come behind what is in them. */
static nb_status look(nb_walk *walk, void *self, nb_layer *layer, nb_tensor *a)
{
    const nb_layer **first = self;
    if (!*first && !all_finite(walk->ctx, a)) *first = layer;
    return NB_OK;
}

/* What is not finite first on the way to the cost, or NULL. The pass is run again as it ran, only
 * that nothing is staged; a second failure on the way says nothing more. */
static const char *find_culprit(nb_ctx *ctx, nb_net *net, nb_tensor *x, const nb_mode *mode)
{
    const nb_layer *first = NULL;
    const nb_observer observer = {.a = look, .self = &first};
    nb_mode again = *mode;
    nb_result result;
    again.taped = false;
    again.staged = NULL;
    again.state = NULL;
    if (!all_finite(ctx, x)) return "x";
    nb_net_run(ctx, net, x, NULL, &again, &observer, &result);
    nb_result_free(ctx, &result);
    return first ? first->plan->where : NULL;
}

static nb_status bad_cost(nb_ctx *ctx, nb_net *net, nb_tensor *x, const nb_mode *mode, double cost)
{
    char text[NB_NUMBER_MAX];
    const char *name = find_culprit(ctx, net, x, mode);
    nb_number_text(cost, text);
    if (name) return nb_fail(ctx, NB_EVALUE, "the cost is %s: %s is not finite", text, name);
    return nb_fail(ctx, NB_EVALUE, "the cost is %s", text);
}

/* ---- Learning -------------------------------------------------------------------------------- */

nb_status nb_net_learn(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                       const nb_sink *sink, double *cost)
{
    nb_result pass;
    nb_mode taped = mode ? *mode : (nb_mode){.learning = false};
    taped.taped = true;
    nb_status status = nb_net_run(ctx, net, x, y, &taped, NULL, &pass);
    if (status != NB_OK) return status;
    nb_backward_options options = {.sinks = sink, .sink_count = sink ? 1 : 0};
    uint64_t before = net->home->pass;
    *cost = nb_tensor_item(pass.cost);
    if (!isfinite(*cost)) status = bad_cost(ctx, net, x, &taped, *cost);
    if (status == NB_OK && pass.cost->link) status = nb_backward(ctx, pass.cost, &options);
    /* A cost that depends on no parameter has a gradient too. */
    if (status == NB_OK && !sink && net->home->pass == before) nb_home_clear(net->home);
    nb_result_free(ctx, &pass);
    return status;
}

nb_status nb_net_backprop(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, double *cost)
{
    return nb_net_learn(ctx, net, x, y, NULL, NULL, cost);
}
