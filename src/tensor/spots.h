/* Elements found by tables of indices: read, written and added to where they stand, without a copy
 * of the tensor that they stand in. */
#ifndef NB_SPOTS_H
#define NB_SPOTS_H

#include "tensor/tensor.h"

/* The indices of a user, counted from 1 or from the end (negative), as places: a contiguous i32
 * tensor of the same shape, counted from 0 and known to lie in 0 … size - 1. The index may be of
 * any dtype that holds whole numbers. NB_EARG "gather: index 4 is outside dimension 1, which has 3"
 * (`whose` NULL: without the name; `dim`, from 0, is said as the user counts; -1: "which has 3
 * elements"). */
nb_tensor *nb_places(nb_ctx *ctx, const nb_tensor *index, int64_t size, int dim, const char *whose);
/* The index itself where it may be used as it is: a contiguous i32 tensor, known to lie in 1 …
 * size. It counts from 1, and its writer may change it later, so it is for one call
 * (nb_spots_from_one). Else NULL, without a message where Ctrl-C was not pressed: then nb_places is
 * asked. */
nb_tensor *nb_places_as_they_are(nb_ctx *ctx, nb_tensor *index, int64_t size);
/* a * size + b, broadcast: the places in two dimensions as places in the one that they fold into;
 * size is that of the second. NB_ESHAPE where the shapes do not fit. */
nb_tensor *nb_places_join(nb_ctx *ctx, const nb_tensor *a, int64_t size, const nb_tensor *b);

/* Where each element of a result stands in x. */
typedef struct nb_spots {
    int dims; /* of the result */
    int64_t shape[NB_MAX_DIMS];
    nb_tensor x, places; /* heads that broadcast to that shape, borrowing the storage */
    int64_t step;        /* in elements of x, from one place to the next */
} nb_spots;

/* Dimension `dim` of x replaced by the dimensions of places. NB_ESHAPE beyond NB_MAX_DIMS. */
nb_status nb_spots_pick(nb_ctx *ctx, nb_spots *spots, const nb_tensor *x, int dim,
                        const nb_tensor *places);
/* The result has the shape of places: each of its elements stands in x at its own index, but for
 * dimension `dim`, where the place says it. The other sizes are those of x at most. */
void nb_spots_gather(nb_spots *spots, const nb_tensor *x, int dim, const nb_tensor *places);

/* The places count from 1. */
void nb_spots_from_one(nb_spots *spots);

/* The elements of x there, in a new tensor. */
nb_tensor *nb_spots_read(nb_ctx *ctx, const nb_spots *spots);
/* x there = from, which broadcasts, is of x's dtype and shares no storage with it. Where a place
 * stands several times the last one counts. */
nb_status nb_spots_write(nb_ctx *ctx, const nb_spots *spots, const nb_tensor *from);
/* x there += from, likewise; f32 and f64 alone. Repeated places add up, in row-major order. */
nb_status nb_spots_add(nb_ctx *ctx, const nb_spots *spots, const nb_tensor *from);

#endif
