/* batch_norm: each feature, of space each channel, brought to mean 0 and variance 1 over the batch
 * and all places, then scaled and shifted (Ioffe and Szegedy, 2015). Learning, the figures are the
 * batch's own, and running ones follow them; evaluating, they are the running ones. */
#include "nn/layers/norms.h"

#include "base/family.h"

#include <stddef.h>

typedef struct batch_settings {
    nb_layer_head head;
    double epsilon, momentum;
} batch_settings;

enum { MEAN, VARIANCE }; /* its buffers */

static const batch_settings *settings_of(const nb_layer *layer)
{
    return (const batch_settings *)layer->settings;
}

static nb_status plan_batch_norm(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    int dim;
    nb_status status = nb_plan_channels(planner, layer, plan, &dim);
    if (status != NB_OK) return status;
    const int64_t *channels = &plan->in.size[dim];
    nb_param_plan mean = {.name = "mean", .dims = 1, .shape = channels, .neuron_dim = -1};
    nb_param_plan variance = {.name = "variance", .dims = 1, .shape = channels, .neuron_dim = -1};
    mean.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    variance.init = nb_init_of(nb_inits[NB_INIT_ones]);
    status = nb_plan_gain_and_shift(planner, layer, plan, *channels);
    bool whole = status == NB_OK && nb_plan_buffer(planner, layer, plan, &mean) &&
                 nb_plan_buffer(planner, layer, plan, &variance);
    return whole ? NB_OK : nb_plan_ctx(planner)->status;
}

static nb_call call_of(const nb_walk *walk, const nb_layer *layer, nb_op_id op, nb_tensor *x)
{
    return (nb_call){.op = nb_ops[op],
                     .in = {x, nb_walk_param(walk, layer, 0), nb_walk_param(walk, layer, 1)},
                     .inputs = 3,
                     .attr.channels = {.dim = 1 + nb_channel_dim(layer),
                                       .epsilon = settings_of(layer)->epsilon}};
}

/* Running figure i goes towards the batch's by the share `momentum`. */
static nb_status follow(nb_walk *walk, const nb_layer *layer, int i, nb_tensor *batch)
{
    nb_ctx *ctx = walk->ctx;
    nb_tensor *running = nb_walk_buffer(walk, layer, i);
    nb_tensor *step = nb_op2(ctx, NB_OP_sub, batch, running);
    step = nb_then_number(ctx, NB_OP_mul, step, settings_of(layer)->momentum);
    nb_tensor *moved = nb_then2(ctx, NB_OP_add, step, running);
    nb_status status = moved ? nb_walk_stage(walk, layer, i, moved) : ctx->status;
    nb_tensor_release(ctx, moved);
    return status;
}

static nb_status follow_both(nb_walk *walk, const nb_layer *layer, nb_tensor *const *batch)
{
    nb_ctx *ctx = walk->ctx;
    bool recording = ctx->recording;
    if (!walk->mode.staged) return NB_OK;
    ctx->recording = false;
    nb_status status = follow(walk, layer, MEAN, batch[MEAN]);
    if (status == NB_OK) status = follow(walk, layer, VARIANCE, batch[VARIANCE]);
    ctx->recording = recording;
    return status;
}

/* By the batch's own figures; padding has no part in them. */
static nb_tensor *by_batch(nb_walk *walk, nb_layer *layer, nb_tensor *x)
{
    nb_ctx *ctx = walk->ctx;
    nb_call call = call_of(walk, layer, NB_OP_batch_norm, x);
    bool steps = layer->plan->in.reading == NB_STEPS;
    nb_tensor *lengths = steps ? nb_walk_lengths(walk, layer->plan->in.size[0]) : NULL;
    if (lengths) call.in[call.inputs++] = lengths;
    nb_tensor *y = nb_op_call(ctx, &call);
    nb_status status = y ? follow_both(walk, layer, call.more) : ctx->status;
    if (!y && status == NB_ESHAPE) nb_fail_in(ctx, "%s", layer->plan->where);
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, call.more[i]);
    if (status == NB_OK) return y;
    nb_tensor_release(ctx, y);
    return NULL;
}

/* A frozen layer stays as it is, its figures too. */
static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    (void)give;
    bool learning = walk->mode.learning && !layer->head.frozen;
    if (learning || walk->mode.by_batch) return by_batch(walk, layer, x);
    nb_call call = call_of(walk, layer, NB_OP_apply_norm, x);
    call.in[call.inputs++] = nb_walk_buffer(walk, layer, MEAN);
    call.in[call.inputs++] = nb_walk_buffer(walk, layer, VARIANCE);
    return nb_op_call(walk->ctx, &call);
}

static const nb_option options[] = {
    NB_OPTION_EPSILON(batch_settings),
    {.name = "momentum",
     .help = "how far the running mean and variance go towards those of a batch",
     .range = "a number from 0 to 1",
     .value = 0.1,
     .high = 1,
     .kind = NB_NUMBER,
     .offset = offsetof(batch_settings, momentum)},
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_batch_norm) = {
    .name = "batch_norm",
    .help =
        "Brings each feature, of space each channel, to mean 0 and variance 1 over the batch and "
        "all places, then scales and shifts: gain (x - mean) / √(variance + epsilon) + shift. "
        "Evaluating takes the buffers mean and variance, which follow the batches' (of n - 1) "
        "while learning; so does a frozen layer. A batch in pieces has the figures of all of "
        "them, in other processes too; a network that a function calls, those of its piece.",
    .usage = "batch_norm [OPTIONS]; nn.batch_norm{momentum =}",
    .example = "net = nn.net \"1x8x8 - batch_norm - flatten - 30 - batch_norm - 10\"\n"
               "net[1].mean, net[4].variance",
    .samples = "4 - 3 tanh - batch_norm - 2; 2x3x2 - batch_norm epsilon=0.25 - flatten - 2; "
               "*x3 - batch_norm momentum=0.5 - 2; 4x3 - batch_norm - flatten - 2",
    .options = options,
    .streaming = NB_STREAM_EACH,
    .normalises = true,
    .plan = plan_batch_norm,
    .forward = forward,
};
