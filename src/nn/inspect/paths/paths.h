/* ∂C/∂w of one weight and one example as the sum over all paths from the weight to the cost: every
 * path's value is the product of what stands along it, the input, slopes and weights, and at last
 * ∂C/∂ of an output. */
#ifndef NB_PATHS_H
#define NB_PATHS_H

#include "base/text.h"
#include "nn/inspect/paths/tally.h"

enum { NB_PATHS_MOST = 10000 }; /* that are asked for */

/* Where a path goes through a neuron: its numbers in z and a of a place, from 0 and row by row;
 * they are two only where an activation mixes neurons. */
typedef struct nb_waypoint {
    int place;
    int64_t z, a;
} nb_waypoint;

typedef struct nb_path {
    double value;
    nb_waypoint *stop; /* a list of `stops`, from the weight on; owned */
    int stops, room;
} nb_path;

typedef struct nb_paths {
    double total;    /* ∂C/∂w, summed over the paths */
    double gradient; /* the same from backpropagation */
    double size;     /* the sum of |value| over all paths */
    double count;    /* how many paths are not 0 */
    nb_path *path;   /* a list of `paths`, the largest |value| first */
    int paths, room;
    nb_again again;    /* the copy in f64, traced, whose places they go through */
    const nb_param *w; /* of that; the weight is its number `weight` */
    int64_t weight;
    int place; /* where its layer stands */
} nb_paths;

/* The `top` largest, all where there are fewer; 1 ≤ top ≤ NB_PATHS_MOST. In f64 whatever the net's
 * dtype; x and y are one example. Fills *out, which the caller frees, also after a failure. Only
 * paths that are asked for are followed: what can still come of a beginning is known exactly from
 * the tallies, so the list of the `top` best beginnings is enough. Paths whose values differ by
 * rounding alone may change places. */
nb_status nb_paths_find(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *as,
                        const nb_weight *weight, int top, nb_paths *out);
void nb_paths_free(nb_paths *paths);

/* The neuron of number `at` in z of a place, from 0; where it stands among the places of its layer
 * goes into `where`, from 0; returns how many numbers that takes. */
int nb_waypoint_neuron(const nb_paths *paths, int place, int64_t at, int64_t *neuron,
                       int64_t where[NB_MAX_DIMS]);
/* "2[7]", "hidden[3 at 4,5]", "3[2 = cat]": the layer's name or path, the neuron's name or number,
 * where it stands, and at the end the class that it answers with. */
void nb_waypoint_write(nb_text *text, const nb_paths *paths, const nb_waypoint *stop);

#endif
