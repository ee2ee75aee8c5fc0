/* A batch's rows as what is not 0 in them. */
#ifndef NB_THIN_H
#define NB_THIN_H

#include "tensor/tensor.h"

/* Row i has its non-zeros at start[i] … start[i + 1] - 1, their columns, from 0, rising in `index`
 * and the numbers, scaled, in `value`. Buffers of the caller's, which begin as zeros but for dtype
 * and columns, grow and are used again. */
typedef struct nb_thin {
    nb_dtype dtype; /* of `value`: one that computes */
    int64_t columns;
    int64_t rows, row_room; /* rows there are, and that there is room for */
    int64_t count, room;    /* the same of non-zeros */
    int32_t *start;         /* row_room + 1 */
    int32_t *index;
    void *value;
} nb_thin;

/* Room for so many rows and non-zeros; what was there is lost. NB_ESHAPE for more non-zeros than
 * int32_t counts. */
nb_status nb_thin_make_room(nb_ctx *ctx, nb_thin *thin, int64_t rows, int64_t count);
/* Gives the buffers back; dtype and columns stay. */
void nb_thin_free(nb_ctx *ctx, nb_thin *thin);

#endif
