/* The header of a .npy file: a Python dictionary with exactly the keys descr, fortran_order and
 * shape, read strictly. */
#ifndef NB_NPY_HEADER_H
#define NB_NPY_HEADER_H

#include "tensor/tensor.h"

enum { NB_DESCR_MAX = 32 };

typedef struct nb_npy_header {
    char descr[NB_DESCR_MAX]; /* "<f4"; printable, cut where it is longer than any that is known */
    bool records;             /* descr is a list of fields instead */
    bool column_major;
    int dims;
    int64_t shape[NB_MAX_DIMS]; /* not negative; sizes beyond any tensor are INT64_MAX */
} nb_npy_header;

/* NB_EFORMAT "x.npy: byte 12 of its header: expected …, not …". */
nb_status nb_npy_parse(nb_ctx *ctx, const char *file, const char *text, size_t bytes,
                       nb_npy_header *header);

#endif
