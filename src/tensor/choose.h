/* Choosing at random among things that are counted from 1: permutations, draws by weight. */
#ifndef NB_CHOOSE_H
#define NB_CHOOSE_H

#include "base/random.h"
#include "tensor/tensor.h"

/* A permutation of 1 … n in a contiguous 1-dimensional i32 tensor of n. */
nb_status nb_fill_permutation(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream);

/* n indices for every row (last dimension) of weights, each drawn with a probability proportional
 * to its weight: i32, shape (…, n). Without replacement no index comes twice: they come as if drawn
 * one after the other, each among those that are left. NB_EVALUE for weights that are negative,
 * NaN or infinite, for a row whose weights are all zero or, without replacement, has fewer than n
 * that are not; NB_ESHAPE for weights without dimensions. */
nb_tensor *nb_multinomial(nb_ctx *ctx, nb_tensor *weights, int64_t n, bool replacement,
                          nb_stream *stream);

#endif
