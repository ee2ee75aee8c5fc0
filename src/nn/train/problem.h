/* What an optimizer works on: numbers, their gradient, and a function that evaluates both anew. It
 * knows no network, so that a line search, a fit and a test are problems alike. */
#ifndef NB_PROBLEM_H
#define NB_PROBLEM_H

#include "kernel/kernel.h"
#include "tensor/tensor.h"

enum { NB_RULE_STATES = 4 }; /* the most vectors that a rule on single numbers keeps */

/* A stretch of the values that is treated alike. */
typedef struct nb_segment {
    int64_t start, count;
    double factor; /* of the rate */
    bool frozen;   /* no step moves it, nor what optimizers keep of it */
    bool decays;   /* weight decay touches it */
} nb_segment;

typedef struct nb_problem {
    nb_dtype dtype;
    int64_t count;
    void *values;        /* count of them */
    void *gradient;      /* of the cost, at the values as they stand */
    double cost;         /* there */
    nb_segment *segment; /* a list of `segments`, ascending, which cover the values */
    int64_t segments, segment_room;
    uint8_t *mask; /* count of them: where 0, no step moves the value; NULL: all learn */
    double rate;   /* of this step */
    /* Cost and gradient at the values as they now stand, as often as a step asks; on failure the
     * gradient may hold anything. */
    nb_status (*evaluate)(nb_ctx *ctx, void *self, double *cost);
    void *self;
} nb_problem;

/* Neighbouring numbers that learn at one rate. */
typedef struct nb_stretch {
    size_t n;
    double rate;
    void *w;
    const void *g;
    void *state[NB_RULE_STATES];
} nb_stretch;

/* One step on a stretch. Every number by itself, so that the cut does not matter; runs on the
 * workers. */
typedef void nb_rule(const void *self, const nb_real_kernels *real, const nb_stretch *stretch);

/* The rule on all that learns, cut over the workers. Values that are frozen or masked, and their
 * places in the `states` vectors of state, keep every bit. Cannot fail. */
void nb_problem_update(nb_ctx *ctx, const nb_problem *problem, nb_tensor *const *state, int states,
                       nb_rule *rule, const void *self);

#endif
