/* A tensor as text: a header with shape and dtype, aligned columns, one number format for the whole
 * tensor, chosen so that no value that is not 0 shows as 0. */
#ifndef NB_PRINT_H
#define NB_PRINT_H

#include "base/text.h"
#include "tensor/tensor.h"

enum {
    NB_PRINT_WHOLE = 1000, /* elements printed whole */
    NB_PRINT_EDGE = 3,     /* entries shown at each end of a longer dimension */
    NB_PRINT_BYTES = 20480 /* no print is longer, unless all is asked for */
};

/* Appends the text, as wide as the context's columns, without a newline at its end; `all` prints
 * every element. A 0-dimensional tensor is its number. Long dimensions show their two ends;
 * N-dimensional tensors are slices of rows and columns, each below its indices, counted from 1: [1,
 * :, :]. Ctrl-C leaves the text failed, as the end of memory does. */
void nb_tensor_print(nb_text *text, const nb_tensor *tensor, bool all);

#endif
