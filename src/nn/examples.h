/* Examples as a network takes them. */
#ifndef NB_EXAMPLES_H
#define NB_EXAMPLES_H

#include "nn/net/net.h"

/* Examples for this net: x as (n, in_shape…) in its dtype. *single says that x was one example.
 * NULL with NB_ESHAPE "x has 60 values an example; the network takes 64". */
nb_tensor *nb_net_inputs(nb_ctx *ctx, const nb_net *net, nb_tensor *x, bool *single);
/* Targets (n, out_shape…) in its dtype from targets or class numbers 1…K (any dtype, one dimension
 * fewer, more than one output). NB_EARG for classes outside, with a word about counting from 0. */
nb_tensor *nb_net_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n);

#endif
