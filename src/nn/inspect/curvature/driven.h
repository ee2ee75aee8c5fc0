/* The curvature that descent meets where parameters learn at rates of their own. */
#ifndef NB_DRIVEN_H
#define NB_DRIVEN_H

#include "nn/inspect/curvature/lanczos.h"

/* The largest eigenvalue of F½ A F½, in *largest, where F holds a factor above 0 for each of A's
 * numbers: descent by lr F diverges above lr = 2 / *largest. */
nb_status nb_driven_run(nb_ctx *ctx, const nb_operator *a, const double *factor, double *largest);
/* The same of a matrix (n x n, symmetric). */
nb_status nb_driven_matrix(nb_ctx *ctx, const double *matrix, int64_t n, const double *factor,
                           double *largest);
/* Whether all are one; then the largest is that times A's own. */
bool nb_driven_evenly(const double *factor, int64_t n);

#endif
