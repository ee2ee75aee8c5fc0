/* Keys: what stands in the brackets of x[key], for the leading dimensions of x. Numbers and ranges
 * show a view; with indices or masks among them the elements are copied. */
#ifndef NB_KEY_H
#define NB_KEY_H

#include "grad/op.h"

typedef enum nb_place_kind {
    NB_PLACE_ENTRY, /* one entry: its dimension goes */
    NB_PLACE_RANGE,
    NB_PLACE_INDICES, /* a tensor of indices, as the user counts */
    NB_PLACE_MASK     /* u8, for as many dimensions as it has itself */
} nb_place_kind;

/* One entry of a key. Entries and ranges count from 0 and are known to lie in their dimension. */
typedef struct nb_place {
    nb_place_kind kind;
    int64_t start, length, step; /* of an entry: start alone */
    nb_tensor *tensor;           /* of indices and masks; borrowed */
} nb_place;

typedef struct nb_key {
    int count;
    nb_place at[NB_MAX_DIMS];
} nb_key;

/* x[key], by ops that record: a view, x itself (a new reference) when the key names everything, or
 * a copy where there are indices or masks. The indices' shape stands where their dimension was. A
 * mask counts as the list of the indices where it says yes. Several of them are broadcast together,
 * as NumPy does it: their shape stands where they were when they are neighbours, else first (a
 * number is no index among them, as it would be there: it only drops its dimension).
 * NB_EARG for an index outside, NB_ESHAPE for a mask that does not fit, with both shapes. */
nb_tensor *nb_key_read(nb_ctx *ctx, nb_tensor *x, const nb_key *key);
/* x[key] = value, broadcast and converted as nb_tensor_assign does it; nothing is recorded. */
nb_status nb_key_write(nb_ctx *ctx, nb_tensor *x, const nb_key *key, nb_tensor *value);

#endif
