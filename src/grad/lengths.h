/* Lengths of padded sequences: how many steps of each example are real. */
#ifndef NB_LENGTHS_H
#define NB_LENGTHS_H

#include "tensor/tensor.h"

/* lengths: i32 (n), each from 1 to the T of x (n, T, …). NB_ESHAPE, or NB_EVALUE with
 * the example; the message begins with `name`. */
nb_status nb_lengths_check(nb_ctx *ctx, const char *name, const nb_tensor *x,
                           const nb_tensor *lengths);

#endif
