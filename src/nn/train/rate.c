/* The learning rate that suits a network. */
#include "nn/train/rate.h"

/* What neurons or inputs that are not all within 0 … 1 take of it. */
#define STEEP_SHARE 0.2

static bool is_gentle(const nb_layer *layer)
{
    const nb_runs *runs = layer->plan->runs;
    const nb_activation_type *type = runs ? nb_runs_main(runs).type : NULL;
    return type && type->low >= 0 && type->high <= 1;
}

double nb_net_rate(const nb_net *net)
{
    const nb_layer *end = nb_layer_end((nb_layer *)(uintptr_t)&net->layer);
    const nb_form *out = nb_net_out(net);
    nb_activation last = end ? nb_runs_main(end->plan->runs) : (nb_activation){.type = NULL};
    /* Of a picture all numbers are one answer, of steps those of one. */
    int64_t units = out->reading == NB_SPACE ? nb_form_count(out) : out->size[out->dims - 1];
    double rate = nb_cost_rate(&net->cost, last, units);
    int hidden = 0, gentle = 0;
    for (int i = 0; i < net->parts; i++) {
        const nb_layer *layer = net->part[i];
        if (layer == end || !(layer->plan->runs || layer->host)) continue;
        hidden++;
        gentle += is_gentle(layer);
    }
    return hidden && gentle == hidden ? rate : STEEP_SHARE * rate;
}

double nb_optimizer_rate(const nb_optimizer *optimizer, const nb_net *net)
{
    const nb_optimizer_type *type = optimizer->type;
    return type->suit ? type->suit(optimizer, nb_net_rate(net)) : optimizer->options.lr;
}
