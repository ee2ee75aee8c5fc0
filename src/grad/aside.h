/* What a backward pass has for the leaves: put aside until every δ is known, then checked, then
 * written where it belongs. */
#ifndef NB_ASIDE_H
#define NB_ASIDE_H

#include "grad/tape.h"

/* One contribution to a leaf's gradient: a tensor, or the product A^T B. */
typedef struct nb_contribution {
    nb_tensor *leaf;
    nb_tensor *a, *b;    /* b NULL: a is the gradient itself */
    const nb_sink *sink; /* that takes it, or NULL */
    nb_tensor *into;     /* of the sink or the home, borrowed; NULL: a tensor of the leaf's own */
    nb_tensor *fresh;    /* that tensor, until the leaf has it */
    bool first;          /* of this pass for its leaf */
    bool shares;         /* a or b lies in a storage that this pass will write to */
    uint32_t seen;       /* sum of the versions of a and b */
} nb_contribution;

typedef struct nb_aside {
    nb_ctx *ctx;
    const nb_backward_options *options; /* or NULL */
    uint64_t number;                    /* marks leaves and homes that this pass reached */
    size_t count, room;
    nb_contribution *list;
    nb_home *homes; /* that will be written, by their next */
} nb_aside;

/* Adds a contribution; leaf, a and b (or NULL) are retained. */
nb_status nb_aside_put(nb_aside *aside, nb_tensor *leaf, nb_tensor *a, nb_tensor *b);
/* Writes all of them, or fails and has written nothing. */
nb_status nb_aside_write(nb_aside *aside);
void nb_aside_free(nb_aside *aside);

/* Room for one more entry of `size` bytes in a list that doubles. */
nb_status nb_aside_grow(nb_ctx *ctx, void **list, size_t count, size_t *room, size_t size);

#endif
