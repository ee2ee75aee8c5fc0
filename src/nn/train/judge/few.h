/* Evaluation over rows of non-zeros: the batches of a set that keeps those alone go as such into
 * the network's first dense layer, whose w is turned once for all of them (grad/thinned.h).
 *
 * Whether they do depends on the set and the network's shape alone, so every evaluation of both has
 * the same bits: the sums of a step over such rows, over inputs ascending from the bias. */
#ifndef NB_FEW_H
#define NB_FEW_H

#include "grad/thinned.h"
#include "nn/train/batch.h"

/* Shares of the set's numbers that are not 0 below which these evaluations are the faster ones,
 * measured on 784 inputs against those of dense rows. */
#define NB_FEW_SHARE      0.35
#define NB_FEW_SHARE_WIDE 0.30
enum {
    NB_FEW_INPUTS = 64,         /* fewer inputs are left to the products, */
    NB_FEW_EXAMPLES = 64,       /* and so are fewer examples, for which w would be turned, */
    NB_FEW_EXAMPLES_WIDE = 256, /* of a wide layer */
    NB_FEW_WIDE = 64            /* neurons from which on a layer is wide */
};

typedef struct nb_few {
    nb_thinned given; /* the rows of the batch under way */
    const nb_net *net;
    nb_tensor *w; /* turned, in rows of whole vectors; NULL: rows come with their zeros */
} nb_few;

/* Of a set that fits the network, whose w stays as it is until the end. */
nb_status nb_few_begin(nb_ctx *ctx, nb_few *few, const nb_net *net, const nb_set *set);
/* Where few->w: examples start … start + n - 1 as a batch, its y into that buffer. */
nb_status nb_few_gather(nb_ctx *ctx, nb_few *few, const nb_set *set, int64_t start, int64_t n,
                        nb_tensor *y, nb_batch *batch);
void nb_few_end(nb_ctx *ctx, nb_few *few);

#endif
