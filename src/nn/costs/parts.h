/* What costs are composed with: means over examples, classes picked out, ranges looked at. */
#ifndef NB_COST_PARTS_H
#define NB_COST_PARTS_H

#include "nn/cost.h"

/* terms (n, …) summed over each example, times `factor`, as the mean over the examples by their
 * weights. Takes terms over; NULL stays NULL. */
nb_tensor *nb_cost_mean(nb_ctx *ctx, nb_tensor *terms, const nb_answers *y, double factor);
/* Numbers that one example's output holds. */
double nb_cost_outputs(const nb_tensor *a);

/* Whether y holds class numbers. */
bool nb_answers_are_classes(const nb_answers *y);
/* a (n, …, K) at the classes: (n, …, 1). */
nb_tensor *nb_at_classes(nb_ctx *ctx, nb_tensor *a, const nb_answers *y);

/* NB_EARG where a tensor holds numbers outside low … high but for rounding: "poisson takes counts
 * from 0, not -3", of `takes` and `way`, which may be empty. NaN passes: the cost is NaN then,
 * which is told with its place. */
nb_status nb_check_range(nb_ctx *ctx, nb_tensor *t, double low, double high, const char *takes,
                         const char *way);
/* Whether an activation's outputs are to be looked at, for nobody knows their range. */
bool nb_range_is_unknown(nb_activation last);

bool nb_is_elementwise(nb_activation last, nb_unary kernel);
bool nb_is_softmax(nb_activation last);
bool nb_is_log_softmax(nb_activation last);

#endif
