/* The pieces of a batch side by side, for networks that normalise by the batch: where a piece needs
 * a sum over all of them it waits for the others. */
#ifndef NB_LANES_H
#define NB_LANES_H

#include "nn/net/net.h"
#include "nn/train/pieces/tree.h"

/* Runs one piece: whatever of the context belongs to a pass is the piece's own. A ghost is a piece
 * that another process owns and runs too: what it gives does not count. */
typedef nb_status nb_lane_fn(nb_ctx *ctx, void *self, int64_t piece, bool ghost);

typedef struct nb_lanes {
    const nb_cut *cut;
    uint64_t step; /* of the run, for the heads of sums */
    nb_lane_fn *run;
    void *self;
} nb_lanes;

/* Whether a network learns by figures of the batch, so that its pieces have to know of each other.
 */
bool nb_lanes_needed(const nb_net *net);

/* Runs the own pieces that are not empty; where all are, the first one that is not, as a ghost: so
 * all processes ask for the same sums, and each has all figures of the batch. They take turns in
 * rising order, on the calling thread, and end in that order. The first one that fails ends all,
 * with its status and message. *told: all processes have failed together and know it; else whoever
 * failed tells the others when they meet next. */
nb_status nb_lanes_run(nb_ctx *ctx, const nb_lanes *lanes, bool *told);

#endif
