/* What ops on matrices share. A tensor of two dimensions or more is a batch of matrices: the last
 * two are rows and columns. */
#ifndef NB_MATRICES_H
#define NB_MATRICES_H

#include "grad/op.h"
#include "kernel/lapack.h"

/* alpha a b without a record, as matmul understands it but for two vectors. NB_ESHAPE. */
nb_tensor *nb_matrix_product(nb_ctx *ctx, double alpha, const nb_tensor *a, const nb_tensor *b);

/* NB_ESHAPE: "svd takes matrices, not 3"; "inverse takes square matrices, not 2x3". */
nb_status nb_matrix_check(nb_ctx *ctx, const char *op, const nb_tensor *a, bool square);
/* Sets the elements above (or below) diagonal k of every matrix of a contiguous tensor to 0. */
void nb_matrix_clear(nb_tensor *a, bool above, int64_t k);
/* The same, looking for Ctrl-C: for matrices that no LAPACK call has to hold. */
nb_status nb_matrix_clear_polled(nb_ctx *ctx, nb_tensor *a, bool above, int64_t k);
/* NB_EVALUE where an element is NaN or infinite; a is contiguous. */
nb_status nb_matrix_finite(nb_ctx *ctx, const char *op, const nb_tensor *a);
/* A copy in row-major order for LAPACK to write over, finite; of what is above the diagonal where
 * `lower` zeros. NULL with the message set. */
nb_tensor *nb_matrix_work(nb_ctx *ctx, const char *op, const nb_tensor *a, bool lower);
/* A contiguous tensor of matrices as a stack. */
nb_stack nb_matrix_stack(const nb_tensor *a);
/* Of a batch with a's leading dimensions and dtype: dims behind them. */
nb_tensor *nb_matrix_beside(nb_ctx *ctx, const nb_tensor *a, nb_dtype dtype, int dims,
                            const int64_t *size);

/* Completes what LAPACK said of a: NB_EVALUE becomes "solve: the matrix WORDS", or "solve: matrix
 * {2, 1} of the batch WORDS", with fault.order for a # in the words. */
nb_status nb_matrix_fault(nb_ctx *ctx, const char *op, const nb_tensor *a, nb_status status,
                          nb_fault fault, const char *words);

/* A vector as a column, anything else as it is: the right sides of a system. A new reference. */
nb_tensor *nb_matrix_columns(nb_ctx *ctx, nb_tensor *b);
/* a x = b: the batch to which both broadcast, the shape of its right sides behind it. */
typedef struct nb_system {
    bool vector;                /* b is one */
    int batch;                  /* dimensions of shape before the last two */
    int64_t shape[NB_MAX_DIMS]; /* rows and columns behind them: of b */
} nb_system;
/* NB_ESHAPE where a holds no matrices (square ones), or b does not fit. */
nb_status nb_matrix_system(nb_ctx *ctx, const char *op, const nb_tensor *a, bool square,
                           const nb_tensor *b, nb_system *out);

/* Where matrix i of a batch of this shape, in row-major order, lies in a contiguous tensor of
 * matrices that broadcasts to it: its number there. */
int64_t nb_matrix_number(int batch, const int64_t *shape, int64_t i, const nb_tensor *a);

#endif
