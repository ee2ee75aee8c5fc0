/* How far two orders of the same things agree. */
#ifndef NB_RANKS_H
#define NB_RANKS_H

#include "base/context.h"

/* Spearman's correlation of the ranks of a and b (n each), those that are equal sharing the mean of
 * theirs: 1 where both rise together, -1 where one turns the other. NaN where either holds NaN, or
 * nothing but equals. */
nb_status nb_rank_agreement(nb_ctx *ctx, int64_t n, const double *a, const double *b, double *out);

#endif
