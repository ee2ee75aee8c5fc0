/* Tensors that begin with numbers: chance, ranges, the identity. Each fills a contiguous tensor of
 * any dtype; those that store take whole numbers in their range. */
#ifndef NB_MAKE_H
#define NB_MAKE_H

#include "base/random.h"
#include "tensor/tensor.h"

/* Uniform in [0, 1): never 1, also after rounding to f32. */
nb_status nb_fill_uniform(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream);
/* Mean 0, deviation 1. */
nb_status nb_fill_normal(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream);
/* Whole numbers, each of low … high alike; low <= high. */
nb_status nb_fill_integers(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream, int64_t low,
                           int64_t high);
/* A permutation of 1 … n in a 1-dimensional i32 tensor of n. */
void nb_fill_permutation(nb_tensor *tensor, nb_stream *stream);
/* start, start + step, … */
nb_status nb_fill_range(nb_ctx *ctx, nb_tensor *tensor, double start, double step);
/* n numbers evenly from first to last, both exact. */
nb_status nb_fill_line(nb_ctx *ctx, nb_tensor *tensor, double first, double last);
/* 1 on the diagonal of a matrix, else 0. */
nb_status nb_fill_identity(nb_ctx *ctx, nb_tensor *tensor);

/* How many numbers `for i = first, last, step` takes, step not 0; a last one that only rounding
 * misses counts. -1 when they are more than a tensor holds. */
int64_t nb_range_count(double first, double last, double step);

#endif
