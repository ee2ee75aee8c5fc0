/* Rows of a network's Jacobian: gradients of sums of its outputs, one example after the other. */
#ifndef NB_ROWS_H
#define NB_ROWS_H

#include "nn/train/problem.h"
#include "nn/train/whole.h"

/* An example of a piece, from 0. */
typedef struct nb_row_example {
    const nb_portion *piece;
    int64_t at;
} nb_row_example;

/* What becomes of a row. */
typedef struct nb_row {
    double factor; /* of the gradient */
    double beside; /* the number behind it */
} nb_row;

/* Which rows are made. */
typedef struct nb_row_source {
    bool to_cost; /* outputs are what the network's fused cost goes on from, z; else a */
    /* How many rows an example gives, of whose pass alone outputs (1, …) and lengths are given. */
    nb_status (*begin)(nb_ctx *ctx, void *self, const nb_row_example *example,
                       const nb_result *pass, int64_t *rows);
    /* Row k of them is the gradient of the sum of all outputs times delta, which holds zeros
     * before: f32 or f64, contiguous, of the outputs' shape. */
    void (*row)(void *self, int64_t k, nb_tensor *delta, nb_row *row);
    void *self;
} nb_row_source;

/* The rows of all examples in their order. NB_EVALUE where a number is not finite. */
nb_status nb_rows_make(nb_ctx *ctx, const nb_whole *whole, const nb_row_source *source,
                       const nb_row_taker *to);

#endif
