/* What a layer costs, known from its plan alone, and a network. */
#ifndef NB_PRICE_H
#define NB_PRICE_H

#include "nn/net/net.h"

nb_price nb_layer_price(const nb_layer *layer);
/* The usual one: every weight (a parameter of two dimensions or more) multiplied once at each place
 * of the output, of which each place has all neurons; the output kept, and z beside a where the
 * slope needs it. */
nb_price nb_price_usual(const nb_layer *layer);
/* Every weight multiplied so often. */
double nb_price_products(const nb_layer *layer, double places);
/* Nothing but the output, so often: of layers that multiply no weights. */
nb_price nb_price_of_output(const nb_layer *layer, double times);

/* What an example is to a network. */
typedef struct nb_extent {
    double widest; /* numbers that one layer reads and writes, of the layer with most, */
    double all;    /* and of all layers together */
    double times;  /* what plans count as 1 is so many */
} nb_extent;

/* Of an example of `width` numbers, which says what the input's free sizes are. */
nb_extent nb_net_extent(const nb_net *net, int64_t width);
/* How often it multiplies a parameter, on average: so many rows it gives to the products. */
double nb_net_reuse(const nb_net *net, const nb_extent *extent);

#endif
