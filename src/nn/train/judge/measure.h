/* Metrics of a network on a set, summed while its answers come by. */
#ifndef NB_MEASURE_H
#define NB_MEASURE_H

#include "nn/data/set.h"
#include "nn/net/net.h"
#include "nn/train/judge/metric.h"

/* What is asked for, and what it comes to: NaN where there is nothing to tell of. */
typedef struct nb_metrics_asked {
    int count;
    nb_metric metric[NB_METRICS_MAX];
    double value[NB_METRICS_MAX];
    nb_tensor *table[NB_METRICS_MAX]; /* (K, K) NB_I32 of those that are tables, the caller's to
                                         release; else NULL */
} nb_metrics_asked;

typedef struct nb_measure {
    nb_metrics_asked *asked;
    int64_t columns, answers; /* K, 0 before the first answers, and how many came by */
    double *sum[NB_METRICS_MAX];
    bool values;                 /* one is of the outputs themselves, not of their order */
    bool whole;                  /* one is a function that wants all answers at once */
    nb_tensor **given, **wanted; /* for it: lists of `parts` tensors with room for `room` */
    int64_t parts, room;
} nb_measure;

/* NB_EARG for a metric of classes where y holds targets, and the other way about. `asked` may be
 * NULL; it stays the caller's. */
nb_status nb_measure_begin(nb_ctx *ctx, nb_measure *measure, nb_metrics_asked *asked,
                           const nb_net *net, const nb_set *set);
nb_status nb_measure_add(nb_ctx *ctx, nb_measure *measure, const nb_judged *answers);
/* Fills asked->value, where status is NB_OK, and gives memory back; accuracy is what the caller has
 * counted. */
nb_status nb_measure_end(nb_ctx *ctx, nb_measure *measure, nb_status status, double accuracy);

#endif
