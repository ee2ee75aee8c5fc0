/* Metrics: what is told of a network on a data set besides its cost. Each is a number over all
 * answers of the set: one an example, or one for each of its steps or places. */
#ifndef NB_METRIC_H
#define NB_METRIC_H

#include "nn/cost.h"

enum { NB_METRICS_MAX = 8 }; /* asked for at a time */

typedef struct nb_metric_type nb_metric_type;

/* A metric with its options, a plain value of nb_chosen's shape: top_k(k=3). */
typedef struct nb_metric {
    const nb_metric_type *type; /* NULL: the host's */
    double number[NB_CHOSEN_NUMBERS];
    nb_cost host; /* a function (a, y) → number of all outputs and all of y */
} nb_metric;

/* Some of the answers, off the tape, contiguous, padding left out. */
typedef struct nb_judged {
    const nb_tensor *given;   /* (answers, K) outputs */
    const nb_tensor *wanted;  /* (answers, K) targets of their dtype, or NULL */
    const nb_tensor *classes; /* (answers) NB_I32 class numbers from 1, or NULL */
} nb_judged;

struct nb_metric_type {
    const char *name;
    const char *help; /* one line with the formula */
    const char *example;
    const nb_option *options; /* into nb_metric.number; NULL: none */
    bool classes;             /* is of class numbers; else of targets */
    /* How many numbers it sums for answers of K. */
    int64_t (*sums)(int64_t k);
    /* Adds these answers; sums are 0 at first. NULL: it is the share of right answers, which every
     * evaluation counts. */
    void (*add)(const nb_metric *metric, const nb_judged *answers, double *sums);
    /* What `answers` of K numbers come to. NULL: the sums themselves are told, a (K, K) table. */
    double (*value)(int64_t k, int64_t answers, const double *sums);
};

typedef enum nb_metric_id {
#define X(name) NB_METRIC_##name,
#include "nn/train/judge/metrics.def"
#undef X
    NB_METRICS
} nb_metric_id;

extern const nb_metric_type *const nb_metrics[NB_METRICS];
extern const nb_family nb_metric_family;

const nb_metric_type *nb_metric_find(const char *name);
const char *nb_metric_name_at(const void *list, size_t i);

#endif
