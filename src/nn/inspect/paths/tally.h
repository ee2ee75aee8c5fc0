/* A graph from one weight on, with what all paths to each of its numbers come to. */
#ifndef NB_TALLY_H
#define NB_TALLY_H

#include "nn/inspect/paths/graph.h"

/* How many inputs a neuron of a layer has a weight for; 0: it has no such weights. */
int64_t nb_layer_inputs(const nb_layer *layer);
/* Builds the graph and tallies it; NB_EARG for what is no weight, and for a layer on the way that
 * says nothing of single numbers, by name. On failure it is to be freed too. */
nb_status nb_graph_make(nb_graph *graph, const nb_again *again, const nb_weight *weight);

#endif
