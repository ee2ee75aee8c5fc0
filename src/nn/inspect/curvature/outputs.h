/* The Hessian of a cost at its network's outputs, as seeds of rows of the Jacobian: H_L = Σ ± u uᵀ,
 * so that the Gauss-Newton matrix Jᵀ H_L J is the sum of ± (Jᵀ u)(Jᵀ u)ᵀ. */
#ifndef NB_OUTPUTS_H
#define NB_OUTPUTS_H

#include "nn/train/rows.h"

/* Outputs that the cost takes together are a block: those of an example, or of one of its places
 * where those count as examples. No block meets another. */
typedef struct nb_outputs {
    double wider;          /* of differences' steps: 1, or 2 to see what the step does */
    const nb_whole *whole; /* borrowed */
    nb_op_id fused;
    double weight;         /* of all examples */
    double places;         /* what those of the piece under way weigh */
    int64_t units, blocks; /* of the example under way */
    int64_t unit_step, block_step;
    double *seed, *sign; /* its rows, `units` numbers each, and 1 or -1 for each */
    double *share;       /* what each block counts */
    double mean;         /* so far: of a host's costs of each block alone, by its share */
    size_t bytes;        /* of all three */
} nb_outputs;

/* Begins one that is zeroed but for `wider`, for the examples of a network in f64. */
nb_status nb_outputs_begin(nb_ctx *ctx, nb_outputs *outputs, const nb_whole *whole);
void nb_outputs_end(nb_ctx *ctx, nb_outputs *outputs);
/* Its rows, of J or of the Jacobian of z where the cost is fused with the last activation; the
 * number beside each is its sign. Of quadratic, mse and fused costs exactly, of others by
 * differences of their gradient at the outputs. */
nb_row_source nb_outputs_rows(nb_outputs *outputs);
/* Whether nothing is by differences. */
bool nb_outputs_are_exact(const nb_outputs *outputs);
/* When all rows are made: NB_EARG where a function of the host gives another cost of all examples
 * than the mean of their own, for then their Hessians are not the parts of its. */
nb_status nb_outputs_check(nb_ctx *ctx, const nb_outputs *outputs, double cost);

#endif
