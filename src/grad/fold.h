/* Folding a tensor over some of its dimensions (kernel/fold.def): in the order in which its
 * elements lie in memory, along rows or down columns, large ones in fixed pieces over the workers
 * whose parts are joined in a fixed order. The accumulators are doubles, in an order of their own.
 */
#ifndef NB_FOLD_H
#define NB_FOLD_H

#include "kernel/kernel.h"
#include "tensor/tensor.h"

/* One dimension to walk, or several that fold into one. */
typedef struct nb_fold_axis {
    int64_t size, step; /* of x, in elements; never negative */
    int64_t to;         /* the step of its accumulators; 0 where it is reduced */
    bool goes;          /* it is reduced */
} nb_fold_axis;

typedef struct nb_fold_plan {
    const nb_tensor *x; /* borrowed */
    unsigned dims;      /* bit d: dimension d is reduced */
    const char *base;   /* of the element that the axes count from */
    int axes;           /* the inner loop's are the last; outermost first */
    nb_fold_axis axis[NB_MAX_DIMS + 2];
    bool columns;                        /* the inner loop goes down columns, else along a row */
    int64_t elements;                    /* of x */
    int64_t reduced;                     /* elements of x to each accumulator */
    int64_t count;                       /* of accumulators */
    int64_t stride[NB_MAX_DIMS], offset; /* of the accumulators, by the dimensions of x */
} nb_fold_plan;

void nb_fold_plan_make(nb_fold_plan *plan, const nb_tensor *x, unsigned dims);
/* Folds into acc (plan->count doubles, overwritten). c: a parameter for each accumulator, in their
 * order, or NULL for folds that have none. */
nb_status nb_fold_run(nb_ctx *ctx, const nb_fold_plan *plan, nb_fold fold, const double *c,
                      double *acc);
/* The condition of a loop over accumulators: there is one more, all went well, and Ctrl-C, for
 * which it looks now and then, was not pressed (else *status says so). */
static inline bool nb_fold_more(nb_ctx *ctx, nb_status *status, int64_t i, int64_t count)
{
    const int64_t between_looks = 1 << 20;
    if (i > 0 && i % between_looks == 0 && *status == NB_OK) *status = nb_poll(ctx);
    return *status == NB_OK && i < count;
}

/* The accumulators times `scale` as a tensor: without the reduced dimensions, or with size 1. */
nb_tensor *nb_fold_tensor(nb_ctx *ctx, const nb_fold_plan *plan, const double *acc, nb_dtype dtype,
                          double scale, bool keep);

#endif
