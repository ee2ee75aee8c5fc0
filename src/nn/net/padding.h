/* What functions of the host see of padded steps. */
#ifndef NB_PADDING_H
#define NB_PADDING_H

#include "nn/layer.h"

/* A function of the host (of a layer, or an activation) runs over padding as over real steps, and
 * what it makes there may have no value or no slope, as log at 0 has none: 0 times that is no 0, so
 * it would reach gradients though nothing counts that. So a layer that works on each step alone is
 * fed the last real step of an example in place of its padding; any other function gets zeros
 * there, and zeros stand for what it gives.
 *
 * x, or out, as a layer reads it or hands it on: a new reference, itself where no function takes
 * part. lengths: of its steps, NULL where none is padded. */
nb_tensor *nb_padding_in(nb_ctx *ctx, const nb_layer *layer, nb_tensor *x, nb_tensor *lengths);
nb_tensor *nb_padding_out(nb_ctx *ctx, const nb_layer *layer, nb_tensor *out, nb_tensor *lengths);

#endif
