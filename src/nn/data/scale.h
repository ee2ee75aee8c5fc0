/* Scales: what a network sees of raw numbers, (x - offset) * factor, one for all columns or one for
 * each. Counted, so that the parts of a set share one and a network can take it over. */
#ifndef NB_SCALE_H
#define NB_SCALE_H

#include "tensor/tensor.h"

typedef struct nb_scale {
    size_t refs;
    int64_t columns;         /* numbers of a row; 1 also: one for all of them */
    double *offset, *factor; /* `columns` of each */
    bool tame;               /* what an integer becomes f32 holds */
} nb_scale;

/* offset NULL: 0. NB_EARG for numbers that are not finite, by their column. */
nb_scale *nb_scale_new(nb_ctx *ctx, int64_t columns, const double *offset, const double *factor);
/* One more owner; NULL stays NULL. */
nb_scale *nb_scale_retain(nb_scale *scale);
/* NULL is allowed. */
void nb_scale_release(nb_ctx *ctx, nb_scale *scale);

/* Whether x times *factor is all of it; so it is for a NULL scale. */
static inline bool nb_scale_is_plain(const nb_scale *scale, double *factor)
{
    *factor = scale ? scale->factor[0] : 1;
    return !scale || (scale->columns == 1 && scale->offset[0] == 0);
}

/* y = n contiguous rows of `width` numbers x, scaled, in a dtype that computes; a NULL scale leaves
 * them as they are, in any dtype. One pass. */
void nb_scale_rows(const nb_scale *scale, size_t n, size_t width, const void *x, nb_dtype from,
                   void *y, nb_dtype to);

#endif
