/* A traced pass that can be run again with one number moved, in f64: what stands before the number
 * comes from the trace, with the same bits. */
#ifndef NB_AGAIN_H
#define NB_AGAIN_H

#include "nn/inspect/trace.h"

typedef struct nb_again {
    nb_ctx *ctx;
    nb_net *net;      /* a copy in f64 */
    nb_tensor *x, *y; /* in f64; x may be words, y class numbers */
    nb_mode mode;     /* of all passes, evaluating */
    nb_trace trace;   /* once nb_again_trace was asked */
} nb_again;

/* What moves, and where the pass begins that feels it. */
typedef struct nb_move {
    int first;     /* layer of the network whose input stands before that */
    nb_tensor *x;  /* that input, borrowed; NULL: `first` follows place `place`, whose a it is */
    int place;     /* whose z moves */
    nb_tensor *z;  /* its own copy, contiguous, to be changed; NULL: a parameter moves */
    nb_layer *own; /* whose z it is, where x is NULL */
} nb_move;

/* Fills *again; as: lengths of x and weights, NULL: neither. On failure it is to be ended too. */
nb_status nb_again_begin(nb_again *again, nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y,
                         const nb_mode *as);
/* The pass as it is. NB_EVALUE where its cost is not finite, with where that began. */
nb_status nb_again_trace(nb_again *again);
void nb_again_end(nb_again *again);

/* A move of z of place p, as it was traced; its z is to be released. */
nb_status nb_again_move_z(const nb_again *again, int p, nb_move *move);
/* A move of parameters of a layer, in the net's own values. */
nb_move nb_again_move_param(const nb_again *again, const nb_layer *layer);
/* C as things are now. */
nb_status nb_again_cost(const nb_again *again, const nb_move *move, double *cost);

#endif
