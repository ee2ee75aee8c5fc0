/* A batch whose layers read and write more than a cache holds, slice by slice: some examples go
 * forward and back through the whole network before the next ones do, and add to the same gradient.
 * What a layer writes is still near when the next one reads it, and a pass keeps the memory of a
 * slice alone. Slices are cut by network and shapes, and summed in their order: the bits of a
 * gradient depend on neither threads nor machine. */
#ifndef NB_SLICES_H
#define NB_SLICES_H

#include "nn/train/whole.h"

/* Examples of a slice of prepared examples x, the last of which may be shorter; all of them where
 * one pass is as fast: where products would become those of a few rows, where the parameters,
 * which every slice reads and adds to, weigh as much as what it saves, where a layer goes through
 * its input bit by bit anyway (nb_layer_type.gradual), and where the batch cannot be cut: by a
 * layer that normalises by it, by functions of the host, which see it whole. */
int64_t nb_slice_size(const nb_net *net, const nb_tensor *x);
/* nb_net_learn of whole->x, which is prepared, in slices of `size`: on failure gradients are lost.
 * sink: into the network's home, adding; or NULL, the mean gradient. */
nb_status nb_slices_learn(nb_ctx *ctx, const nb_whole *whole, int64_t size, const nb_sink *sink,
                          double *cost);

#endif
