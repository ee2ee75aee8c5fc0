/* A batch, or a whole set, that is evaluated piece by piece: each piece is a pass of its own, and
 * cost and gradient are sums along the tree over the pieces (tree.h), those of other processes
 * included. */
#ifndef NB_PIECES_RUN_H
#define NB_PIECES_RUN_H

#include "nn/train/pieces/tree.h"
#include "nn/train/whole.h"

/* What comes of it beside the gradient, the same in every process. */
typedef struct nb_outcome {
    double cost;   /* mean */
    double counts; /* how much the examples count together: Σ of their weights, or their number */
} nb_outcome;

/* Cost, and its gradient in the network's home. The examples at hand are rows cut->at … of the
 * batch: those of the own pieces at least, none where these have none. Each process calls it once
 * for a batch; where one fails, all do with the same message, and the home holds no gradient then.
 * The mode's figures are staged by the first piece that runs here. */
nb_status nb_pieces_learn(nb_ctx *ctx, const nb_whole *whole, const nb_cut *cut,
                          nb_outcome *outcome);
/* The rows of a cut that a process needs of its batch: from … to - 1. Those of its own pieces;
 * where all of these are empty and the network normalises by the batch, those of a ghost (lanes.h).
 */
void nb_pieces_rows(const nb_net *net, const nb_cut *cut, int64_t *from, int64_t *to);

#endif
