/* See first.h. */
#include "nn/net/first.h"

#include "kernel/kernel.h"
#include "nn/net/backprop.h"

#include <math.h>
#include <string.h>

const nb_layer *nb_rows_layer(const nb_net *net)
{
    const nb_layer *top = &net->layer;
    int i = 0;
    while (i < top->children && top->child[i]->type == nb_layer_types[NB_LAYER_flatten]) i++;
    bool dense = i < top->children && top->child[i]->type == nb_layer_types[NB_LAYER_dense];
    return dense ? top->child[i] : NULL;
}

/* Of a layer that has that of another one NULL. */
const nb_param *nb_rows_weight(const nb_layer *layer)
{
    return layer->plan->tied ? NULL : nb_layer_param(layer, "w");
}

static bool lends(const nb_net *net, const nb_layer *layer)
{
    for (int i = 0; i < net->parts; i++)
        if (net->part[i]->plan->tied == layer) return true;
    return false;
}

bool nb_rows_finite(const nb_net *net, const nb_layer *layer)
{
    const nb_param *w = nb_rows_weight(layer);
    const nb_ceiling *known = &net->home->largest;
    if (known->version == net->values->storage->version && isfinite(known->size)) return true;
    return nb_real(net->dtype)->finite((size_t)w->count, nb_tensor_data(w->value));
}

bool nb_rows_taken(const nb_net *net, const nb_layer *layer)
{
    const nb_plan *plan = layer->plan;
    bool alone = plan->uses == 1 && nb_rows_weight(layer) && !lends(net, layer);
    bool vectors = plan->in.dims == 1 && !net->schema.scale && !net->outer;
    return alone && vectors && !nb_net_has_functions(net);
}

void nb_rows_shape(const nb_net *net, nb_thinned *given)
{
    const nb_form *in = nb_net_in(net);
    given->dims = in->dims;
    memcpy(given->shape, in->size, (size_t)in->dims * sizeof *in->size);
}
