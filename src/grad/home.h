/* A home: the flat tensor in which the gradients of a set of parameters live for life.
 *
 * The parameters lie in one storage and do not overlap; the home holds a place for every element of
 * it, and a parameter's `grad` is the view of its places. A backward pass that reaches any of them
 * leaves the whole home its own: 0 where it did not reach. Parameters and their network count the
 * home, so whoever holds the last of them keeps it. */
#ifndef NB_HOME_H
#define NB_HOME_H

#include "tensor/tensor.h"

typedef enum nb_home_state {
    NB_HOME_NEW,    /* no pass has reached it: all 0, which is no gradient */
    NB_HOME_FILLED, /* the gradient of the last pass that reached it */
    NB_HOME_STALE   /* a pass after that went straight into the parameters themselves */
} nb_home_state;

typedef struct nb_ceiling {
    double size; /* infinite: nobody knows */
    uint32_t version;
} nb_ceiling;

typedef struct nb_home {
    size_t refs;
    nb_tensor *grads; /* flat */
    nb_home_state state;
    uint64_t pass;        /* the backward pass that reached it last */
    int64_t reached;      /* elements that this pass reached, */
    bool adds;            /* whether it adds to what was there, */
    struct nb_home *next; /* and the next home that it reached */
    /* Bounds, so that nobody need look at all numbers in every step: nothing in grads, and nothing
     * of the parameters, is larger, while the storage has this version. */
    nb_ceiling steepest, largest;
    struct nb_aim *aim; /* of a pass that is about to write, or NULL */
} nb_home;

/* Where a leaf lies in the flat tensor that stands beside its storage: a home's, or a sink's. */
static inline void *nb_home_place(const nb_tensor *flat, const nb_tensor *leaf)
{
    return (char *)nb_tensor_data(flat) + leaf->offset * (int64_t)nb_dtype_size(flat->dtype);
}

/* A home of `count` gradients, all 0. */
nb_home *nb_home_new(nb_ctx *ctx, nb_dtype dtype, int64_t count);
nb_home *nb_home_retain(nb_home *home);
/* NULL is allowed. */
void nb_home_release(nb_ctx *ctx, nb_home *home);
/* The gradient of what depends on no parameter: 0 everywhere. */
void nb_home_clear(nb_home *home);
/* The parameters are others: there is no gradient of them. */
void nb_home_forget(nb_home *home);

#endif
