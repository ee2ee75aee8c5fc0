/* A whole set as one batch: cost and gradient, or residuals and their Jacobian, piece by piece, so
 * that a set may be larger than what fits at once. The pieces are cut by set and network alone and
 * summed in order: bits do not depend on threads. */
#ifndef NB_WHOLE_H
#define NB_WHOLE_H

#include "grad/thinned.h"
#include "nn/net/backprop.h"
#include "nn/train/judge/weights.h"

/* Examples, all borrowed: a set, or such as are prepared already. */
typedef struct nb_whole {
    nb_net *net;
    const nb_set *set;
    const int32_t *order;              /* positions in the set, in their order; NULL: as they are */
    const nb_weights *weights;         /* or NULL */
    nb_tensor *x, *y, *lengths, *each; /* where set is NULL; lengths, weights `each`: or NULL */
    const nb_mode *mode;               /* of a pass, but for lengths and weights */
    int64_t first, end;                /* which nb_whole_each goes through; end 0: all */
    int64_t size;                      /* of a piece of prepared examples; 0: all */
} nb_whole;

/* Some of them: new references. */
typedef struct nb_portion {
    nb_batch batch;
    nb_tensor *weights; /* (n), (n, T), or NULL */
    double weight;      /* nb_batch_weight */
    nb_thinned given;   /* the rows that batch.x stands for, where it does: stays where it is */
} nb_portion;

int64_t nb_whole_count(const nb_whole *whole);
/* Examples of a piece; the last may be shorter. */
int64_t nb_whole_size(const nb_whole *whole);
nb_status nb_whole_take(nb_ctx *ctx, const nb_whole *whole, int64_t start, int64_t n,
                        nb_portion *piece);
void nb_portion_free(nb_ctx *ctx, nb_portion *piece);
/* Does something with every piece in turn, in order. */
typedef nb_status nb_portion_fn(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece,
                                void *self);
nb_status nb_whole_each(nb_ctx *ctx, const nb_whole *whole, nb_portion_fn *fn, void *self);

/* Whether the cost of a set is the same at every look: NB_EARG names the layer that draws, or works
 * by the batch, and `who` asks. */
nb_status nb_whole_check(nb_ctx *ctx, const nb_net *net, const char *who);
/* Cost and gradient, into the network's home. NB_EVALUE when one is not finite. */
nb_status nb_whole_evaluate(nb_ctx *ctx, const nb_whole *whole, double *cost);
/* NB_EVALUE where the cost of some of them is not finite, with where that began; NB_OK: all are. */
nb_status nb_whole_explain(nb_ctx *ctx, const nb_whole *whole);

#endif
