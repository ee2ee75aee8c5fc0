/* What a run of training is, in a struct, and the numbers that say how far it has come. What is
 * done with it stands in trainer.h and, of a step's batches, prepare.h. */
#ifndef NB_COURSE_H
#define NB_COURSE_H

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
    int64_t pieces;     /* that a batch, or the whole set, is cut into (nn/train/pieces); 0: nobody
                           has said: 1, on several processes NB_PIECES_SHARED */
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
    int64_t count;  /* examples in the set */
    int64_t size;   /* of a batch; the last of an epoch may be shorter */
    int64_t group;  /* batches of a step; the last of an epoch may have fewer */
    int64_t pieces; /* of a batch */
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
    nb_schema before;   /* the network's, until the first step has been made, */
    nb_schema taken;    /* as the trainer left it, */
    uint64_t lessons;   /* and how many there had been then */
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
    bool keep_grads, seed_told, flow_told, pieces_told;
    /* nb_peers_joints before the step under way. */
    uint64_t joints;
    nb_turned turned; /* how steps over rows of non-zeros are made, */
    bool unseen; /* and whether w may stay so behind them: whoever steps calls nb_trainer_settle
                    before anybody looks */
} nb_trainer;

/* A batch as a step learns from it; all owned. */
typedef struct nb_prepared {
    nb_batch batch; /* the examples at hand: of a batch that is cut those of the own pieces at
                       least, none where those are empty */
    nb_lesson lesson;
    nb_cut cut;    /* the lesson's, where it is cut */
    int64_t n;     /* examples of the batch */
    double weight; /* how much it counts, where it is not cut */
} nb_prepared;

/* The step that comes next, before it is made: what it learns from, whatever becomes of the set. */
typedef struct nb_step {
    nb_course at;      /* its epoch, its rate; nothing of it is counted */
    nb_prepared *part; /* the batches that make it, a list of `parts` */
    int64_t parts, room;
} nb_step;

/* How many parts of a size there are of something, the last one smaller. */
static inline int64_t nb_parts_of(int64_t all, int64_t part)
{
    return (all + part - 1) / part;
}

#endif
