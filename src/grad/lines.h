/* Ops on the lines of a tensor along one dimension: the same lines of several tensors in step, and
 * elements found by their places in a line. */
#ifndef NB_LINES_H
#define NB_LINES_H

#include "grad/op.h"
#include "tensor/walk.h"

/* The dimension that a call names, or `otherwise`; -1 where the tensor has none. */
int nb_line_dim(const nb_dims *dims, const nb_tensor *x, int otherwise);
/* What a call that names one dimension or none works on: in[0], or all of its elements as one line.
 * A new reference; *dim is the lines' dimension. */
nb_tensor *nb_lines_named(nb_ctx *ctx, const nb_call *call, int *dim);
/* What was found in those lines, of size 1 along them, as the call asks for it: without the
 * dimension, or with it (attr.reduce). The reference is taken; NULL for NULL. */
nb_tensor *nb_lines_result(nb_ctx *ctx, const nb_call *call, nb_tensor *found);
/* The length of a line along `dim`, and the step from element to element: 1 and 0 for dim -1. */
int64_t nb_line_length(const nb_tensor *x, int dim);
ptrdiff_t nb_line_step(const nb_tensor *x, int dim);

/* Runs the inner loop over the first elements of all lines along `dim`; each of the tensors has the
 * first one's shape but for that dimension. A line is worth `cost` elements. */
nb_status nb_lines_run(nb_ctx *ctx, int dim, int tensors, const nb_tensor *const *tensor,
                       int64_t cost, nb_walk_fn *fn, void *arg);
/* A new tensor of x's shape but for `length` along `dim`. */
nb_tensor *nb_lines_new(nb_ctx *ctx, nb_dtype dtype, const nb_tensor *x, int dim, int64_t length);
/* NB_ESHAPE where a line is too long for places in i32. */
nb_status nb_lines_check(nb_ctx *ctx, const nb_tensor *x, int dim);

/* y[i] = x[place[i]] in every line; places count from 1. */
nb_tensor *nb_lines_take(nb_ctx *ctx, const nb_tensor *x, int dim, const nb_tensor *place);
/* Zeros in x's shape and dtype but for y[place[i]] = value[i] in every line. */
nb_tensor *nb_lines_put(nb_ctx *ctx, const nb_tensor *x, int dim, const nb_tensor *place,
                        const nb_tensor *value);

/* Working room for inner loops that run on several threads at once: as many blocks as there may be
 * loops under way. */
typedef struct nb_rooms {
    size_t count, bytes; /* of each */
    char *blocks;
    int *taken; /* one for each; atomic */
} nb_rooms;

/* `bytes` each for loops over `lines` lines. */
nb_status nb_rooms_make(nb_ctx *ctx, nb_rooms *rooms, size_t bytes, int64_t lines);
void nb_rooms_free(nb_ctx *ctx, nb_rooms *rooms);
/* A block that nobody else has until it is given back. */
void *nb_rooms_take(nb_rooms *rooms);
void nb_rooms_give(nb_rooms *rooms, void *room);

#endif
