/* The Hessian of a network's cost, column by column, and how far it can be trusted. */
#ifndef NB_HESSIAN_H
#define NB_HESSIAN_H

#include "nn/inspect/curvature/probe.h"

/* By how much eigenvalues may be wrong: lengths (Frobenius) of the matrices of errors, which none
 * moves further. */
typedef struct nb_hessian_error {
    double step;      /* what twice the step changes: the fourth derivative's part, at least. Of
                         some columns, where they are many, as much as all have by them */
    double asymmetry; /* ‖H - Hᵀ‖ / 2 of what the differences gave: rounding, kinks */
    int64_t kinks;    /* columns along which the gradient leaps in every step tried */
} nb_hessian_error;

/* matrix (n x n, of the probe's places), symmetric to the last bit. */
nb_status nb_hessian(nb_ctx *ctx, nb_probe *probe, double *matrix, nb_hessian_error *error);

#endif
