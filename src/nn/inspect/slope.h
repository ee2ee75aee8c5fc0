/* How activations answer small changes of z. */
#ifndef NB_SLOPE_H
#define NB_SLOPE_H

#include "nn/runs.h"

/* *slope = f'(z) of every neuron, each its own f, z: (…, neurons, extents…); off the tape. NULL,
 * which is no failure, where an output depends on other z of its layer too, as softmax's do: the
 * Jacobian tells it then. A host's function may do anything, so it is tried with two directions. */
nb_status nb_runs_slope(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z, nb_tensor **slope);
/* J[j][k] = ∂a_j/∂z_k at one z, (neurons) → (neurons, neurons); off the tape. */
nb_tensor *nb_runs_jacobian(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z);

#endif
