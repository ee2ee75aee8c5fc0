/* A run on its way: a trainer's steps with the ends of epochs, the hooks that are told of them and
 * the checkpoints between them. nb_train goes through it at one go; a run under glass stops
 * wherever its user likes. */
#ifndef NB_LOOP_H
#define NB_LOOP_H

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

/* Fill trainer and options, both borrowed; the rest is nb_loop_begin's. */
typedef struct nb_loop {
    nb_ctx *ctx;
    nb_trainer *trainer;
    const nb_train_options *options;
    const nb_step *prepared; /* what the next step is made from; NULL: it gathers its batch */
    int64_t epoch;           /* under way: until its last hook has returned */
    bool stop;               /* a hook has asked for it */
    bool settled;            /* every hook of what was learned has returned: it may be written */
    int64_t kept_steps;  /* batches that the last checkpoint has behind it; -1: none was written */
    int64_t kept_epochs; /* likewise the whole epochs */
    double kept_at;      /* on the clock */
} nb_loop;

/* Takes the trainer to where the run in keeping.resume was, if there is such a file, and looks
 * whether a checkpoint can be written. On failure nothing has changed. */
nb_status nb_loop_begin(nb_ctx *ctx, nb_loop *loop, bool *resumed);
/* The next step and the hook behind it; the last one of an epoch ends the epoch, with its hook.
 * Where an end failed that is all that is made up for, and no step is made. On failure the trainer
 * is whole: between two steps. */
nb_status nb_loop_step(nb_loop *loop);
/* Whether the run has epochs before it, and nobody has asked to stop. */
bool nb_loop_goes_on(const nb_loop *loop);
/* Writes what no checkpoint has, where one is asked for and the run ended well or by Ctrl-C. Gives
 * the status that it is given, or how the writing failed. */
nb_status nb_loop_end(nb_loop *loop, nb_status status);

#endif
