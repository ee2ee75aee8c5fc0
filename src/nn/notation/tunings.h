/* How the layers and neurons of a network learn, as text beside its notation, which says only what
 * is frozen whole. One line each, what is as usual left out; paths below the network, numbers from
 * 1, `-` for no name:
 *
 *   layer PATH FACTOR
 *   decay PATH all|none
 *   neuron PATH NUMBER frozen|learns FACTOR NAME */
#ifndef NB_TUNINGS_H
#define NB_TUNINGS_H

#include "nn/net/net.h"

/* Adds the lines to text; none where everything is as usual. */
void nb_tunings_write(nb_text *text, const nb_net *net);
/* Sets what the lines say, of a network with storage. NB_EFORMAT for what is no such text, or
 * names what the network has not. */
nb_status nb_tunings_read(nb_ctx *ctx, const char *text, nb_net *net);

#endif
