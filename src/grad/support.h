/* What the files of ops share: loops over tensors, gradients that fit their inputs. */
#ifndef NB_SUPPORT_H
#define NB_SUPPORT_H

#include "base/workers.h"
#include "grad/fold.h"
#include "grad/tape.h"
#include "tensor/walk.h"

/* The options of an op that has keep alone: attr.reduce.keep. */
extern const nb_option nb_keep_options[];
#define NB_KEEP_OPTION                                                                             \
    {                                                                                              \
        .name = "keep", .help = "keep the dimension, with size 1", .kind = NB_BOOLEAN,             \
        .offset = offsetof(nb_attr, reduce.keep)                                                   \
    }

/* A tensor of this shape filled by an inner loop: operand 0 is the output, the inputs follow. */
nb_tensor *nb_map(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape,
                  const nb_tensor *const *in, int inputs, nb_walk_fn *loop, void *arg);
/* The same for a loop that sees each element alone (nb_walk_elements), which may be faster. */
nb_tensor *nb_map_elements(nb_ctx *ctx, nb_dtype dtype, int dims, const int64_t *shape,
                           const nb_tensor *const *in, int inputs, nb_walk_fn *loop, void *arg);
/* The same for the output of a call, element by element of its inputs: written over call->into or
 * an input that ends with the call where that is safe (nb_call_target), else a new tensor. Nothing
 * that can fail may follow in a forward that has no record to make. */
nb_tensor *nb_map_call(nb_ctx *ctx, const nb_call *call, nb_dtype dtype, int dims,
                       const int64_t *shape, nb_walk_fn *loop, void *arg);
/* Where the output of such a call may be written, borrowed, or NULL: a tensor of this dtype and
 * shape, no two of whose elements are one, and whose elements are no other input's but in the same
 * places. A call that is recorded has none. */
nb_tensor *nb_call_target(const nb_call *call, nb_dtype dtype, int dims, const int64_t *shape);
/* Where a δ of this shape may be written: δ itself when nobody else sees its elements, else a new
 * tensor. Contiguous in both cases; *from is what to read (contiguous too). New references. */
nb_status nb_delta_for_write(nb_ctx *ctx, nb_tensor *delta, nb_tensor **from, nb_tensor **to);
/* The sum of a gradient over the dimensions in which an input was broadcast: its shape again. */
nb_tensor *nb_sum_to(nb_ctx *ctx, nb_tensor *gradient, const nb_tensor *input);
/* NB_ESHAPE: "add: 2x3 and 4 do not fit". */
nb_status nb_misfit(nb_ctx *ctx, const char *op, const nb_tensor *a, const nb_tensor *b);
/* The dimensions that a reduction names, as bits; none named: all. */
unsigned nb_named_dims(const nb_dims *dims, const nb_tensor *x);
/* What a reduction of record->in[0] gave, or its δ, with the reduced dimensions of size 1. */
nb_tensor *nb_keep_dims(nb_ctx *ctx, const nb_record *record, const nb_tensor *reduced);

/* What a reduction does: folds in[0] into acc (plan->count doubles) and finishes what stands there.
 */
typedef nb_status nb_reduce_fn(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc);
/* in[0] of a call reduced over the dimensions that it names, as attr.reduce says. Where `saves`, a
 * recorded call keeps the result with the reduced dimensions of size 1: saved[0]. */
nb_tensor *nb_reduce(nb_ctx *ctx, nb_call *call, nb_dtype dtype, bool saves, nb_reduce_fn *fill);
/* The one fold that the op's kernel names. */
nb_reduce_fn nb_reduce_fold;

/* Sums over the dimensions whose bit is set; those stay with size 1. In f64 inside. */
nb_tensor *nb_sum_dims(nb_ctx *ctx, const nb_tensor *x, unsigned dims);
/* The output y of a call, of which backward needs the elements: saved[0] where the call is
 * recorded. An alias, for a record must not own the tensor that owns it. The reference to y is
 * taken; NULL for a NULL y. */
nb_tensor *nb_save_output(nb_ctx *ctx, nb_call *call, nb_tensor *y);
/* Pieces of work that was cut by its size alone: on the workers where `worth`, else one after the
 * other; then Ctrl-C is looked for. */
nb_status nb_run_pieces(nb_ctx *ctx, size_t pieces, bool worth, nb_piece *piece, void *job);
/* 0 where x is 0, else value; the reference to value is taken. NULL for a NULL value. */
nb_tensor *nb_zero_where(nb_ctx *ctx, nb_tensor *x, nb_tensor *value);

#endif
