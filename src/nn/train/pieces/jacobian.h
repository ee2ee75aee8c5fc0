/* Least squares of a lesson that is cut: every piece of the Jacobian becomes a triangle R of its
 * own rows, or stays those rows where they are no more, and these, piece behind piece, are the rows
 * of the whole. So processes share the work, and its bits depend on the number of pieces alone.
 * Residuals are all asked of every process: they take one pass forward. */
#ifndef NB_PIECES_JACOBIAN_H
#define NB_PIECES_JACOBIAN_H

#include "nn/train/pieces/tree.h"
#include "nn/train/squares.h"

typedef struct nb_cut_squares {
    const nb_whole *whole;
    const nb_cut *cut;  /* NULL: it is one piece */
    uint64_t step;      /* for other processes */
    nb_squares squares; /* of the whole, by this process alone */
    const volatile sig_atomic_t *interrupt;
} nb_cut_squares;

/* The same squares, cut and as processes look at them together; `parts` must stay. */
void nb_squares_cut(nb_ctx *ctx, nb_squares *squares, nb_cut_squares *parts);

#endif
