/* What of a network learns, and how, as the stretches of a problem. */
#ifndef NB_SEGMENTS_H
#define NB_SEGMENTS_H

#include "nn/net/net.h"
#include "nn/train/problem.h"

/* Sets the problem's segments and mask from what the layers, their neurons and their masks say. */
nb_status nb_segments_make(nb_ctx *ctx, const nb_net *net, nb_problem *problem);
/* Gives them back, also after a failure. */
void nb_segments_free(nb_ctx *ctx, nb_problem *problem);
/* Whether every number learns at the rate itself, so that there is nothing to say. */
bool nb_learns_alike(const nb_net *net);

#endif
