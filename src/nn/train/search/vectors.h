/* Vectors over all values of a problem, of its dtype, for searches: 0 where a value does not learn,
 * so that sums over all of them are sums over those that do. Sums run in f64. */
#ifndef NB_VECTORS_H
#define NB_VECTORS_H

#include "nn/train/problem.h"

double nb_vector_dot(const nb_problem *problem, const void *a, const void *b);
/* The largest size of a number. */
double nb_vector_most(const nb_problem *problem, const void *a);
/* a += alpha b */
void nb_vector_add(const nb_problem *problem, void *a, double alpha, const void *b);
/* a *= alpha */
void nb_vector_scale(const nb_problem *problem, void *a, double alpha);
size_t nb_vector_bytes(const nb_problem *problem);
/* out = the gradient as the search sees it: 0 where nothing learns. A rate factor f makes it √f
 * long there: the search is one in w / √f, in which a step along the slope is f long. */
void nb_vector_slope(const nb_problem *problem, void *out);
/* values = from + alpha times a direction of that search. What does not learn keeps every bit. */
void nb_vector_go(const nb_problem *problem, const void *from, double alpha, const void *direction);

#endif
