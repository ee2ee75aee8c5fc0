/* What a file that is one tensor says of its elements, before they come. */
#ifndef NB_ELEMENTS_H
#define NB_ELEMENTS_H

#include "tensor/tensor.h"

typedef struct nb_elements {
    nb_dtype dtype;    /* as a tensor has them */
    bool plain;        /* the file has them as memory does, but for their bytes' order */
    bool swapped;      /* which is the other one */
    bool column_major; /* and of two dimensions or more */
    int dims;
    int64_t shape[NB_MAX_DIMS];
} nb_elements;

#endif
