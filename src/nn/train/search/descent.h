/* What the searches along lines share: a direction, a line search along it, and when there is
 * nothing more to do. */
#ifndef NB_DESCENT_H
#define NB_DESCENT_H

#include "nn/train/optimizer.h"

/* The first vector of state of such an optimizer. */
enum { NB_DESCENT_NUMBERS = 8 };
enum {
    NB_DESCENT_DONE,   /* 0, or why: an NB_DONE_ */
    NB_DESCENT_STEP,   /* how far the last search went, in its direction; 0: there was none */
    NB_DESCENT_SLOPE,  /* the slope along it at its beginning */
    NB_DESCENT_COST,   /* the lowest cost so far, */
    NB_DESCENT_MOST,   /* the lowest of the largest slopes, and */
    NB_DESCENT_STALE,  /* how many steps have lowered neither */
    NB_DESCENT_PAIRS   /* lbfgs: pairs that it has seen since it began anew */
};

/* One step under way: its vectors, in one block, and the numbers that are its state at its end. */
typedef struct nb_descent {
    nb_ctx *ctx;
    nb_optimizer *optimizer;
    const nb_problem *problem;
    void *from;           /* the values before */
    void *slope, *after;  /* the gradient as the search sees it, there and at the step's end */
    void *direction;
    double number[NB_DESCENT_NUMBERS];
} nb_descent;

/* With the gradient there, and `direction` against it; *over: it is small enough to end here. */
nb_status nb_descent_begin(nb_descent *d, bool *over);
void nb_descent_end(nb_descent *d);
/* Looks along the direction, first at `step`; if it does not lead down, or nothing lower is found
 * there, against the gradient. *found: the values are now those of the step and `after` holds the
 * gradient there; else they are as before, and it is done. *against: the direction was given up. */
nb_status nb_descent_go(nb_descent *d, double step, bool *against, bool *found);
/* The state of the step's end. */
void nb_descent_keep(const nb_descent *d);

const char *nb_descent_done(const nb_optimizer *optimizer);

#endif
