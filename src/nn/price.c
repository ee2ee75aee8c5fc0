/* Prices of layers and networks. */
#include "nn/price.h"

#include "grad/activate.h"

#include <math.h>

/* Whether z is kept beside a. A function of the host may need whatever it likes. */
static bool keeps_z(const nb_runs *runs)
{
    return !runs->kernels || nb_runs_need_z(runs->kernels);
}

double nb_price_products(const nb_layer *layer, double places)
{
    double weights = 0;
    if (layer->plan->tied) weights = (double)nb_layer_param(layer, "w")->count;
    for (int i = 0; i < layer->plan->params; i++)
        if (layer->plan->param[i].dims > 1) weights += (double)layer->plan->param[i].count;
    return weights * places;
}

nb_price nb_price_of_output(const nb_layer *layer, double times)
{
    return (nb_price){.kept = times * (double)nb_form_count(&layer->plan->out)};
}

nb_price nb_price_usual(const nb_layer *layer)
{
    const nb_plan *plan = layer->plan;
    nb_price price = nb_price_of_output(layer, plan->runs && keeps_z(plan->runs) ? 2 : 1);
    if (plan->neurons)
        price.products =
            nb_price_products(layer, (double)nb_form_count(&plan->out) / (double)plan->neurons);
    return price;
}

nb_price nb_layer_price(const nb_layer *layer)
{
    return layer->type->price ? layer->type->price(layer) : nb_price_usual(layer);
}

nb_extent nb_net_extent(const nb_net *net, int64_t width)
{
    int64_t in = nb_form_count(nb_net_in(net)), widest = in, all = 0;
    for (int i = 0; i < net->parts; i++) {
        const nb_plan *plan = net->part[i]->plan;
        int64_t numbers = nb_form_count(&plan->in) + nb_form_count(&plan->out);
        if (numbers > widest) widest = numbers;
        all += numbers;
    }
    double times = (double)width / (double)in;
    return (nb_extent){(double)widest * times, (double)all * times, times};
}

double nb_net_reuse(const nb_net *net, const nb_extent *extent)
{
    double products = 0;
    for (int i = 0; i < net->parts; i++) products += nb_layer_price(net->part[i]).products;
    return products * extent->times / fmax(1, (double)nb_net_count(net));
}
