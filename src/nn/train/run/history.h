/* What a run of training leaves by epoch. */
#ifndef NB_HISTORY_H
#define NB_HISTORY_H

#include "nn/train/judge/metric.h"
#include "nn/train/run/flow.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct nb_epoch {
    double cost; /* mean over the epoch's examples, each when its batch came */
    /* Of the sets that are evaluated at its end; NaN where there is none. Accuracy is the share of
     * right answers, NaN where y holds no classes. */
    double valid_cost, valid_accuracy;
    double test_cost, accuracy;
    double metric[NB_METRICS_MAX]; /* of those asked for; NaN where there is nothing to tell of */
    double elapsed;                /* seconds since the run began */
    double lr;                     /* the learning rate of its last step */
} nb_epoch;

/* The numbers of an epoch, by the names that users and files know them by. */
typedef struct nb_epoch_field {
    const char *name; /* NULL ends the list */
    size_t offset;    /* in nb_epoch */
} nb_epoch_field;

extern const nb_epoch_field nb_epoch_fields[];

/* Where metric number k stands. */
static inline size_t nb_metric_offset(int k)
{
    return offsetof(nb_epoch, metric) + (size_t)k * sizeof(double);
}

/* The number at such an offset. */
static inline double *nb_epoch_number(nb_epoch *epoch, size_t offset)
{
    return (double *)(void *)((char *)epoch + offset);
}

typedef struct nb_history {
    int64_t epochs, room; /* whole epochs done */
    nb_epoch *epoch;
    nb_flow flow; /* of every epoch, where somebody asked */
    int metrics;  /* that every epoch has, by these names */
    char metric[NB_METRICS_MAX][NB_NAME_MAX];
    double seconds;
    int64_t examples;      /* trained on, all epochs together */
    int64_t pieces;        /* that batches were cut into */
    int64_t tested;        /* examples of the test set */
    int64_t common;        /* those of them that were trained on */
    bool resumed;          /* it goes on with a run from a file */
    const char *converged; /* why a full-batch optimizer had nothing more to do; NULL: it had */
    int64_t best;    /* the epoch whose parameters came back at the end; 0: the last one's stayed */
    int64_t stopped; /* the epoch in which an error or Ctrl-C ended the run; 0: none did */
} nb_history;

void nb_history_free(nb_ctx *ctx, nb_history *history);
/* `to` holds nothing yet, or after a failure. */
nb_status nb_history_copy(nb_ctx *ctx, nb_history *to, const nb_history *from);
/* Room for `count` epochs more. */
nb_status nb_history_reserve(nb_ctx *ctx, nb_history *history, int64_t count);
#endif
