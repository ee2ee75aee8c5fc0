/* group_norm: the channels of each example in groups, each group brought to mean 0 and variance 1
 * over its channels and all places, then scaled and shifted channel by channel (Wu and He, 2018).
 */
#include "nn/layers/norms.h"

#include "base/arith.h"
#include "base/family.h"

#include <stddef.h>

typedef struct group_settings {
    nb_layer_head head;
    int64_t groups;
    double epsilon;
} group_settings;

static const group_settings *settings_of(const nb_layer *layer)
{
    return (const group_settings *)layer->settings;
}

static nb_status check_groups(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan,
                              int64_t channels)
{
    long long groups = settings_of(layer)->groups;
    if (channels % groups != 0)
        return nb_fail(ctx, NB_EARG, "%s: %lld groups do not divide %lld channels, %lld would",
                       plan->where, groups, (long long)channels,
                       (long long)nb_divisor_near(channels, groups));
    bool alone = !nb_form_is_free(&plan->in) && nb_form_count(&plan->in) == groups;
    if (!alone) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: a group of one value gives its shift whatever comes; make fewer groups "
                   "than %lld",
                   plan->where, groups);
}

static nb_status plan_group_norm(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    int dim;
    nb_status status = nb_plan_channels(planner, layer, plan, &dim);
    if (status == NB_OK)
        status = check_groups(nb_plan_ctx(planner), layer, plan, plan->in.size[dim]);
    if (status != NB_OK) return status;
    return nb_plan_gain_and_shift(planner, layer, plan, plan->in.size[dim]);
}

/* (n, T, c) to (n, c, T), and back. */
static nb_tensor *turned(nb_ctx *ctx, nb_tensor *x)
{
    nb_call call = {.op = nb_ops[NB_OP_permute], .in = {x}, .inputs = 1};
    call.attr.dims = (nb_dims){.count = 3, .at = {0, 2, 1}};
    return nb_op_call(ctx, &call);
}

/* Channels first; lengths NULL: nothing is padded. */
static nb_tensor *normalised(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_tensor *lengths)
{
    nb_call call = {
        .op = nb_ops[NB_OP_group_norm],
        .in = {x, nb_walk_param(walk, layer, 0), nb_walk_param(walk, layer, 1), lengths},
        .inputs = lengths ? 4 : 3,
        .attr.channels = {.groups = settings_of(layer)->groups,
                          .epsilon = settings_of(layer)->epsilon}};
    nb_tensor *y = nb_op_call(walk->ctx, &call);
    if (!y && walk->ctx->status == NB_ESHAPE) nb_fail_in(walk->ctx, "%s", layer->plan->where);
    return y;
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    (void)give;
    if (layer->plan->in.reading != NB_STEPS) return normalised(walk, layer, x, NULL);
    nb_tensor *first = turned(ctx, x), *out = NULL;
    nb_tensor *y =
        first ? normalised(walk, layer, first, nb_walk_lengths(walk, layer->plan->in.size[0]))
              : NULL;
    if (y) out = nb_then1(ctx, NB_OP_contiguous, turned(ctx, y));
    nb_tensor_release(ctx, first);
    nb_tensor_release(ctx, y);
    return out;
}

static const char *whole(const nb_layer *layer)
{
    (void)layer;
    return "takes the mean and variance of all steps";
}

static const nb_option options[] = {
    {.name = "groups",
     .help = "of the channels, as many in each",
     .range = "a whole number from 1 to 2147483648",
     .low = 1,
     .high = NB_SIZE_MAX,
     .kind = NB_INTEGER,
     .place = 1,
     .required = true,
     .offset = offsetof(group_settings, groups)},
    NB_OPTION_EPSILON(group_settings),
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_group_norm) = {
    .name = "group_norm",
    .help =
        "Brings each group of channels of an example to mean 0 and variance 1 over its channels "
        "and all places, then scales and shifts each channel: gain (x - mean) / √(variance + "
        "epsilon) + shift.",
    .usage = "group_norm GROUPS [OPTIONS]; nn.group_norm(4)",
    .example = "nn.net \"4x6x6 - group_norm 2 - flatten - 10\"",
    .samples = "6 - group_norm 2 - 3; 4x3x2 - group_norm 2 epsilon=0.25 - flatten - 2; "
               "*x4 - group_norm 2 - 3; 3x4 - group_norm 3 - flatten - 2",
    .options = options,
    .streaming = NB_STREAM_NEVER,
    .whole = whole,
    .plan = plan_group_norm,
    .forward = forward,
};
