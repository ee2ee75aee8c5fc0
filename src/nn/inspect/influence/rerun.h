/* One run of training again and again, each time without one example: with its weight 0, so that
 * order and batches stay. What comes before the first step in which the example stands is the same
 * for all and is made once. */
#ifndef NB_RERUN_H
#define NB_RERUN_H

#include "nn/inspect/examples/looker.h"
#include "nn/train/run/snapshot.h"

/* What is run, all borrowed. */
typedef struct nb_course_of {
    nb_net *net; /* as it begins; it is cloned */
    nb_set *set;
    const nb_set *test;
    const nb_trainer_options *run; /* but for seed, optimizer's state and test; weights: of
                                      examples, or none */
    int64_t epochs;
    bool reset; /* it begins with parameters drawn anew by the seed */
} nb_course_of;

typedef struct nb_rerun {
    const nb_course_of *of;
    uint64_t seed;
    bool begun;
    nb_net *net; /* the clone that learns */
    nb_optimizer optimizer;
    nb_tensor *weights; /* f64 (examples) */
    nb_trainer *trainer;
    nb_snapshot *at; /* where all go on from, or NULL: the trainer stands there itself */
    int64_t steps;   /* of the first epoch that are made there */
} nb_rerun;

/* Begins as {.of = …}; may have begun otherwise before. */
nb_status nb_rerun_begin(nb_ctx *ctx, nb_rerun *rerun, uint64_t seed);
void nb_rerun_end(nb_ctx *ctx, nb_rerun *rerun);
/* The step of the first epoch, from 0, in which the example at `place` of its order stands. */
int64_t nb_rerun_step_of(const nb_rerun *rerun, int64_t place);
/* The test cost of the run without the example (from 0) at that place; quickest in rising order of
 * their steps. */
nb_status nb_rerun_without(nb_ctx *ctx, nb_rerun *rerun, int64_t example, int64_t place,
                           double *cost);
/* The test cost of the whole run, which begins here. estimates (examples): what leaving each out
 * would change of that cost to first order (see rerun.c), NaN where the optimizer has no rate.
 * place (examples): where each stands in the first epoch's order. */
nb_status nb_rerun_whole(nb_ctx *ctx, nb_rerun *rerun, double *cost, double *estimates,
                         int32_t *place);

#endif
