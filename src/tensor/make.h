/* Tensors that begin with numbers by rule: ranges, the identity, classes as ones among zeros. Each
 * fills a contiguous tensor of any dtype; those that store take whole numbers in their range. */
#ifndef NB_MAKE_H
#define NB_MAKE_H

#include "tensor/tensor.h"

/* start, start + step, … */
nb_status nb_fill_range(nb_ctx *ctx, nb_tensor *tensor, double start, double step);
/* n numbers evenly from first to last, both exact. */
nb_status nb_fill_line(nb_ctx *ctx, nb_tensor *tensor, double first, double last);
/* base to the power of n exponents evenly from first to last. */
nb_status nb_fill_powers(nb_ctx *ctx, nb_tensor *tensor, double base, double first, double last);
/* (T, features): the waves of positions start, start + 1, … (Vaswani et al. 2017): column 2k holds
 * sin(position / 10000^(2k / features)), column 2k + 1 the cosine. */
nb_status nb_fill_waves(nb_ctx *ctx, nb_tensor *tensor, int64_t start);
/* 1 on the diagonal of a matrix, else 0. */
nb_status nb_fill_identity(nb_ctx *ctx, nb_tensor *tensor);
/* tensor (…, classes): 1 at the place that the label (…) names, counted from 1, else 0. NB_EVALUE
 * for a label that is no whole number from 1 to classes. */
nb_status nb_fill_one_hot(nb_ctx *ctx, nb_tensor *tensor, nb_tensor *labels);
/* The largest label; 0 where there is none. NB_EVALUE for one that is no whole number from 1. */
nb_status nb_largest_label(nb_ctx *ctx, nb_tensor *labels, int64_t *largest);

/* How many numbers `for i = first, last, step` takes, step not 0. NB_EARG where they are more than
 * a tensor holds or the step is lost beside the number that it is added to. */
nb_status nb_range_count(nb_ctx *ctx, double first, double last, double step, int64_t *count);

#endif
