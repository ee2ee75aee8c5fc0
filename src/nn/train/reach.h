/* How far a step can go: bounds on what a rule makes of values and state, from bounds on what there
 * is. They hold for every number, so a step whose bounds are numbers of the dtype needs no look. */
#ifndef NB_REACH_H
#define NB_REACH_H

#include "nn/train/problem.h"

/* Nobody knows a size. */
void nb_reach_forget(nb_reach *reach);
/* Puts what holds behind the step in the place of problem->reach, and is true; false where that may
 * pass what the dtype holds. What is not known is looked at. */
bool nb_reach_grow(const nb_problem *problem, const nb_rule *rule);

#endif
