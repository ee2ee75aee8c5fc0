/* Aims: the homes, and the parameters that have them, to which a backward pass is about to write,
 * and what keeps them finite. Bounds tell it before anything is written, as a rule; where they are
 * too high the numbers are kept, and put back where one of them is not finite. */
#ifndef NB_AIMS_H
#define NB_AIMS_H

#include "grad/tape.h"

struct nb_aside;

/* A pass's look at its δ for bounds; begins as zeros. */
typedef struct nb_look {
    const nb_tensor *seen; /* the δ that was looked at last, for it may come to several leaves, */
    double largest;        /* and its largest number */
} nb_look;

/* What no element of Aᵀ B is larger than, or of A's sum over rows (b NULL): a sum of as many
 * products as a has rows, none larger than the largest magnitudes' product, so two passes over the
 * factors bound them all. Infinite or NaN where a factor has one. */
double nb_look_at(nb_look *look, const nb_tensor *a, const nb_tensor *b);

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

/* Finds the aims of all contributions, and bounds or keeps them. On failure nothing is written. */
nb_status nb_aims_take(struct nb_aside *aside);
/* Looks at what was kept, for the bound said nothing: all of it is put back where a number is not
 * finite, and NB_EVALUE says in what. */
nb_status nb_aims_check(const struct nb_aside *aside);
/* What is known of their sizes from now on. */
void nb_aims_set_bounds(const struct nb_aside *aside);
/* Gives back what was kept. */
void nb_aims_drop(struct nb_aside *aside);

#endif
