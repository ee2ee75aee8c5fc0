/* Rows that are mostly zeros, given as their non-zeros, and what is done with them: they add up
 * rows of an input-major matrix, (columns, m), where products would multiply by zeros.
 *
 * The order of every sum is fixed. z begins as it is given and takes x_j w_j for the inputs j in
 * rising order; w takes x_j δ, example by example. Each term is one fused multiply-add where the
 * instruction set has that, else a product and a sum: so the bits are those of a plain loop over
 * all inputs, zeros included, on the same instruction set (but for -0, and where w is not finite).
 */
#ifndef NB_KERNEL_THIN_H
#define NB_KERNEL_THIN_H

#include "base/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Row i has its non-zeros at start[i] … start[i + 1] - 1: their columns, from 0, rising in `index`
 * (none twice, for several rows of w pass together), and the numbers in `value`. Buffers of whoever
 * made them, which begin as zeros but for dtype and columns, grow and are used again. */
typedef struct nb_thin {
    nb_dtype dtype; /* of `value`: one that computes */
    int64_t columns;
    int64_t rows, row_room; /* rows there are, and that there is room for */
    int64_t count, room;    /* the same of non-zeros */
    int32_t *start;         /* row_room + 1 */
    int32_t *index;
    void *value;
    double most; /* no number is larger in size; 0: nobody knows */
} nb_thin;

typedef struct nb_thin_kernels {
    bool fused;   /* a term is one fused multiply-add */
    size_t width; /* numbers of a vector */
    /* z (rows, m) = x w, or, where it adds, z += x w. Rows of z lie ldz apart, of w ldw, which may
     * overlap; `padded`: each of w has room for whole vectors, in which finite numbers of no
     * meaning stand. */
    void (*forward)(const nb_thin *x, size_t m, const void *w, size_t ldw, bool padded, bool adds,
                    void *z, size_t ldz);
    /* w += alpha xᵀ δ, row after row of x: w_j = x_ij (alpha δ_i) + w_j */
    void (*back)(const nb_thin *x, size_t m, double alpha, const void *delta, size_t ldd, void *w,
                 size_t ldw, bool padded);
    /* Whether rows of w, m wide, are read so often that it pays to copy them near. Only time hangs
     * on it. */
    bool (*repeats)(const nb_thin *x, size_t m);
    /* The transpose of x, into buffers that have room: for its columns + 2 in `start`. */
    void (*turn)(const nb_thin *x, nb_thin *turned);
    /* The same as back, of the transpose of x: every row of w takes all that it is to, in the same
     * order, while its numbers stay in registers. */
    void (*back_turned)(const nb_thin *turned, size_t m, double alpha, const void *delta,
                        size_t ldd, void *w, size_t ldw, bool padded);
} nb_thin_kernels;

#endif
