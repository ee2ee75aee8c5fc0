/* What each training example does to the test cost: the run is made again without it (rerun.h),
 * over several seeds, for one is chance, and spread over the cores. */
#ifndef NB_INFLUENCE_H
#define NB_INFLUENCE_H

#include "nn/inspect/influence/rerun.h"

/* Seeds that one call takes. */
enum { NB_INFLUENCE_SEEDS = 1000 };

typedef struct nb_influence_task {
    nb_course_of course;
    const uint64_t *seeds;
    int64_t seed_count;      /* at least 1 */
    const int64_t *examples; /* `count` of them, from 0, each once; NULL: all */
    int64_t count;
} nb_influence_task;

/* Of the examples in the order of the task. */
typedef struct nb_influence {
    int64_t count, seeds;
    double *cost;   /* of each seed: the test cost of the run with all examples */
    double *change; /* (count): of the test cost when the example is left out, the mean over seeds:
                       above 0 it has helped */
    double
        *spread; /* (count): the standard deviation of that over the seeds, of n - 1; NaN of one */
    double *estimate; /* (count): the first-order estimate of it, the mean over seeds; or NaN */
    double *each;     /* (seeds, count): of every seed */
    double agreement; /* between change and estimate: the correlation of their ranks */
    double between; /* between the changes of two seeds, the mean over all pairs; NaN of one seed */
} nb_influence;

/* NB_EARG: an example that is not there, or stands twice; a set of one example; and what
 * nb_trainer_new says. */
nb_status nb_influence_find(nb_ctx *ctx, const nb_influence_task *task, nb_influence *out);
void nb_influence_free(nb_ctx *ctx, nb_influence *of);

#endif
