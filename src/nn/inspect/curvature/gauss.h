/* The Gauss-Newton matrix of a network's cost, exactly from the rows of its Jacobian. */
#ifndef NB_GAUSS_H
#define NB_GAUSS_H

#include "nn/inspect/curvature/probe.h"

/* matrix (n x n, of the probe's places) = Jᵀ H_L J, symmetric to the last bit. */
nb_status nb_gauss_newton(nb_ctx *ctx, const nb_probe *probe, double *matrix);

#endif
