/* A network at one example as a graph: numbers on levels, and edges between them that say how much
 * one moves with another. Every product of edges from a weight to the cost is a path; ∂C/∂w is
 * their sum. */
#ifndef NB_GRAPH_H
#define NB_GRAPH_H

#include "nn/edges.h"
#include "nn/inspect/check/again.h"

typedef enum nb_level_kind {
    NB_LEVEL_INPUT,    /* x: no path begins before it */
    NB_LEVEL_LAYER,    /* z of a layer, by the edges of its type */
    NB_LEVEL_SLOPE,    /* a of its neurons, each by its own f' */
    NB_LEVEL_JACOBIAN, /* a where each hangs on every z of its place: softmax */
    NB_LEVEL_SUM,      /* of branches */
    NB_LEVEL_SIDE      /* branches side by side */
} nb_level_kind;

/* Where a branch stands in what is put side by side: so many numbers in a row of each. */
typedef struct nb_branch_at {
    int level;
    int64_t size;
} nb_branch_at;

typedef struct nb_level {
    nb_level_kind kind;
    int place; /* of the network whose z or a it is */
    int64_t count;
    bool live;        /* the weight is before it; the rest is known of live ones only */
    int from;         /* the level before it, of one that has one */
    nb_branch_at *of; /* of SUM and SIDE: a list of `branches` */
    int branches;
    nb_tensor *x, *w; /* of LAYER: what its joint points into */
    nb_joint joint;
    double *start;     /* what the weight gives each number by itself; NULL: nothing */
    nb_tensor *slope;  /* of SLOPE */
    nb_tensor *matrix; /* of JACOBIAN: that of the stretch `stretch`, the last that was asked */
    int64_t stretch;
    double *tally; /* four lists of `count`: over all paths from the weight to each number, */
} nb_level;

/* the largest |product|, the sum of products, that of their sizes, and how many are not 0. */
typedef enum nb_tally {
    NB_TALLY_BEST,
    NB_TALLY_SUM,
    NB_TALLY_SIZE,
    NB_TALLY_WAYS,
    NB_TALLIES
} nb_tally;

/* A weight: number `weight` of the w of the layer at `place`, input `input` of neuron `neuron`. */
typedef struct nb_weight {
    int place;
    int64_t neuron, input;
} nb_weight;

typedef struct nb_graph {
    const nb_again *again; /* traced */
    nb_param *w;           /* whose number it is */
    int64_t weight;
    nb_level *level; /* in the order of a pass */
    int levels, room;
    int end;             /* the place from whose z the cost goes on; -1: it takes a */
    int out;             /* the level that the cost is taken from */
    nb_tensor *gradient; /* ∂C/∂ of its numbers */
    double total[NB_TALLIES];
} nb_graph;

/* Gives back all that it holds. */
void nb_graph_free(nb_graph *graph);

/* An edge into a number: from number `at` of level `level`; -1: from the weight itself. */
typedef struct nb_arc {
    int level;
    int64_t at;
    double factor;
} nb_arc;
typedef void nb_arc_fn(void *self, const nb_arc *arc);
/* All edges into a number of a live level, those from levels that are not live left out. */
nb_status nb_graph_arcs(nb_graph *graph, int level, int64_t at, nb_arc_fn *see, void *self);
/* Those into C. */
void nb_graph_last_arcs(nb_graph *graph, nb_arc_fn *see, void *self);
static inline double nb_level_tally(const nb_level *level, nb_tally which, int64_t at)
{
    return level->tally[which * level->count + at];
}

#endif
