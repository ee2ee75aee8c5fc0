/* Factorisations and what is solved with them, by LAPACK, on one thread. LAPACK counts columns
 * first, so that it sees the transpose of every row-major matrix; each function here is chosen so
 * that nothing has to be turned. Only lapack.c knows LAPACK's symbols.
 *
 * A stack is `count` row-major matrices of one dtype that computes, one behind the other without
 * gaps. The matrices that go in hold numbers: with NaN or infinity LAPACK may not come back.
 *
 * NB_OK, or NB_ESHAPE where LAPACK's ints cannot count a side or the workspace, NB_EMEMORY,
 * NB_EINTERRUPT when Ctrl-C came (long calls are errands, base/processes), or NB_EVALUE where a
 * matrix is not what the factorisation takes: then *fault says which and why, and the caller finds
 * the words. */
#ifndef NB_LAPACK_H
#define NB_LAPACK_H

#include "base/context.h"

/* No side of a matrix may be longer: times the 64 entries that LAPACK keeps for each entry of a
 * side, that is what an int holds half of. */
#define NB_LAPACK_SIDE ((int64_t)1 << 24)
/* Where the workspace grows with the square of the shorter side k and with the columns r of a right
 * side (svd, eigh, lstsq): the most of 4 k (k + r). */
#define NB_LAPACK_AREA ((int64_t)1 << 30)

typedef struct nb_stack {
    nb_dtype dtype;
    int64_t count, rows, columns;
    void *data;
} nb_stack;

typedef struct nb_fault {
    int64_t matrix; /* from 0 */
    int order;      /* what LAPACK says of the place, from 1 */
} nb_fault;

/* The factors of square matrices, over them, and n pivots for each. NB_EVALUE: singular. */
nb_status nb_lapack_lu(nb_ctx *ctx, nb_stack a, int *pivot, nb_fault *fault);
/* x (n x columns, row-major) = A^-1 x, or A^-T x, for one matrix factored by nb_lapack_lu. */
nb_status nb_lapack_lu_solve(nb_ctx *ctx, nb_dtype dtype, int64_t n, int64_t columns,
                             const void *lu, const int *pivot, bool transposed, void *x);
/* A^-1 over the factors of nb_lapack_lu. */
nb_status nb_lapack_lu_invert(nb_ctx *ctx, nb_stack lu, const int *pivot);
/* L with A = L L^T over the lower triangle of A; what is above is not looked at. NB_EVALUE: the
 * leading minor of fault->order is not positive. */
nb_status nb_lapack_cholesky(nb_ctx *ctx, nb_stack a, nb_fault *fault);
/* A (m x n) = Q R with k = min(m, n): r (k x n) and q (m x k), which may be a.data where k = n. A
 * is overwritten. */
nb_status nb_lapack_qr(nb_ctx *ctx, nb_stack a, void *r, void *q);
/* R of one more stretch of rows: the upper triangle r (n x n, rows `ld` apart) becomes that of the
 * QR factors of [R; B], b (rows x n, rows `ldb` apart), which is overwritten. What stands below the
 * diagonal of r is not looked at. In f64; begins with r of zeros. 2 (rows + 64) n^2 operations;
 * after NB_EINTERRUPT r is neither. */
nb_status nb_lapack_qr_add(nb_ctx *ctx, int64_t n, double *r, int64_t ld, int64_t rows, double *b,
                           int64_t ldb);
/* Eigenvalues, ascending, of symmetric matrices whose lower triangle is read; over a, by rows, the
 * vectors. NB_EVALUE: no convergence. */
nb_status nb_lapack_eigh(nb_ctx *ctx, nb_stack a, void *values, nb_fault *fault);
/* The eigenvalues alone, ascending; a is overwritten. */
nb_status nb_lapack_eigenvalues(nb_ctx *ctx, nb_stack a, void *values, nb_fault *fault);
/* A (m x n) = U diag(s) vt: u (m x k), s (k, descending), vt (k x n). A is overwritten. NB_EVALUE:
 * no convergence. */
nb_status nb_lapack_svd(nb_ctx *ctx, nb_stack a, void *u, void *s, void *vt, nb_fault *fault);
/* The x of least norm among those of least |A x - b|. Given by columns: `a` is (n x m), the
 * transposes, and overwritten; b is (r x max(m, n)), a row for each right side, of which the first
 * m numbers are b and the first n become x. Singular values under `threshold` times the largest
 * count as 0. NB_EVALUE: no convergence. */
nb_status nb_lapack_lstsq(nb_ctx *ctx, nb_stack a, nb_stack b, double threshold, nb_fault *fault);

#endif
