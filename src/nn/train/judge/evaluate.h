/* Cost and right answers of a network over a data set. */
#ifndef NB_EVALUATE_H
#define NB_EVALUATE_H

#include "nn/train/judge/few.h"
#include "nn/train/judge/measure.h"
#include "nn/train/judge/weights.h"

typedef struct nb_evaluation {
    int64_t examples;
    int64_t answers; /* judged: one an example, or one for each of its steps */
    int64_t correct; /* of the answers; -1 where y holds no classes */
    double cost;
} nb_evaluation;

/* Cost and, where y holds classes (or one-hot targets), right answers: the output's largest value
 * at the class, at every step; a single output: on the right side of one half. */
nb_status nb_evaluate(nb_ctx *ctx, nb_net *net, const nb_set *set, nb_evaluation *out);
/* The same with the cost Σ w C_x / Σ w where there are weights, answers counted as they are; and
 * with metrics. Either may be NULL. */
nb_status nb_evaluate_with(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_weights *weights,
                           nb_metrics_asked *metrics, nb_evaluation *out);
/* Examples of a set that a network takes at a time: what its widest layer reads and writes stays in
 * a cache. Of both alone. */
int64_t nb_portion_size(const nb_net *net, const nb_set *set);
/* What the cost of some of them is the mean of: examples, or the steps of sequences of different
 * lengths; or their weights (f64), (n) or of all places, where padding has none. out, lengths: the
 * network's outputs for them and the lengths of these. */
double nb_portion_weight(const nb_set *set, const nb_tensor *out, const nb_tensor *lengths,
                         const nb_tensor *weights);
/* The share of right answers; NaN where there are none to judge. */
double nb_evaluation_accuracy(const nb_evaluation *evaluation);

#endif
