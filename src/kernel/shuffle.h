/* Order by chance. */
#ifndef NB_KERNEL_SHUFFLE_H
#define NB_KERNEL_SHUFFLE_H

#include "base/random.h"
#include "base/status.h"

/* Fisher-Yates over n indices in place, by nb_random_below; NB_EINTERRUPT leaves it half done. */
nb_status nb_random_shuffle(nb_ctx *ctx, nb_stream *stream, int32_t *index, size_t n);

#endif
