/* Scales: what a network sees of raw numbers, (x - offset) * factor, one for all columns or one for
 * each. Counted, so that the parts of a set share one and a network can take it over. */
#ifndef NB_SCALE_H
#define NB_SCALE_H

#include "tensor/tensor.h"

typedef struct nb_scale {
    size_t refs;
    int64_t columns;            /* as nb_columns_fit reads them; 1: one for all numbers */
    nb_tensor *offset, *factor; /* (columns) of each, f64, contiguous */
    bool tame;                  /* what an integer becomes f32 holds */
} nb_scale;

/* offset NULL: 0. NB_EARG for numbers that are not finite, by their column. */
nb_scale *nb_scale_new(nb_ctx *ctx, int64_t columns, const double *offset, const double *factor);
/* One more owner; NULL stays NULL. */
nb_scale *nb_scale_retain(nb_scale *scale);
/* NULL is allowed. */
void nb_scale_release(nb_ctx *ctx, nb_scale *scale);
/* Whether both have the same numbers; NULL is as another NULL. */
bool nb_scale_same(const nb_scale *a, const nb_scale *b);
/* Whether it fits examples of these sizes (a size below 0: any); NB_ESHAPE says why not. */
nb_status nb_scale_check(nb_ctx *ctx, const nb_scale *scale, int dims, const int64_t *shape);

/* One column's two numbers. */
static inline double nb_scale_offset(const nb_scale *scale, int64_t column)
{
    return ((const double *)nb_tensor_data(scale->offset))[column];
}

static inline double nb_scale_factor(const nb_scale *scale, int64_t column)
{
    return ((const double *)nb_tensor_data(scale->factor))[column];
}

/* Whether x times *factor is all of it; so it is for a NULL scale. */
static inline bool nb_scale_is_plain(const nb_scale *scale, double *factor)
{
    *factor = scale ? nb_scale_factor(scale, 0) : 1;
    return !scale || (scale->columns == 1 && nb_scale_offset(scale, 0) == 0);
}

/* y = n contiguous rows of `width` numbers x, scaled, in a dtype that computes, where `columns` is
 * 1 or `width`; a NULL scale leaves them as they are, in any dtype. One pass. */
void nb_scale_rows(const nb_scale *scale, size_t n, size_t width, const void *x, nb_dtype from,
                   void *y, nb_dtype to);

#endif
