/* The largest paths of a graph, best first. */
#ifndef NB_SEARCH_H
#define NB_SEARCH_H

#include "nn/inspect/paths/tally.h"

/* One number on a path. */
typedef struct nb_step {
    int level;
    int64_t at;
} nb_step;

/* A whole path, from C to the weight: `steps` of them. NB_OK goes on. */
typedef nb_status nb_path_fn(void *self, double value, const nb_step *step, int steps);

/* Calls `found` for the `top` largest in |value|, the largest first. Paths that are 0 are none. */
nb_status nb_graph_search(nb_graph *graph, int top, nb_path_fn *found, void *self);

#endif
