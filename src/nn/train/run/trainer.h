/* A run of training as an object: it makes steps. The loop over epochs (nb_train) stands on it, as
 * do snapshots, which take it back to where it was, and whatever else stops and goes on. */
#ifndef NB_TRAINER_H
#define NB_TRAINER_H

#include "nn/train/judge/evaluate.h"
#include "nn/train/run/history.h"
#include "nn/train/learn.h"
#include "nn/train/run/schedule.h"
#include "nn/train/judge/weights.h"
#include "nn/train/turned.h"

/* What multiplies the learning rate in an epoch, from 1, by a function of the host's: from 0. */
typedef nb_status nb_rate_hook(nb_ctx *ctx, void *self, int64_t epoch, double *factor);

/* How the learning rate goes. */
typedef struct nb_pace {
    nb_schedule schedule;
    int64_t epochs;     /* of the run, for schedules that end with it */
    nb_rate_hook *hook; /* in the schedule's place; or NULL */
    void *self;
} nb_pace;

/* Changes a batch before it is learned from: another x of the same shape and dtype may take the
 * place of its own (which is released), y may be changed in place. */
typedef nb_status nb_augment(nb_ctx *ctx, void *self, nb_batch *batch);

typedef struct nb_trainer_options {
    int64_t batch;  /* not of a full-batch optimizer: a step of it is an epoch */
    uint64_t seed;  /* of the shuffling */
    bool seed_told; /* by the user: a run that goes on must have it */
    bool shuffle;
    nb_optimizer *optimizer;   /* borrowed for the trainer's life */
    nb_weighing weights;       /* of examples or classes (nb_weights_read) */
    nb_set *valid, *test;      /* evaluated at every epoch's end; or NULL */
    nb_metrics_asked *metrics; /* measured on valid, else on test, at every epoch's end; borrowed
                                  for the trainer's life, or NULL */
    const char (*metric_names)[NB_NAME_MAX];
    int64_t patience;   /* epochs without a lower cost on valid that end the run; 0: none do */
    nb_penalty penalty; /* l1 and l2 are the book's λ: the set's examples divide them */
    int64_t accumulate; /* batches that make one step; 0 is 1 */
    nb_pace pace;
    nb_augment *augment; /* or NULL; what it draws from the context is keyed by seed and step */
    void *augmenter;     /* its `self` */
    bool keep_grads;     /* somebody reads net:grads() between steps */
    bool flow;           /* the history keeps what flows through the layers (flow.h) */
    bool flow_told;      /* by the user: else a run that goes on does as it did */
} nb_trainer_options;

/* A run in numbers: how it goes, and how far it has come. With the network's and the optimizer's
 * state it says all that is to come: the order of an epoch is a function of seed and epoch. */
typedef struct nb_course {
    int64_t count; /* examples in the set */
    int64_t size;  /* of a batch; the last of an epoch may be shorter */
    int64_t group; /* batches of a step; the last of an epoch may have fewer */
    uint64_t seed;
    bool shuffle;
    int64_t epoch;     /* the one under way, from 1; 0 before the first step */
    int64_t batch;     /* batches of it that are done */
    int64_t examples;  /* in them */
    double weight;     /* of these: their number, unless they are weighted */
    double sum;        /* of their costs, each times its weight */
    double rate, cost; /* of the last step; the cost before its update */
    int64_t steps;     /* batches of all epochs */
    int64_t best;      /* the epoch from which patience counts: with the lowest cost on valid */
} nb_course;

typedef struct nb_trainer {
    nb_net *net;
    nb_set *set, *valid, *test; /* the last two: or NULL */
    nb_optimizer *optimizer;
    nb_optimizer_options options; /* the optimizer's, as the run began */
    nb_penalty penalty;           /* l1 and l2 by the set's examples */
    nb_pace pace;
    double factor; /* of the rate in epoch `factored`; 0: of none yet */
    int64_t factored;
    nb_course course;
    nb_schema before;   /* the network's, until the first step has been made */
    nb_history history; /* an entry for every epoch that has ended */
    int32_t *order;     /* positions in the set, a list of course.count */
    int64_t ordered;    /* the epoch whose order that is; 0: none yet */
    nb_weights weights;
    nb_tensor *x, *y;           /* of a whole batch */
    nb_tensor *rest_x, *rest_y; /* of the last, shorter one */
    nb_metrics_asked *metrics;  /* or NULL */
    nb_augment *augment;        /* or NULL */
    void *augmenter;
    int64_t patience;
    nb_tensor
        *best[NB_NET_STATE]; /* where patience: the network after epoch course.best; or NULL */
    double began;            /* on the clock; history.seconds is what passed before */
    bool keep_grads, seed_told, flow_told;
    nb_turned turned; /* how steps over rows of non-zeros are made, */
    bool unseen; /* and whether w may stay so behind them: whoever steps calls nb_trainer_settle
                    before anybody looks */
} nb_trainer;

