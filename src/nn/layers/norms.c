/* What layers that normalise share. */
#include "nn/layers/norms.h"

nb_status nb_plan_gain_and_shift(nb_planner *planner, const nb_layer *layer, nb_plan *plan,
                                 int64_t channels)
{
    nb_param_plan gain = {.name = "gain", .dims = 1, .shape = &channels, .neuron_dim = -1};
    nb_param_plan shift = {.name = "shift", .dims = 1, .shape = &channels, .neuron_dim = -1};
    gain.init = nb_init_of(nb_inits[NB_INIT_ones]);
    shift.init = nb_init_of(nb_inits[NB_INIT_zeros]);
    bool whole =
        nb_plan_param(planner, layer, plan, &gain) && nb_plan_param(planner, layer, plan, &shift);
    return whole ? NB_OK : nb_plan_ctx(planner)->status;
}

int nb_channel_dim(const nb_layer *layer)
{
    return nb_form_neuron_dim(&layer->plan->out);
}

nb_status nb_plan_channels(nb_planner *planner, const nb_layer *layer, nb_plan *plan, int *dim)
{
    char text[NB_SHAPE_TEXT];
    nb_form *out = &plan->out;
    *out = plan->in;
    nb_form_text(out, text);
    if (out->reading == NB_OPEN && out->dims <= 3) out->reading = NB_SPACE;
    *dim = nb_form_neuron_dim(out);
    if (out->reading == NB_OPEN)
        return nb_fail(nb_plan_ctx(planner), NB_ESHAPE,
                       "%s: %s takes a vector, steps, or channels with one or two extents, not %s; "
                       "put reshape before it",
                       plan->where, layer->type->name, text);
    if (out->size[*dim] > 0) return NB_OK;
    return nb_fail(nb_plan_ctx(planner), NB_ESHAPE,
                   "%s: %s needs the number of its channels; that of %s is free: write it for the "
                   "*",
                   plan->where, layer->type->name, text);
}
