/* dense: every neuron is connected to every input. z = x wᵀ + b, a = f(z); on steps, at each. */
#include "nn/net/plan.h"
#include "nn/net/walk.h"
#include "nn/sums.h"

#include "base/family.h"

#include <stddef.h>

typedef struct dense_settings {
    nb_layer_head head;
    int64_t units;
    bool bias;
    char tied[NB_NAME_MAX]; /* "" for a weight of its own */
} dense_settings;

static const dense_settings *settings(const nb_layer *layer)
{
    return (const dense_settings *)layer->settings;
}

static nb_status check_form(nb_ctx *ctx, const nb_plan *plan)
{
    char text[NB_SHAPE_TEXT], readings[NB_READINGS_TEXT];
    const nb_form *in = &plan->in;
    nb_form_text(in, text);
    if (in->reading == NB_OPEN)
        return nb_fail(ctx, NB_ESHAPE, "%s: dense takes a vector, or steps of features; %s",
                       plan->where, nb_form_readings(in, NB_AS_VECTOR | NB_AS_STEPS, readings));
    if (in->reading == NB_SPACE)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: dense takes a vector, not the space %s; put flatten before it",
                       plan->where, text);
    if (in->size[in->dims - 1] < 0)
        return nb_fail(ctx, NB_ESHAPE,
                       "%s: dense needs the number of its inputs; the size of %s is free",
                       plan->where, text);
    return NB_OK;
}

static nb_status plan_dense(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    nb_status status = check_form(nb_plan_ctx(planner), plan);
    if (status != NB_OK) return status;
    int64_t units = settings(layer)->units, inputs = plan->in.size[plan->in.dims - 1];
    plan->out = plan->in;
    plan->out.size[plan->out.dims - 1] = units;
    status = nb_plan_neurons(planner, layer, plan, units);
    if (status != NB_OK) return status;
    const int64_t shape[2] = {units, inputs};
    nb_param_plan w = {.name = "w", .dims = 2, .shape = shape};
    nb_param_plan b = {.name = "b", .dims = 1, .shape = shape};
    b.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    if (*settings(layer)->tied)
        status = nb_plan_tie(planner, plan, settings(layer)->tied, 2, shape);
    else if (!nb_plan_param(planner, layer, plan, &w))
        status = nb_plan_ctx(planner)->status;
    if (status != NB_OK || !settings(layer)->bias) return status;
    return nb_plan_param(planner, layer, plan, &b) ? NB_OK : nb_plan_ctx(planner)->status;
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    nb_ctx *ctx = walk->ctx;
    /* Kept: a function of the host may give the layer other activations while it runs. */
    nb_runs *runs = nb_runs_retain(layer->plan->runs);
    bool fused = give == NB_GIVE_A && runs->kernels;
    nb_tensor *b = nb_walk_biases(walk, layer);
    nb_call call = {.op = nb_ops[NB_OP_dense],
                    .in = {x, nb_walk_weight(walk, layer), b},
                    .inputs = 3,
                    .attr.shared = fused ? &runs->kernels->head : NULL};
    nb_tensor *out = b ? nb_op_call(ctx, &call) : NULL;
    if (out && give == NB_GIVE_A && !fused) {
        nb_tensor *a = nb_runs_apply_in(ctx, runs, layer->plan->where, out);
        nb_tensor_release(ctx, out);
        out = a;
    }
    nb_tensor_release(ctx, b);
    nb_runs_release(ctx, runs);
    return out;
}

/* ---- z = w a + b ------------------------------------------------------------------------------
 */

static nb_neurons family(const nb_layer *layer, int i)
{
    const nb_form *in = &layer->plan->in;
    (void)i;
    return (nb_neurons){.count = layer->plan->neurons, .inputs = in->size[in->dims - 1]};
}

static int stretches(const nb_layer *layer, int i, int64_t k, nb_stretch out[NB_STRETCHES])
{
    (void)i;
    return nb_sums_stretches(layer, k, out);
}

static nb_tensor *rows(nb_ctx *ctx, const nb_layer *layer, int i, nb_tensor *in)
{
    const int64_t shape[3] = {in->shape[0], -1, in->shape[in->dims - 1]};
    (void)layer, (void)i;
    return nb_tensor_reshape(ctx, in, 3, shape);
}

static const nb_sums_type sums = {nb_sums_one, family, stretches, rows};

static void edges(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self)
{
    const nb_plan *plan = joint->layer->plan;
    int64_t inputs = plan->in.size[plan->in.dims - 1], units = plan->neurons;
    int64_t row = out / units * inputs, w = out % units * inputs;
    for (int64_t j = 0; j < inputs; j++) see(self, &(nb_edge){row + j, joint->w[w + j], w + j, j});
}

/* ---- The descriptor ---------------------------------------------------------------------------
 */

static const nb_option options[] = {
    {.name = "units",
     .help = "neurons",
     .range = "a whole number from 1 to 2147483648",
     .low = 1,
     .high = (double)NB_SIZE_MAX,
     .kind = NB_INTEGER,
     .place = 1,
     .required = true,
     .offset = offsetof(dense_settings, units)},
    NB_OPTION_ACTIVATION,
    NB_OPTION_BIAS(dense_settings),
    {.name = "tied",
     .help = "the name of a layer before it whose weight w is this one's too",
     .standard = "none",
     .kind = NB_NAME,
     .offset = offsetof(dense_settings, tied)},
    NB_LAYER_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_dense) = {
    .name = "dense",
    .help = "Neurons that each see every input: a = f(x wᵀ + b), w of shape units × inputs; on "
            "steps, at each of them.",
    .usage = "dense UNITS [ACTIVATION] [OPTIONS]; nn.dense{units, activation, option =, …}",
    .example = "nn.net{4, nn.dense{3, \"tanh\", name = \"hidden\"}, 2}",
    .samples = "3 - dense 4 tanh - 2; *x3 - dense 2 gelu; 3 - 4 relu sigmoid@2 - 2 softmax; * - "
               "embedding 4 3 name=e - 4 tied=e; 3 - 4 tanh bias=false - 2",
    .options = options,
    .neurons = true,
    .streaming = NB_STREAM_EACH,
    .sums = &sums,
    .plan = plan_dense,
    .forward = forward,
    .edges = edges,
};
