/* The Gauss-Newton matrix of a network's cost, exactly from the rows of its Jacobian. */
#ifndef NB_GAUSS_H
#define NB_GAUSS_H

#include "nn/inspect/curvature/probe.h"

/* matrix (n x n, of the probe's places) = Jᵀ H_L J, symmetric to the last bit. *error: by how much
 * an eigenvalue may be off where H_L is by differences: the length (Frobenius) of what twice their
 * step changes; else 0. NB_EARG: a function of the host whose cost of several examples is not the
 * mean of theirs. */
nb_status nb_gauss_newton(nb_ctx *ctx, const nb_probe *probe, double *matrix, double *error);

#endif
