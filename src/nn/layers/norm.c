/* layer_norm: the numbers of each example, or of each step, brought to mean 0 and variance 1, then
 * scaled and shifted feature by feature (Ba, Kiros and Hinton, 2016). */
#include "nn/layers/norms.h"

#include "base/family.h"

#include <stddef.h>

typedef struct norm_settings {
    nb_layer_head head;
    double epsilon;
} norm_settings;

static double epsilon_of(const nb_layer *layer)
{
    return ((const norm_settings *)layer->settings)->epsilon;
}

static nb_status check_form(nb_ctx *ctx, const nb_plan *plan)
{
    char text[NB_SHAPE_TEXT], readings[NB_READINGS_TEXT];
    const nb_form *in = &plan->in;
    nb_form_text(in, text);
    if (in->reading == NB_OPEN)
        return nb_fail(ctx, NB_ESHAPE, "%s: layer_norm takes a vector, or steps of features; %s",
                       plan->where, nb_form_readings(in, NB_AS_VECTOR | NB_AS_STEPS, readings));
    if (in->reading == NB_SPACE)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: layer_norm takes features, not the space %s; "
                       "group_norm 1 does that",
                       plan->where, text);
    if (in->size[in->dims - 1] < 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: layer_norm needs the number of its features; the size of %s is free",
                       plan->where, text);
    if (in->size[in->dims - 1] == 1)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: layer_norm of one feature gives its shift whatever comes; it needs "
                       "at least 2",
                       plan->where);
    return NB_OK;
}

static nb_status plan_layer_norm(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    nb_status status = check_form(ctx, plan);
    if (status != NB_OK) return status;
    plan->out = plan->in;
    return nb_plan_gain_and_shift(planner, layer, plan, plan->in.size[plan->in.dims - 1]);
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_call call = {.op = nb_ops[NB_OP_layer_norm],
                    .in = {x, nb_walk_param(walk, layer, 0), nb_walk_param(walk, layer, 1)},
                    .inputs = 3,
                    .attr.unary.p = epsilon_of(layer)};
    (void)give;
    return nb_op_call(walk->ctx, &call);
}

static const nb_option options[] = {
    NB_OPTION_EPSILON(norm_settings),
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_layer_norm) = {
    .name = "layer_norm",
    .help = "Brings the features of each example, or step, to mean 0 and variance 1, then scales "
            "and shifts each: gain (x - mean) / √(variance + epsilon) + shift.",
    .usage = "layer_norm [OPTIONS]; nn.layer_norm{epsilon =}",
    .example = "nn.net \"8 - residual[layer_norm - 16 gelu - 8 linear] - 2\"",
    .samples = "4 - layer_norm - 2; *x3 - layer_norm epsilon=0.1 - 2",
    .options = options,
    .streaming = NB_STREAM_EACH,
    .plan = plan_layer_norm,
    .forward = forward,
};
