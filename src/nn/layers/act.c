/* act: a layer that only activates, a = f(x), every feature, and of space every channel, a neuron
 * with an f of its own. It has no parameters; its z is what comes in. */
#include "nn/net/plan.h"
#include "nn/net/walk.h"

#include "base/family.h"

#include <stddef.h>

static nb_status plan_act(nb_planner *planner, const nb_layer *layer, nb_plan *plan)
{
    char text[NB_SHAPE_TEXT];
    const nb_form *in = &plan->in;
    int64_t neurons = in->size[nb_form_neuron_dim(in)];
    if (neurons < 0)
        return nb_fail(nb_plan_ctx(planner), NB_ESHAPE,
                       "%s: act needs the number of its neurons; the last size of %s is free",
                       plan->where, nb_form_text(in, text));
    plan->out = *in;
    return nb_plan_neurons(planner, layer, plan, neurons);
}

static nb_tensor *forward(nb_walk *walk, nb_layer *layer, nb_tensor *x, nb_output give)
{
    if (give == NB_GIVE_Z) return nb_tensor_retain(x);
    /* Kept: a function of the host may give the layer other activations while it runs. */
    nb_runs *runs = nb_runs_retain(layer->plan->runs);
    nb_tensor *a = nb_runs_apply_in(walk->ctx, runs, layer->plan->where, x);
    nb_runs_release(walk->ctx, runs);
    return a;
}

static const nb_option options[] = {
    NB_OPTION_ACTIVATION,
    NB_LAYER_PLAIN_OPTIONS,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_layer_type, nb_layer_act) = {
    .name = "act",
    .help = "Only activates: a = f(x) of what comes in, which is its z. It has no weights; softmax "
            "and log_softmax work on features, and on the channels of space.",
    .usage = "act [ACTIVATION] [OPTIONS]; nn.act{activation, option =, …}",
    .example = "net = nn.net \"4 - residual[4 linear] - act tanh - 2\"\n"
               "nn.net{4, nn.dense{3, \"linear\"}, nn.act(nn.relu), 2}",
    .samples = "4 - act tanh softplus@2..3 - 2; *x3 - act softmax - 2",
    .options = options,
    .neurons = true,
    .streaming = NB_STREAM_EACH,
    .plan = plan_act,
    .forward = forward,
    .edges = nb_edges_same,
};
