/* What a backward pass has for the leaves: put aside until every δ is known, then checked, then
 * written where it belongs. */
#ifndef NB_ASIDE_H
#define NB_ASIDE_H

#include "grad/tape.h"

enum { NB_ASIDE_FEW = 8 }; /* contributions of a pass that need no block */

/* A pass's look at its δ for bounds; begins as zeros. */
typedef struct nb_look {
    const nb_tensor *seen; /* the δ that was looked at last, for it may come to several leaves, */
    double largest;        /* and its largest number */
} nb_look;

/* What no element of Aᵀ B is larger than, or of A's sum over rows (b NULL): a sum of as many
 * products as a has rows, none larger than the largest magnitudes' product, so two passes over the
 * factors bound them all. Infinite or NaN where a factor has one. */
double nb_look_at(nb_look *look, const nb_tensor *a, const nb_tensor *b);

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

/* A home, or the parameters that have it, which must stay finite. */
typedef struct nb_aim {
    nb_home *home;
    nb_tensor *into; /* borrowed */
    const nb_sink *sink;
    bool moves;          /* the parameters themselves */
    bool kept;           /* not bounded: `copy` costs less */
    double base, growth; /* no size in `into` is above base, nor will it be above base + growth */
    nb_tensor *copy;     /* as it was, where that bound is too high to tell; else NULL */
    uint32_t version;    /* likewise, of its storage */
    nb_home_state state;
    uint64_t pass;
    struct nb_aim *next;
} nb_aim;

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

/* Room for one more entry of `size` bytes in a list that doubles; it begins in `few`, which is not
 * given back. */
nb_status nb_aside_grow(nb_ctx *ctx, void **list, const void *few, size_t count, size_t *room,
                        size_t size);

#endif
