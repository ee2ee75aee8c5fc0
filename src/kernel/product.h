/* Matrix products, C = alpha op(A) op(B) + beta C, row-major. Large ones go to the BLAS on one
 * thread, cut into panels over our workers; those whose operands stay in the caches, where the BLAS
 * would spend its time packing, to loops of our own. Only blas.c sees cblas.h. */
#ifndef NB_PRODUCT_H
#define NB_PRODUCT_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

/* One matrix operand: element (i, j) is data[i * ld + j], or data[j * ld + i] when transposed. */
typedef struct nb_matrix {
    const void *data;
    size_t ld;
    bool transposed;
} nb_matrix;

/* C (m x n, row stride ldc) = alpha A (m x k) B (k x n) + beta C. With beta = 0 C is not read, with
 * alpha = 0 or k = 0 A and B are not. C must not overlap A or B. NB_OK; NB_ESHAPE when a row stride
 * is more than the BLAS can count (2^31 - 1); or NB_EINTERRUPT when Ctrl-C came between panels: C
 * is then partly written. */
nb_status nb_product(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k, double alpha,
                     nb_matrix a, nb_matrix b, double beta, void *c, size_t ldc);

/* Every row of C = row (n numbers), to which A B is added: the same bits as of both one after the
 * other, but a panel of C is multiplied while it is in the caches. k > 0; a is not transposed and b
 * is. */
nb_status nb_product_onto(nb_ctx *ctx, nb_dtype dtype, size_t m, size_t n, size_t k, nb_matrix a,
                          nb_matrix b, const void *row, void *c, size_t ldc);

/* The same as one piece of a larger work (nb_piece): on the calling thread, without a context, so
 * neither cut nor interrupted; row strides within what the BLAS can count. */
void nb_product_piece(nb_dtype dtype, size_t m, size_t n, size_t k, double alpha, nb_matrix a,
                      nb_matrix b, double beta, void *c, size_t ldc);

/* Rows of several pieces of a batch, one below the other: piece i is rows start[i] … start[i + 1] -
 * 1. start[0] is 0, and no piece is without rows. */
typedef struct nb_piled {
    size_t pieces;
    const int64_t *start; /* pieces + 1 */
} nb_piled;

/* C = A B, or where row is not NULL, added to it as above, of A's rows in pieces: every number has
 * the bits that it has in a product of its piece alone. As one product where all pieces go one way,
 * in which sums are the same among other rows. */
nb_status nb_product_piled(nb_ctx *ctx, nb_dtype dtype, const nb_piled *rows, size_t n, size_t k,
                           nb_matrix a, nb_matrix b, const void *row, void *c, size_t ldc);

/* C (m x n, without gaps) = Σ over the pieces of Aᵀ B, A (rows x m) and B (rows x n) without gaps:
 * each product with the bits of its own, added along the tree whose node of p pieces splits at the
 * largest power of two below p. A panel of C is summed up while it is in the caches. */
typedef struct nb_tree_product {
    nb_dtype dtype;
    size_t m, n;
    const nb_piled *rows;
    const void *a, *b;
} nb_tree_product;
/* Whether that can be: not where the BLAS would cut one of the products. */
bool nb_product_has_tree(const nb_tree_product *of);
nb_status nb_product_along_tree(nb_ctx *ctx, const nb_tree_product *of, void *c);

/* Which loops a product goes to. */
typedef enum nb_product_way {
    NB_PRODUCT_BLAS,   /* none of ours */
    NB_PRODUCT_TINY,   /* a few numbers */
    NB_PRODUCT_DOTS,   /* rows of A times rows of a transposed B */
    NB_PRODUCT_NARROW, /* rows of B, shorter than a vector, are added up */
    NB_PRODUCT_ROWS,   /* rows of B are added up; those from here on can start at a row */
    NB_PRODUCT_COPIED, /* the same on copies of B, each made once for all rows of C */
    NB_PRODUCT_DEEP,   /* the same, in deeper blocks */
    NB_PRODUCT_WAYS
} nb_product_way;

/* The loops of our own, compiled per instruction set. Sizes are not 0. */
typedef struct nb_products {
    double most; /* m n k of the largest product for which they are worth asking without copies */
    /* The k up to which a number's whole sum is made before beta C is added to it. */
    size_t once[NB_PRODUCT_WAYS];
    nb_product_way (*way)(size_t m, size_t n, size_t k, nb_matrix a, nb_matrix b);
    /* A part of a product that goes this way. Where row is not NULL, beta times it is added to
     * every row, and C not read. False, and C is as it was, where only the BLAS has loops for it.
     */
    bool (*multiply)(nb_product_way way, size_t m, size_t n, size_t k, double alpha, nb_matrix a,
                     nb_matrix b, double beta, const void *row, void *c, size_t ldc);
} nb_products;

#endif
