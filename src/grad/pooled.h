/* Maps that a max_pool alone sends something back to (nb_maps), where they are wanted as they are.
 */
#ifndef NB_POOLED_H
#define NB_POOLED_H

#include "grad/thin_maps.h"
#include "tensor/tensor.h"

/* All numbers, into maps, contiguous (n, channels, extents…). */
nb_status nb_pooled_spread(nb_ctx *ctx, nb_maps from, nb_tensor *maps);
/* Their sums by channel, with the bits that nb_sum_by_channel gives of all numbers: (channels). */
nb_tensor *nb_pooled_sums(nb_ctx *ctx, nb_maps from, nb_dtype dtype, int64_t n, int64_t channels);

#endif
