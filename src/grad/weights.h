/* Weights w (m, k) in products z = x wᵀ of rows x (n, k): what the layers that have such share.
 * Rows that are mostly zeros, as one-hot letters are, are kept as their non-zeros: then rows of the
 * turned w are added up instead of multiplied by zeros. Which way is taken depends on the numbers
 * alone; both give the same to rounding. */
#ifndef NB_GRAD_WEIGHTS_H
#define NB_GRAD_WEIGHTS_H

#include "grad/tape.h"
#include "kernel/product.h"

/* Rows as a product reads them: x, or what is not 0 in it. New references. */
typedef struct nb_inputs {
    nb_tensor *x; /* (n, k), contiguous, or what stands for given rows (grad/thinned.h); NULL: those
                     below */
    nb_tensor *start; /* i32 (n + 1): row i has non-zeros start[i] … start[i + 1] - 1 */
    nb_tensor *index; /* i32: their columns, or where those stand in `column` */
    nb_tensor *value;
    nb_tensor *column; /* i32: the columns that hold any, rising; NULL: they are too many to tell */
} nb_inputs;

/* Looks at a contiguous x of at least one dimension, the last of which are the columns; given rows
 * are taken as they are. Whether non-zeros are listed hangs on their share and on how many neurons
 * there are to be gained from. */
nb_status nb_inputs_look(nb_ctx *ctx, nb_tensor *x, int64_t neurons, nb_inputs *inputs);
/* The same for inputs that were looked at before, in the same x: what is few rows is not again. */
nb_status nb_inputs_look_again(nb_ctx *ctx, nb_tensor *x, int64_t neurons, nb_inputs *inputs);
/* Of rows in pieces (kernel/product.h), which are read as each piece would be by itself: NB_EARG
 * where that lists non-zeros of one. Given rows are taken as they are. */
nb_status nb_inputs_look_piled(nb_ctx *ctx, nb_tensor *x, int64_t neurons, const nb_piled *rows,
                               nb_inputs *inputs);
void nb_inputs_free(nb_ctx *ctx, nb_inputs *inputs);
enum { NB_INPUTS_SAVED = 4 };
/* Into NB_INPUTS_SAVED entries of what a call saves; and from those of a record, borrowed. */
void nb_inputs_save(const nb_inputs *inputs, nb_tensor **saved);
nb_inputs nb_inputs_saved(nb_tensor *const *saved);

/* The same row by row, of non-zeros alone: of w the columns that they need, turned, (k, m) or
 * fewer; and z (m) += row i of x times it. */
nb_tensor *nb_inputs_turn(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w);
void nb_inputs_add_row(const nb_inputs *inputs, int64_t i, const void *turned, int64_t m, void *z);
/* z (n, m) += x wᵀ, z and w contiguous, w of x's dtype. */
nb_status nb_inputs_product(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w, void *z);
/* z (…, m) = x wᵀ + b, all but the inputs contiguous. */
nb_status nb_affine(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w, const nb_tensor *b,
                    nb_tensor *z);
/* The same of rows in pieces, with the bits that each has by itself. */
nb_status nb_affine_piled(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w,
                          const nb_tensor *b, const nb_piled *rows, nb_tensor *z);
/* The same where z are so many rows anywhere. */
nb_status nb_affine_rows(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w,
                         const nb_tensor *b, int64_t rows, void *z);
/* BP2: out (…, k) = δ w of a contiguous δ (…, m); of rows in pieces, or NULL. */
nb_status nb_delta_before(nb_ctx *ctx, const nb_tensor *delta, nb_tensor *w, const nb_piled *rows,
                          nb_tensor *out);
/* BP4 of input number `input` of the record, w: dC/dw = δᵀ x, δ (…, m) contiguous; put aside for a
 * parameter, else into grad[input]. */
nb_status nb_inputs_gradient(nb_ctx *ctx, nb_record *record, int input, nb_tensor *delta,
                             const nb_inputs *inputs, nb_tensor **grad);
/* The same of x itself, of any dimensions. */
nb_status nb_weight_gradient(nb_ctx *ctx, nb_record *record, int input, nb_tensor *delta,
                             nb_tensor *x, nb_tensor **grad);
/* BP3 and the like: the gradient of an input is the sum of `rows` (n, its numbers), contiguous,
 * which are told to who looks on (nb_tape_share). */
nb_status nb_sum_gradient(nb_ctx *ctx, nb_record *record, int input, nb_tensor *rows,
                          nb_tensor **grad);
/* Σ over rows of `columns` numbers, rows `ld` apart, in f64 inside, for which there is room for as
 * many: BP3, dC/db = Σ δ. */
void nb_add_columns(nb_dtype dtype, int64_t rows, int64_t columns, int64_t ld, const void *data,
                    double *room, void *out);
nb_tensor *nb_sum_columns(nb_ctx *ctx, nb_dtype dtype, int64_t rows, int64_t columns, int64_t ld,
                          const void *data);

#endif
