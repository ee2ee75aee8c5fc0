/* Prices of layers. */
#include "nn/price.h"

#include "grad/activate.h"

/* Whether z is kept beside a. A function of the host may need whatever it likes. */
static bool keeps_z(const nb_runs *runs)
{
    const nb_kernel_runs *kernels = runs->kernels;
    if (!kernels) return true;
    for (int64_t i = 0; i < kernels->count; i++)
        if (nb_unary_needs[kernels->run[i].kernel] == NB_FROM_X) return true;
    return false;
}

nb_price nb_price_of_output(const nb_layer *layer, double times)
{
    return (nb_price){.kept = times * (double)nb_form_count(&layer->plan->out)};
}

nb_price nb_price_usual(const nb_layer *layer)
{
    const nb_plan *plan = layer->plan;
    nb_price price = nb_price_of_output(layer, plan->runs && keeps_z(plan->runs) ? 2 : 1);
    double neurons = plan->neurons ? (double)plan->neurons : 1;
    double places = (double)nb_form_count(&plan->out) / neurons;
    for (int i = 0; i < plan->params && plan->neurons; i++)
        if (plan->param[i].dims > 1) price.products += (double)plan->param[i].count * places;
    return price;
}

nb_price nb_layer_price(const nb_layer *layer)
{
    return layer->type->price ? layer->type->price(layer) : nb_price_usual(layer);
}
