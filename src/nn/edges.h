/* How single numbers of a layer's z hang on those that come in, for one example: what paths
 * through a network are made of. A type of layers whose z is so made says it in its descriptor;
 * nothing is copied, so a layer may have more connections than memory has bytes. */
#ifndef NB_EDGES_H
#define NB_EDGES_H

#include <stdint.h>

typedef struct nb_layer nb_layer;

/* One connection. */
typedef struct nb_edge {
    int64_t in;     /* which number of x, row by row */
    double factor;  /* ∂z/∂x */
    int64_t weight; /* the number of w that this is; -1: it is none */
    int64_t input;  /* as which input of its neuron it comes, from 0 */
} nb_edge;
typedef void nb_edge_fn(void *self, const nb_edge *edge);

/* One example at a layer: shapes without n, numbers contiguous in f64. */
typedef struct nb_joint {
    const nb_layer *layer;
    const int64_t *x_shape, *z_shape;
    const double *x;
    const double *w; /* its own or tied one; NULL: it has none */
} nb_joint;

/* Of a layer whose z is its x, number by number. */
void nb_edges_same(const nb_joint *joint, int64_t out, nb_edge_fn *see, void *self);

#endif
