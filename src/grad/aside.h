/* What a backward pass has for the leaves: put aside until every δ is known, then checked, then
 * written where it belongs. */
#ifndef NB_ASIDE_H
#define NB_ASIDE_H

#include "grad/aims.h"

enum { NB_ASIDE_FEW = 8 }; /* contributions of a pass that need no block */

/* One contribution to a leaf's gradient: a tensor, or the product A^T B. */
typedef struct nb_contribution {
    nb_tensor *leaf;
    nb_leaf *end;        /* behind it, once all δ are known */
    nb_tensor *a, *b;    /* b NULL: a is the gradient itself */
    const nb_sink *sink; /* that takes it, or NULL */
    nb_tensor *into;     /* of the sink or the home, borrowed; NULL: a tensor of the leaf's own */
    nb_tensor *fresh;    /* that tensor, until the leaf has it */
    nb_tensor *sum;      /* room for a product of given rows that is not added up in its place */
    bool moves;          /* it moves the parameters themselves */
    bool matters;        /* it goes where only finite numbers may: homes, also as sinks, and the
                            parameters themselves; NaN passes elsewhere, as IEEE says */
    bool first;          /* of this pass for its leaf */
    bool shares;         /* a or b lies in a storage that this pass will write to */
    double size;   /* none of its elements is larger, where the home or the parameters take it */
    uint32_t seen; /* sum of the versions of a and b */
} nb_contribution;

typedef struct nb_aside {
    nb_ctx *ctx;
    const nb_backward_options *options; /* or NULL */
    uint64_t number;                    /* marks leaves and homes that this pass reached */
    size_t count, room;
    nb_contribution *list; /* `few` while they are no more */
    nb_home *homes;        /* that will be written, by their next */
    nb_aim *aims;          /* by their next */
    nb_aim first;          /* of them, as a rule the only one */
    nb_look look;
    nb_contribution few[NB_ASIDE_FEW];
} nb_aside;

/* An empty list for a pass. */
void nb_aside_begin(nb_aside *aside, nb_ctx *ctx, const nb_backward_options *options,
                    uint64_t number);
/* Adds a contribution; leaf, a and b (or NULL) are retained. */
nb_status nb_aside_put(nb_aside *aside, nb_tensor *leaf, nb_tensor *a, nb_tensor *b);
/* Writes all of them, or fails and has written nothing. */
nb_status nb_aside_write(nb_aside *aside);
void nb_aside_free(nb_aside *aside);

/* Whether the pass adds to the gradients that are there. */
static inline bool nb_aside_adds(const nb_aside *aside)
{
    return aside->options && aside->options->accumulate;
}
/* A turned w that lies elsewhere, to where all look at it. */
void nb_contribution_bring_home(const nb_contribution *entry);

/* Room for one more entry of `size` bytes in a list that doubles; it begins in `few`, which is not
 * given back. */
nb_status nb_aside_grow(nb_ctx *ctx, void **list, const void *few, size_t count, size_t *room,
                        size_t size);

#endif
