/* The products of the BLAS and its triangular systems, on one thread. */
#ifndef NB_BLAS_H
#define NB_BLAS_H

#include "kernel/product.h"

/* What the BLAS counts with is an int: no size and no row stride may be larger. */
enum { NB_BLAS_MOST = 0x7fffffff };

/* As nb_product, for sizes in 1 … NB_BLAS_MOST. Row strides of matrices of one row are not looked
 * at. */
void nb_blas_product(nb_dtype dtype, size_t m, size_t n, size_t k, double alpha, nb_matrix a,
                     nb_matrix b, double beta, void *c, size_t ldc);

/* A triangle by rows, `data` (n x n, without gaps); the rest of the square is not looked at. */
typedef struct nb_triangle {
    const void *data;
    size_t n;
    bool upper, transposed, unit; /* transposed: its transpose is meant. unit: its diagonal is 1 */
} nb_triangle;

/* x (n x columns, without gaps) = T^-1 x; sizes as above. */
void nb_blas_triangle(nb_dtype dtype, nb_triangle t, size_t columns, void *x);

/* Makes sure that the BLAS, and the LAPACK that stands on it, runs on one thread. */
void nb_blas_prepare(void);

#endif
