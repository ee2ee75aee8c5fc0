/* What goes back through a convolution from maps that are mostly zeros, as behind a max_pool: each
 * number that is none takes a row of weights, or of what stood under its window, instead of a
 * product with all zeros. The sums run in an order of their own; a weight or an input that is not
 * finite meets no zeros, so whoever calls looks for those.
 *
 * Shapes as in grad/convolve.h. */
#ifndef NB_THIN_MAPS_H
#define NB_THIN_MAPS_H

#include "grad/convolve.h"

/* Maps as they are; or where `place` is not NULL the numbers that a max_pool, whose windows do not
 * overlap, found, and where on its map each stands: all others are 0. */
typedef struct nb_maps {
    const void *data;
    const int32_t *place;
    const nb_window *pool;
} nb_maps;

/* Whether the maps have so few non-zeros that this is faster: a few of them are looked at. */
bool nb_maps_are_thin(const nb_convolution *of, nb_maps maps);
/* image += what the maps give back. */
nb_status nb_thin_maps_back(nb_ctx *ctx, const nb_convolution *of, nb_maps maps, const void *w,
                            void *image);
nb_status nb_thin_maps_weights(nb_ctx *ctx, const nb_convolution *of, const void *image,
                               nb_maps maps, void *dw);

#endif
