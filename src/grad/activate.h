/* The activations of a layer as the ops see them: runs of neurons with one function of
 * kernel/unary.def each. A plain structure, so that this floor need not know what an activation is
 * called. */
#ifndef NB_ACTIVATE_H
#define NB_ACTIVATE_H

#include "grad/op.h"

typedef struct nb_kernel_run {
    int64_t start, count;
    nb_unary kernel;
    double p, q;
} nb_kernel_run;

/* In order, without gaps; attr.shared of the ops activate and dense. */
typedef struct nb_kernel_runs {
    nb_shared head;
    int64_t count;
    nb_kernel_run run[];
} nb_kernel_runs;

#endif
