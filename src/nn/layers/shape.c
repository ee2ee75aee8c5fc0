/* Layers that move no number: flatten, and reshape. */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"
#include "nn/price.h"

#include <stddef.h>
#include <string.h>

/* Both need to know how many numbers come. */
static nb_status check_fixed(nb_ctx *ctx, const nb_layer *layer, const nb_plan *plan)
{
    char text[NB_SHAPE_TEXT];
    if (!nb_form_is_free(&plan->in)) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: %s needs an input of fixed sizes; %s has a free one: write a number for "
                   "the *",
                   plan->where, layer->type->name, nb_form_text(&plan->in, text));
}

/* x: (n, in…) → (n, out…) */
static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    const nb_form *out = &layer->plan->out;
    nb_call call = {.op = nb_ops[NB_OP_reshape], .in = {x}, .inputs = 1};
    (void)give;
    call.attr.sizes.count = out->dims + 1;
    call.attr.sizes.at[0] = x->shape[0];
    memcpy(call.attr.sizes.at + 1, out->size, (size_t)out->dims * sizeof *out->size);
    return nb_op_call(walk->ctx, &call);
}

/* What they give is what came. */
static nb_price price(const nb_layer *layer)
{
    return nb_price_of_output(layer, 0);
}

/* ---- flatten --------------------------------------------------------------------------------- */

static nb_status plan_flatten(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_status status = check_fixed(nb_plan_ctx(planner), layer, plan);
    if (status == NB_OK) plan->out = nb_form_vector(nb_form_count(&plan->in));
    return status;
}

static const char *flatten_whole(const nb_layer *layer)
{
    (void)layer;
    return "puts all steps into one vector";
}

static const nb_option flatten_options[] = {NB_LAYER_PLAIN_OPTIONS, NB_OPTIONS_END};

NB_DESCRIPTOR(nb_layer_type, nb_layer_flatten) = {
    .name = "flatten",
    .help = "All numbers of an example as one vector, the last size running fastest.",
    .usage = "flatten [OPTIONS]; nn.flatten()",
    .example = "nn.net \"1x8x8 - flatten - 30 - 10\"",
    .samples = "2x3 - flatten - 2",
    .options = flatten_options,
    .streaming = NB_STREAM_NEVER,
    .whole = flatten_whole,
    .price = price,
    .moves = true,
    .plan = plan_flatten,
    .forward = forward,
    .edges = nb_edges_same,
};

/* ---- reshape --------------------------------------------------------------------------------- */

typedef struct reshape_settings {
    nb_layer_head head;
    nb_sizes sizes;
} reshape_settings;

static nb_status plan_reshape(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_ctx *ctx = nb_plan_ctx(planner);
    const nb_sizes *to = &((const reshape_settings *)layer->settings)->sizes;
    char in[NB_SHAPE_TEXT], out[NB_SHAPE_TEXT];
    nb_status status = check_fixed(ctx, layer, plan);
    if (status != NB_OK) return status;
    plan->out = nb_form_input(to->count, to->size);
    int64_t count = nb_form_count(&plan->in);
    if (nb_form_count(&plan->out) == count) return NB_OK;
    return nb_fail(
        ctx, NB_ESHAPE, "%s: reshape cannot make %s of %s; the product of its sizes must be %lld",
        plan->where, nb_form_text(&plan->out, out), nb_form_text(&plan->in, in), (long long)count);
}

static const char *reshape_whole(const nb_layer *layer)
{
    (void)layer;
    return "puts the numbers of all steps otherwise";
}

static const nb_option reshape_options[] = {
    {.name = "sizes",
     .help = "of what it gives, their product that of its input's",
     .range = "one to seven sizes from 1, as in 1x28x28",
     .low = 1,
     .high = (double)NB_SIZE_MAX,
     .kind = NB_SIZES,
     .most = NB_MAX_DIMS - 1,
     .place = 1,
     .required = true,
     .offset = offsetof(reshape_settings, sizes)},
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_reshape) = {
    .name = "reshape",
    .help = "The same numbers of an example in other sizes, the last one running fastest.",
    .usage = "reshape SIZES [OPTIONS]; nn.reshape{1, 28, 28}",
    .example = "nn.net \"12 - reshape 3x4 - flatten - 2\"",
    .samples = "6 - reshape 2x3 - flatten - 2",
    .options = reshape_options,
    .streaming = NB_STREAM_NEVER,
    .whole = reshape_whole,
    .price = price,
    .moves = true,
    .plan = plan_reshape,
    .forward = forward,
    .edges = nb_edges_same,
};
