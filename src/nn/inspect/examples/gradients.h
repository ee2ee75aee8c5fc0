/* The gradients of all examples of a set: how long each is, and how far they agree. */
#ifndef NB_GRADIENTS_H
#define NB_GRADIENTS_H

#include "nn/inspect/examples/looker.h"

enum {
    NB_GRADIENT_CLASSES = 100,          /* the means of no more classes are kept … */
    NB_GRADIENT_CLASS_BYTES = 256 << 20 /* … in so many bytes */
};

typedef struct nb_example_gradients {
    int64_t count;    /* of the examples */
    nb_tensor *norms; /* f64 (count): ‖∇C_x‖ */
    nb_tensor *order; /* NB_I32 (count): the examples, from 0, by rising norms */
    double mean;      /* ‖∇C‖, the norm of their mean */
    double noise; /* tr Σ / ‖∇C‖², Σ the covariance of ∇C_x: the batch whose gradient has as
                     much noise as signal; NaN of one example and where all gradients are 0, else
                     infinite where the mean is 0 */
    nb_tensor *classes; /* f64 (count): the class of each, from 1; NULL: they have none, or at every
                           step */
    nb_tensor *cosines; /* f64 (K, K) between the mean gradients of classes, NaN of those that have
                           no example; NULL: no classes, or too many */
} nb_example_gradients;

nb_status nb_example_gradients_find(nb_ctx *ctx, nb_net *net, const nb_set *set,
                                    nb_example_gradients *out);
void nb_example_gradients_free(nb_ctx *ctx, nb_example_gradients *of);
/* f64 (count): the products of example i's gradient (from 0) with that of each, a row of the Gram
 * matrix. */
nb_tensor *nb_example_gradients_row(nb_ctx *ctx, nb_net *net, const nb_set *set, int64_t i);

#endif