/* A trainer before its first step. It keeps net and sets, and the network takes the set's schema
 * over, which it gives back where no step is made. NB_EARG, NB_ESHAPE: options out of range,
 * a set whose examples do not fit the net, an optimizer that serves another network. */
nb_trainer *nb_trainer_new(nb_ctx *ctx, nb_net *net, nb_set *set,
                           const nb_trainer_options *options);
/* NULL is allowed. */
void nb_trainer_free(nb_ctx *ctx, nb_trainer *trainer);

/* A batch as a step learns from it; all owned. */
typedef struct nb_prepared {
    nb_batch batch;
    nb_lesson lesson;
    double weight; /* how much it counts */
} nb_prepared;

/* The step that comes next, before it is made: what it learns from, whatever becomes of the set. */
typedef struct nb_step {
    nb_course at;      /* its epoch, its rate; nothing of it is counted */
    nb_prepared *part; /* the batches that make it, a list of `parts` */
    int64_t parts, room;
} nb_step;

/* The next batch, or the next so many that make a step; *cost: their own, before the update. After
 * the last batch of an epoch a step ends that epoch, where nobody has, and begins the next. On any
 * failure nothing has changed, and trying again gives the same bits; NB_EVALUE names epoch, batch
 * and layer (or "cost"). */
nb_status nb_trainer_step(nb_ctx *ctx, nb_trainer *trainer, double *cost);
/* The same in two halves. Prepared until the trainer moves otherwise; NB_EARG for an optimizer that
 * works on the whole set: it has no batch. Made with the bits of nb_trainer_step; the step stays as
 * it is, also on failure, when the same call again gives the same bits. */
nb_status nb_trainer_prepare(nb_ctx *ctx, nb_trainer *trainer, nb_step *step);
nb_status nb_trainer_make(nb_ctx *ctx, nb_trainer *trainer, const nb_step *step, double *cost);
void nb_step_free(nb_ctx *ctx, nb_step *step);
/* Brings the network to what everybody else sees, where steps that nobody saw left it turned. */
void nb_trainer_settle(nb_trainer *trainer);
/* Evaluates valid and test and writes the history's entry, once all batches of an epoch are done;
 * otherwise, and the second time, it does nothing. */
nb_status nb_trainer_end_epoch(nb_ctx *ctx, nb_trainer *trainer);
/* The rest of the epoch under way, or a new one; ends it. */
nb_status nb_trainer_epoch(nb_ctx *ctx, nb_trainer *trainer);
/* Makes trainer->order that of an epoch, from 1. */
nb_status nb_trainer_order(nb_ctx *ctx, nb_trainer *trainer, int64_t epoch);
/* Between epochs: the last is whole, or there was none. */
bool nb_trainer_is_whole(const nb_trainer *trainer);
/* Whether patience is at its end: so many epochs in a row had no lower cost on valid. */
bool nb_trainer_is_done(const nb_trainer *trainer);
/* Puts the parameters (and running figures) of the epoch with the lowest cost on valid into the
 * network, where the trainer keeps them: with patience, once an epoch has ended. */
void nb_trainer_take_best(nb_trainer *trainer);
/* Ends an epoch whose batches are done as it ended before: its entry still stands in the history,
 * behind the last one. Nothing is evaluated. */
nb_status nb_trainer_recall_epoch(nb_ctx *ctx, nb_trainer *trainer);
/* Updates so far: batches, but of those that make a step together one. */
int64_t nb_course_updates(const nb_course *at);
/* The mean cost of the epoch's batches so far. */
double nb_course_cost(const nb_course *at);
/* Since the run began. */
double nb_trainer_seconds(const nb_trainer *trainer);

#endif
