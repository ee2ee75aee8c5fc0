/* The dense layer that sees a network's rows as they come, which may be rows of non-zeros
 * (grad/thinned.h): for steps (nn/train/turned.h) and evaluation (nn/train/judge/few.h). */
#ifndef NB_FIRST_H
#define NB_FIRST_H

#include "grad/thinned.h"
#include "nn/net/net.h"

/* The dense layer, the first one or behind flatten; and its own w. NULL: there is none. */
const nb_layer *nb_rows_layer(const nb_net *net);
const nb_param *nb_rows_weight(const nb_layer *layer);
/* Whether that layer may take rows of non-zeros: its w is nobody else's, all activations and the
 * cost are built in; and it does where w holds finite numbers. */
bool nb_rows_taken(const nb_net *net, const nb_layer *layer);
bool nb_rows_finite(const nb_net *net, const nb_layer *layer);
/* What stands for the rows gets the sizes of the network's examples. */
void nb_rows_shape(const nb_net *net, nb_thinned *given);

#endif
