/* Dense layers in a row as calls of one op (grad/ops/dense_chain.c), which gives the bits of layers
 * that go one by one and spares a small network most of its calls, records and blocks.
 *
 * What is kept for it hangs on the plan of the first layer, so it goes when the network is planned
 * anew; activations are compared at every call, and all else (w, b, what is frozen or tied) is the
 * call's. */
#ifndef NB_NET_CHAIN_H
#define NB_NET_CHAIN_H

#include "grad/chain.h"
#include "nn/layer.h"

/* How many of `left` layers, from child[0] on, one op takes; 0: none. */
int nb_chain_length(nb_layer *const *child, int left);
/* So many of them from in[0], x, with w and b of each behind it: the last one's z, or its a, which
 * is asked of activations that are kernels alone. rows: x is of several pieces; or NULL. */
nb_tensor *nb_chain_run(nb_ctx *ctx, nb_layer *const *child, int count, nb_tensor *const *in,
                        bool z, const nb_piled *rows);

#endif
