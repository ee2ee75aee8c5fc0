/* The levels of a graph, from the network's layers and the trace. */
#ifndef NB_BUILD_H
#define NB_BUILD_H

#include "nn/inspect/paths/graph.h"

/* Levels, out and gradient, of a graph that knows its w and weight. */
nb_status nb_graph_build(nb_graph *graph);

#endif
