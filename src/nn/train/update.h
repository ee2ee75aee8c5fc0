/* One step of a rule, after which values and state are finite, or as they were. */
#ifndef NB_UPDATE_H
#define NB_UPDATE_H

#include "nn/train/problem.h"

/* nb_problem_apply. NB_EVALUE where a value or its state would not be finite: both are as before
 * then, and problem->reach says which. */
nb_status nb_problem_update(nb_ctx *ctx, const nb_problem *problem, const nb_rule *rule);

#endif
