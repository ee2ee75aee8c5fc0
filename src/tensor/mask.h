/* Masks: u8 tensors that say of each element yes (not 0) or no, as comparisons give them. */
#ifndef NB_MASK_H
#define NB_MASK_H

#include "tensor/tensor.h"

/* True when a mask broadcasts to just the shape of x. */
bool nb_mask_fits(const nb_tensor *mask, const nb_tensor *x);
/* How many elements of a mask say yes. */
nb_status nb_mask_count(nb_ctx *ctx, const nb_tensor *mask, int64_t *count);

/* The elements of x where the mask (which fits) says yes, in row-major order: 1-dimensional. */
nb_tensor *nb_mask_pack(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *mask);
/* The other way: the elements of `from` (contiguous, of x's dtype) one after the other to where the
 * mask says yes. There are as many as it says. */
nb_status nb_mask_unpack(nb_ctx *ctx, nb_tensor *x, const nb_tensor *mask, const nb_tensor *from);
/* to = mask ? yes : no, all of one dtype; yes, no and the mask broadcast. `to` may be `no`. */
nb_status nb_mask_choose(nb_ctx *ctx, nb_tensor *to, const nb_tensor *mask, const nb_tensor *yes,
                         const nb_tensor *no);

/* Where a mask says yes, in row-major order: the places among all its elements, counted from 0, in
 * a 1-dimensional i32 tensor. NB_ESHAPE for more elements than i32 counts. */
nb_tensor *nb_mask_places(nb_ctx *ctx, const nb_tensor *mask);
/* The same as full indices, counted from 1: (n, dimensions of the mask), i32. */
nb_tensor *nb_mask_indices(nb_ctx *ctx, const nb_tensor *mask);

#endif
