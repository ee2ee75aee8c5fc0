/* Sums over all pieces of a batch, each of which runs as a pass of its own, some of them in other
 * processes: ctx->across, for as long as such a pass runs; NULL: the batch is whole, or nothing in
 * the network asks for more than its piece. Every piece asks for the same sums in the same order,
 * and what each gets has the same bits. NULL again while a function of the host runs: what it
 * calls sees its piece and no more. */
#ifndef NB_ACROSS_H
#define NB_ACROSS_H

#include "base/context.h"

typedef struct nb_across {
    /* numbers[i] = Σ over the pieces of their numbers[i]; other pieces may run meanwhile. A status
     * where this piece shall end because another one has failed, which has left its message. */
    nb_status (*sum)(nb_ctx *ctx, void *self, double *numbers, int64_t n);
    void *self;
} nb_across;

/* Σ over the pieces, where there are several. */
static inline nb_status nb_sum_across(nb_ctx *ctx, double *numbers, int64_t n)
{
    const nb_across *across = ctx->across;
    return across ? across->sum(ctx, across->self, numbers, n) : NB_OK;
}

#endif
