/* The products of the BLAS, on one thread. */
#ifndef NB_BLAS_H
#define NB_BLAS_H

#include "kernel/product.h"

/* What the BLAS counts with is an int: no size and no row stride may be larger. */
enum { NB_BLAS_MOST = 0x7fffffff };

/* As nb_product, for sizes in 1 … NB_BLAS_MOST. Row strides of matrices of one row are not looked
 * at. */
void nb_blas_product(nb_dtype dtype, size_t m, size_t n, size_t k, double alpha, nb_matrix a,
                     nb_matrix b, double beta, void *c, size_t ldc);

#endif
