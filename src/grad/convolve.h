/* The three products of a convolution, cut over the workers: forward, back to the image, and to the
 * weights. conv and conv_transpose are made of them: what is forward in one is back in the other.
 *
 * Shapes, all contiguous: image (n, channels, rows, columns), w (maps, channels / groups, kernel
 * rows, kernel columns), maps (n, maps, places' rows, places' columns). */
#ifndef NB_CONVOLVE_H
#define NB_CONVOLVE_H

#include "grad/activate.h"
#include "kernel/window.h"

typedef struct nb_convolution {
    nb_window window;
    int64_t images, channels, maps, groups;
    nb_dtype dtype;
} nb_convolution;

/* A max_pool of what a convolution gives: the largest numbers under its windows, and their places.
 */
typedef struct nb_pooling {
    nb_window window;
    void *y;
    int32_t *place;
} nb_pooling;

/* maps = w * image + b, a weight above each number under the window. runs: then a = f(maps), which
 * may be the same memory; NULL: none. */
nb_status nb_convolve(nb_ctx *ctx, const nb_convolution *of, const void *image, const void *w,
                      const void *b, void *maps, const nb_kernel_runs *runs, void *a);
/* The pool of a = f(maps), or of the maps without runs, which are kept nowhere. */
nb_status nb_convolve_pooled(nb_ctx *ctx, const nb_convolution *of, const void *image,
                             const void *w, const void *b, const nb_kernel_runs *runs,
                             const nb_pooling *pool);
/* image += what the maps give back: every number of a map, times w, where its window stands. */
nb_status nb_convolve_back(nb_ctx *ctx, const nb_convolution *of, const void *maps, const void *w,
                           void *image);
/* dw = the products of the maps and what stood under the windows, over all images and places. */
nb_status nb_convolve_weights(nb_ctx *ctx, const nb_convolution *of, const void *image,
                              const void *maps, void *dw);

#endif
