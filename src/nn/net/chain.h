/* Dense layers in a row as calls of one op (grad/ops/dense_chain.c), which gives the bits of layers
 * that go one by one and spares a small network most of its calls, records and blocks.
 *
 * What is kept for it hangs on the plan of the first layer, so it goes when the network is planned
 * anew; activations are compared at every call, and all else (w, b, what is frozen or tied) is read
 * then. Where somebody looks on, layers go one by one; so they do after NABLA_FUSE=0
 * (ctx->apart). */
#ifndef NB_NET_CHAIN_H
#define NB_NET_CHAIN_H

#include "nn/net/walk.h"

/* How many of `left` layers, from child[0] on, one op takes from x; 0: none. */
int nb_walk_chain_length(const nb_walk *walk, nb_layer *const *child, int left, const nb_tensor *x);
/* So many of them, the last of which gives `give`. */
nb_tensor *nb_walk_chain(nb_walk *walk, nb_layer *const *child, int count, nb_tensor *x,
                         nb_output give);

#endif
