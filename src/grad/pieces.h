/* Rows cut into pieces of work, by their size alone, so that sums are the same at any number of
 * threads: each piece has sums of its own, which are added in order. */
#ifndef NB_PIECES_H
#define NB_PIECES_H

#include "base/workers.h"
#include "grad/tape.h"

typedef struct nb_pieces {
    int64_t rows, width; /* numbers of a row */
    int64_t piece;       /* rows of one */
    size_t count;
    const volatile sig_atomic_t *interrupt;
} nb_pieces;

nb_pieces nb_pieces_of(int64_t rows, int64_t width);
/* The same of n examples, each of which is a piece. */
nb_pieces nb_pieces_of_examples(int64_t rows, int64_t width, int64_t n);
/* Does all pieces, large work on the workers; `arg` is the op's, which holds these pieces. NB_OK,
 * or what Ctrl-C gives. */
nb_status nb_pieces_run(nb_ctx *ctx, nb_pieces *pieces, nb_piece *work, void *arg);
/* The rows of a piece: start … end - 1. A piece that is told to stop may leave the rest. */
int64_t nb_piece_start(const nb_pieces *pieces, size_t piece);
int64_t nb_piece_end(const nb_pieces *pieces, size_t piece);
bool nb_pieces_stopped(const nb_pieces *pieces);

/* `each` sums for every piece, 0 at first, and the bytes that they take. NULL when memory ends. */
double *nb_piece_sums(nb_ctx *ctx, const nb_pieces *pieces, int64_t each, size_t *bytes);
/* to[k] = the sum over the pieces of sums[piece * each + first + k], count of them. */
void nb_piece_total(const nb_pieces *pieces, const double *sums, int64_t each, int64_t first,
                    int64_t count, double *to);
/* The same as the gradient of a record's input, (count). Where somebody looks on, and so each piece
 * is an example, what they give is told him. */
nb_status nb_piece_gradient(nb_ctx *ctx, nb_record *record, int input, const nb_pieces *pieces,
                            const double *sums, int64_t each, int64_t first, nb_tensor **grad);

#endif
