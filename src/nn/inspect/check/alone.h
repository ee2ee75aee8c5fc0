/* The examples of a traced pass, each alone: whether their costs make up the cost, and kinks of
 * theirs that cancel in it. */
#ifndef NB_ALONE_H
#define NB_ALONE_H

#include "nn/inspect/check/again.h"

/* Of more examples kinks that cancel are not looked for: each keeps a trace. */
enum { NB_ALONE_MOST = 256 };

typedef struct nb_alone {
    const nb_again *all; /* traced */
    nb_again *one;       /* a list of `count`, each traced when it is first asked */
    int64_t count;
} nb_alone;

/* Whether the examples can be taken apart: there are several, the cost is a mean over them (not
 * over the steps of sequences of different lengths), and none hangs on another through a norm. */
bool nb_alone_can(const nb_again *all);
/* C of example i, and what it counts: its weight, or those of all its places. */
nb_status nb_alone_cost(const nb_again *all, int64_t i, double *cost);
double nb_alone_weight(const nb_again *all, int64_t i);

/* Number k of parameter `param` of place `place`, and its gradient. */
typedef struct nb_alone_number {
    int place, param;
    int64_t k;
    double g;
} nb_alone_number;

/* Whether C bends there for one example at least, every example's own gradient is right (a slope,
 * or between those to both sides of a bend), and g is their mean: so that bends which cancel in C
 * are known as such. Begins as {all}; to be ended. */
nb_status nb_alone_bends(nb_alone *alone, const nb_alone_number *number, bool *bends);
void nb_alone_end(nb_alone *alone);

#endif
