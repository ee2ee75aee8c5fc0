/* Recurrent layers step by step, by ops, with every gate in sight: the numbers of the fused op but
 * for rounding, and what comes back to each gate on the tape. Slower; for who looks inside. */
#ifndef NB_LAYER_UNROLLED_H
#define NB_LAYER_UNROLLED_H

#include "nn/net/walk.h"

/* One layer in one direction; all borrowed. */
typedef struct nb_unrolled {
    nb_walk *walk;
    nb_layer *layer;
    nb_op_id op; /* rnn, lstm or gru */
    int family;  /* number of its first gate's */
    int64_t units;
    nb_tensor *wx, *wh, *b, *bh; /* bh: of gru */
    nb_activation activation;    /* of rnn; type NULL: tanh */
    bool back, last;
    nb_tensor *lengths; /* or NULL */
} nb_unrolled;

/* x (n, T, inputs) → (n, T, units), or (n, units) where only the last. */
nb_tensor *nb_unroll(const nb_unrolled *of, nb_tensor *x);

#endif
