/* What a layer costs, known from its plan alone. */
#ifndef NB_PRICE_H
#define NB_PRICE_H

#include "nn/layer.h"

nb_price nb_layer_price(const nb_layer *layer);
/* The usual one: every weight (a parameter of two dimensions or more) multiplied once at each place
 * of the output, of which each place has all neurons; the output kept, and z beside a where the
 * slope needs it. */
nb_price nb_price_usual(const nb_layer *layer);
/* Every weight multiplied so often. */
double nb_price_products(const nb_layer *layer, double places);
/* Nothing but the output, so often: of layers that multiply no weights. */
nb_price nb_price_of_output(const nb_layer *layer, double times);

#endif
