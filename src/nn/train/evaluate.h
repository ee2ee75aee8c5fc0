/* Cost and right answers of a network over a data set, and what a set must be for it. */
#ifndef NB_EVALUATE_H
#define NB_EVALUATE_H

#include "nn/data/set.h"
#include "nn/net/pass.h"

typedef struct nb_evaluation {
    int64_t examples;
    int64_t correct; /* -1 where y holds no classes */
    double cost;
} nb_evaluation;

/* Cost and, where y holds classes (or one-hot targets), right answers: the output's largest value
 * at the class; a single output: on the right side of one half. */
nb_status nb_evaluate(nb_ctx *ctx, nb_net *net, const nb_set *set, nb_evaluation *out);

/* Whether a set's examples and targets fit a net; NB_ESHAPE or NB_EARG says why not. */
nb_status nb_set_check(nb_ctx *ctx, const nb_net *net, const nb_set *set);
/* Buffers for n examples and their targets. */
nb_status nb_batch_new(nb_ctx *ctx, const nb_net *net, int64_t n, nb_tensor **x, nb_tensor **y);

#endif
