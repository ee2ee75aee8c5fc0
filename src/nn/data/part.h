/* Parts of a set while they are made: row numbers still to be written. */
#ifndef NB_PART_H
#define NB_PART_H

#include "nn/data/set.h"

/* A part with room for `count` row numbers, which the caller writes. */
nb_set *nb_set_part(nb_ctx *ctx, const nb_set *set, int64_t count);
/* All examples of a set in an order drawn for a purpose. */
nb_set *nb_set_shuffled(nb_ctx *ctx, const nb_set *set, uint64_t seed, nb_purpose purpose);

static inline int32_t *nb_part_rows(const nb_set *part)
{
    return part->part->data;
}

#endif
