/* Whose fault it is, number by number: a mark for every element of the storages of tensors that are
 * not finite. What shares elements shares marks; what is written over is marked anew. */
#ifndef NB_MARKS_H
#define NB_MARKS_H

#include "tensor/tensor.h"

enum { NB_UNMARKED = -1 };

typedef struct nb_mark {
    nb_tensor *tensor; /* owned: its storage stays, so that no other comes to lie there */
    int32_t *by;       /* of each element of the storage */
    int64_t count;
} nb_mark;

typedef struct nb_marks {
    nb_mark *at;
    size_t count, room;
} nb_marks;

/* Where element `at` of a view, row by row, lies in its storage. */
int64_t nb_place_in_storage(const nb_tensor *t, int64_t at);

void nb_marks_free(nb_ctx *ctx, nb_marks *marks);
/* The mark of an element, or NB_UNMARKED. */
int32_t nb_marks_get(const nb_marks *marks, const nb_tensor *t, int64_t at);
nb_status nb_marks_set(nb_ctx *ctx, nb_marks *marks, nb_tensor *t, int64_t at, int32_t by);
/* All elements of t, in their order; by NULL: none has a mark any more. */
nb_status nb_marks_put(nb_ctx *ctx, nb_marks *marks, nb_tensor *t, const int32_t *by);

#endif
