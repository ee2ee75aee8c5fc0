/* The training loop: epochs over mini-batches (the book's algorithm), and who is told of them. */
#ifndef NB_TRAIN_H
#define NB_TRAIN_H

#include "nn/train/run/checkpoint.h"

/* After a batch or an epoch; passed to the hooks. */
typedef struct nb_progress {
    int64_t epoch, epochs;  /* epoch counts from 1 */
    int64_t batch, batches; /* batch counts from 1; 0 at an epoch's end */
    int64_t examples;       /* seen so far in this epoch */
    double cost;      /* mean over the epoch's batches so far, or the last batch's (on_batch) */
    double accuracy;  /* on the test set at an epoch's end; NaN where there is none */
    double test_cost; /* likewise */
    double valid_accuracy, valid_cost; /* likewise, on the valid set */
    const nb_history *history; /* at an epoch's end, whose metrics its last entry has; else NULL */
    double seconds;            /* since train began */
    double rate;               /* training examples a second so far */
    double lr; /* the learning rate of the last step; for those who show: NaN where it is
                  the user's own */
} nb_progress;

/* NB_OK goes on; *stop = true ends training after this batch or epoch without an error. */
typedef nb_status nb_train_hook(nb_ctx *ctx, void *self, const nb_progress *progress, bool *stop);

/* Told of what is no error: a checkpoint that is not there yet, or could not be written. */
typedef void nb_train_note(void *self, const char *text);

/* When and where a run is written (checkpoint.h). */
typedef struct nb_keeping {
    const char *path;   /* NULL: nowhere */
    int64_t epochs;     /* after every so many, or 0; at the end in any case, also after Ctrl-C */
    double seconds;     /* after so many, between two batches, or 0 */
    const char *resume; /* the file from which the run goes on; NULL: it begins */
} nb_keeping;

typedef struct nb_train_options {
    nb_trainer_options run; /* keep_grads is there for whom no hook reads them */
    int64_t epochs;
    nb_train_hook *on_batch, *on_epoch; /* or NULL */
    nb_keeping keeping;
    nb_train_note *on_note;     /* or NULL */
    nb_train_hook *on_progress; /* after every batch and epoch; cheap; cannot fail or stop */
    void *self;                 /* for the hooks */
} nb_train_options;

/* Trains, or goes on with the run of keeping.resume, whose history comes with it; a run that has
 * all its epochs is given back as it ended. A checkpoint that cannot be written is told and tried
 * again at the next; only the last one is an error. With patience the best parameters are there at
 * the end, whatever ended it but an error or Ctrl-C. On an error or Ctrl-C the parameters are those
 * of the last whole batch and the history, whatever it held before, holds the whole epochs before
 * and in which one it was stopped; NB_EVALUE names layer (or "cost"), epoch and batch. What is
 * refused before the first batch, as a set whose examples do not fit the net, leaves the history as
 * it was. */
nb_status nb_train(nb_ctx *ctx, nb_net *net, nb_set *set, const nb_train_options *options,
                   nb_history *history);

#endif
