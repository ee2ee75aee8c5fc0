/* Sums over all pieces of a batch, each of which runs as a pass of its own, some of them in other
 * processes: ctx->across, for as long as such a pass runs; NULL: the batch is whole, or nothing in
 * the network asks for more than its piece. Every piece asks for the same sums in the same order,
 * and what each gets has the same bits. NULL again while a function of the host runs: what it
 * calls sees its piece and no more. */
#ifndef NB_ACROSS_H
#define NB_ACROSS_H

#include "base/context.h"

/* Which sum it is: an op's number among those of its piece, and which of its own. */
typedef enum nb_across_part {
    NB_ACROSS_VALUES,
    NB_ACROSS_SQUARES,
    NB_ACROSS_DELTAS,
    NB_ACROSS_PARTS
} nb_across_part;

typedef struct nb_across {
    /* numbers[i] = Σ over the pieces of their numbers[i]; other pieces may run meanwhile. A status
     * where this piece shall end because another one has failed, with that one's message. */
    nb_status (*sum)(nb_ctx *ctx, void *self, int64_t which, double *numbers, int64_t n);
    void *self;
    int64_t *ops; /* of this piece that have asked so far: the last one's number */
} nb_across;

/* Σ over the pieces for op number `op` of this one. */
static inline nb_status nb_sum_across(nb_ctx *ctx, int64_t op, nb_across_part part, double *numbers,
                                      int64_t n)
{
    const nb_across *across = ctx->across;
    if (!across)
        return nb_fail(ctx, NB_EARG,
                       "this gradient goes through figures of a batch in pieces, and there is none "
                       "of that but the step's own");
    return across->sum(ctx, across->self, op * NB_ACROSS_PARTS + part, numbers, n);
}

#endif
