/* Shapes as plain arrays: broadcasting, messages, contiguous strides. */
#ifndef NB_SHAPE_H
#define NB_SHAPE_H

#include "tensor/tensor.h"

enum { NB_SHAPE_TEXT = 192 };

/* "2x3x4"; "a number" for no dimensions. Writes into `text` (NB_SHAPE_TEXT bytes) and returns it.
 */
const char *nb_shape_text(int dims, const int64_t *shape, char *text);
/* The product of the sizes; -1 where it passes NB_MAX_ELEMENTS or a size is negative. */
int64_t nb_shape_count(int dims, const int64_t *shape);
/* Row-major strides. */
void nb_shape_strides(int dims, const int64_t *shape, int64_t *stride);
/* NumPy's rule: aligned at the last dimension, sizes equal or 1. False where they do not fit. */
bool nb_shape_broadcast(int da, const int64_t *a, int db, const int64_t *b, int *dims,
                        int64_t *shape);

#endif
