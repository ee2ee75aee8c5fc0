/* What ∂C/∂w is the sum of: at every place where a family of neurons (nn/sums.h) saw its inputs,
 * t = a d s, where a is what came in, d = ∂C/∂a what is asked from above, s = f'(z). */
#ifndef NB_WHY_TERMS_H
#define NB_WHY_TERMS_H

#include "nn/inspect/trace.h"
#include "nn/sums.h"

/* Of some places, each a row; borrowed, off the tape. d times s is δ, and d is never found by
 * dividing it. A fused cost goes on from z: d is δ and s is 1. Where an output depends on other z
 * of its layer too, as softmax's: d = ‖∂C/∂a‖ over the layer, s = δ / d. */
typedef struct nb_terms {
    nb_tensor *in[2]; /* (rows, inputs), side by side; the second may be NULL */
    nb_tensor *by[2]; /* (rows, neurons): each neuron saw in[i] times its own number; NULL: as it is
                       */
    nb_tensor *d, *s, *z; /* (rows, neurons); s NULL: 1 */
    bool own;             /* of the layer itself, not of one that its w is tied to */
} nb_terms;

typedef nb_status nb_terms_taker(nb_ctx *ctx, void *self, const nb_terms *terms);

/* Gives `take` all terms of a trace that weights of the layer's family i have, in the order of the
 * places; padding is left out. The trace was one with `open` the layer. Where w is a table's too
 * (an embedding's, to which the layer is tied), what the table does to it is no a d s and not among
 * them: they add up to this layer's part of ∂C/∂w. */
nb_status nb_terms_each(nb_ctx *ctx, const nb_trace *trace, const nb_layer *layer, int i,
                        nb_terms_taker *take, void *self);

#endif
