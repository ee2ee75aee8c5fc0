/* How what flows through a network is measured: one pass of backpropagation with everything kept,
 * over examples that stand evenly in a set. */
#ifndef NB_FLOWING_H
#define NB_FLOWING_H

#include "nn/train/judge/weights.h"
#include "nn/train/run/flow.h"

/* Writes the figures of all places as the network stands, evaluating, into `out`, a list with a row
 * for each of its places. weights: of the set's examples. Changes nothing of the network. */
nb_status nb_flow_measure(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                          double *out);

#endif
