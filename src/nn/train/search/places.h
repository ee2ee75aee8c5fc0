/* The values of a problem that a search may move, and vectors of them. */
#ifndef NB_PLACES_H
#define NB_PLACES_H

#include "nn/train/problem.h"

/* Those that are neither frozen nor masked, and learn at a rate above 0. */
typedef struct nb_places {
    int64_t count;
    int64_t *at;    /* ascending */
    double *factor; /* of the rate, of each */
} nb_places;

nb_status nb_places_find(nb_ctx *ctx, const nb_problem *problem, nb_places *places);
void nb_places_free(nb_ctx *ctx, nb_places *places);

/* Number i of a vector of that dtype. */
double nb_number_at(nb_dtype dtype, const void *vector, int64_t i);
void nb_number_put(nb_dtype dtype, void *vector, int64_t i, double value);

#endif
