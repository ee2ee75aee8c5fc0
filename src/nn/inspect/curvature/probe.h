/* How the exact gradient of a set's cost changes along directions: what a Hessian does to vectors,
 * by central differences. */
#ifndef NB_PROBE_H
#define NB_PROBE_H

#include "nn/train/search/places.h"
#include "nn/train/whole.h"

/* A network in f64, whose parameters move while a difference is taken and are put back. All vectors
 * have a number for each of its places: the parameters that learn. */
typedef struct nb_probe {
    nb_whole whole; /* borrowed */
    nb_places places;
    nb_portion *held; /* a list of `pieces`: the examples, gathered once where they are not too
                         many; NULL: they are gathered for every gradient */
    int64_t pieces;
    double weight;        /* of all that are held */
    double *still;        /* the values at the places, … */
    double *slope;        /* … and the gradient there */
    double *room;         /* vectors that belong to probe.c */
    double cost, seconds; /* there; what one gradient took */
    double size;          /* of the cost and its gradient, at least 1: rounding is in proportion */
    double steepest;      /* slope, without its sign */
    int64_t kinks;        /* directions along which the gradient leaps in every step tried */
} nb_probe;

/* Fills a zeroed probe for examples of a network in f64: the gradient where it stands. Whoever
 * calls ends it, also after a failure. NB_EARG: nothing learns. */
nb_status nb_probe_begin(nb_ctx *ctx, nb_probe *probe, const nb_whole *whole);
void nb_probe_end(nb_ctx *ctx, nb_probe *probe);
/* The examples that it takes gradients of. */
static inline const nb_whole *nb_probe_whole(const nb_probe *probe)
{
    return &probe->whole;
}

/* A direction: v, of length 1, or where that is NULL place `at` alone. */
typedef struct nb_direction {
    const double *v;
    int64_t at;
} nb_direction;

/* out = H v, with steps that are `wider` times the usual ones (1, or 2 to see what the step does).
 * Where the gradient changes much in a step, or leaps, as relu's does, finer ones are tried until
 * two agree; along a kink that none avoids the quieter side counts. */
nb_status nb_probe_along(nb_ctx *ctx, nb_probe *probe, nb_direction direction, double wider,
                         double *out);

#endif
