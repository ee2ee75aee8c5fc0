/* Shapes as plain arrays: broadcasting, messages, contiguous strides. */
#ifndef NB_SHAPE_H
#define NB_SHAPE_H

#include "tensor/tensor.h"

enum { NB_SHAPE_TEXT = 192 };

/* "2x3x4"; "a number" for no dimensions. Writes into `text` (NB_SHAPE_TEXT bytes) and returns it.
 */
const char *nb_shape_text(int dims, const int64_t *shape, char *text);
/* The same as nb_shape_count, for any sizes. */
int64_t nb_shape_count_any(int dims, const int64_t *shape);
/* The product of the sizes; -1 where it passes NB_MAX_ELEMENTS or a size is negative. Of most
 * tensors no size can make it too large. */
static inline int64_t nb_shape_count(int dims, const int64_t *shape)
{
    enum { SMALL = 1 << 12, FEW = 4 };
    _Static_assert((int64_t)SMALL * SMALL * SMALL * SMALL <= NB_MAX_ELEMENTS, "so many are few");
    int64_t count = 1;
    int i = 0;
    for (; i < dims && i < FEW && (uint64_t)shape[i] - 1 < SMALL; i++) count *= shape[i];
    return i == dims ? count : nb_shape_count_any(dims, shape);
}
/* Row-major strides. */
void nb_shape_strides(int dims, const int64_t *shape, int64_t *stride);
/* NumPy's rule: aligned at the last dimension, sizes equal or 1. False where they do not fit. */
bool nb_shape_broadcast(int da, const int64_t *a, int db, const int64_t *b, int *dims,
                        int64_t *shape);

#endif
