/* Filling with chance. Every number is a function of the stream and of its own place among the
 * elements in row-major order, so that the pieces of a large tensor are drawn at once, with the
 * same bits at any number of threads. A fill starts where the stream stands and leaves it there:
 * each takes a stream of its own.
 *
 * Each fills a tensor of any strides but those of an expanded one (NB_EARG), and is stopped by
 * Ctrl-C. */
#ifndef NB_TENSOR_RANDOM_H
#define NB_TENSOR_RANDOM_H

#include "base/random.h"
#include "tensor/tensor.h"

/* For dtypes that compute. Uniform from low, high excluded (all low where they are equal); both
 * finite in the tensor's dtype, low <= high. */
nb_status nb_fill_uniform(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, double low,
                          double high);
nb_status nb_fill_normal(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, double mean,
                         double deviation);
/* Density rate e^(-rate x), x > 0. */
nb_status nb_fill_exponential(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, double rate);

/* For every dtype. Whole numbers, each of low … high alike; low <= high, within 2^53 and within
 * what the dtype holds. */
nb_status nb_fill_integers(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, int64_t low,
                           int64_t high);
/* 1 with probability p, else 0. p broadcasts to the tensor's shape (NB_ESHAPE) and lies within 0 …
 * 1 (NB_EVALUE). */
nb_status nb_fill_bernoulli(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream, nb_tensor *p);
/* The same where the tensor is what a larger one has behind its first `before` elements. */
nb_status nb_fill_bernoulli_part(nb_ctx *ctx, nb_tensor *tensor, const nb_stream *stream,
                                 nb_tensor *p, int64_t before);

#endif
