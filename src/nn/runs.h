/* A layer's activations, one for every neuron, stored as runs of equal ones, so that one changed
 * neuron costs a few calls more and not a different path. */
#ifndef NB_RUNS_H
#define NB_RUNS_H

#include "grad/activate.h"
#include "nn/activation.h"

/* Equal neighbours: the activation of neurons start … start + count - 1. */
typedef struct nb_run {
    int64_t start, count;
    nb_activation activation;
} nb_run;

/* The runs of one layer, in order, without gaps, neighbours differing. Counted; never changed once
 * made, so that whoever reads a layer's runs may keep them while the layer gets others. */
typedef struct nb_runs {
    size_t refs;
    nb_kernel_runs *kernels; /* the same for the op `activate`; NULL where it cannot do all */
    int behind; /* dimensions of z behind that of the neurons: 0 but of space, its extents */
    int64_t count;
    nb_run run[];
} nb_runs;

/* All `neurons` (at least 1) with one activation. */
nb_runs *nb_runs_new(nb_ctx *ctx, int64_t neurons, int behind, nb_activation activation);
/* A copy with neurons start … start + count - 1 changed; the caller has checked that the layer has
 * them and that count > 0. NB_EARG for softmax on a part of a layer, with the reason. */
nb_runs *nb_runs_with(nb_ctx *ctx, const nb_runs *runs, int64_t start, int64_t count,
                      nb_activation activation);
/* One more owner; returns its argument. */
nb_runs *nb_runs_retain(nb_runs *runs);
/* NULL is allowed. */
void nb_runs_release(nb_ctx *ctx, nb_runs *runs);
int64_t nb_runs_neurons(const nb_runs *runs);
nb_activation nb_runs_at(const nb_runs *runs, int64_t neuron);
bool nb_runs_same(const nb_runs *a, const nb_runs *b);
/* The one activation of all neurons; type NULL when there are several. */
nb_activation nb_runs_uniform(const nb_runs *runs);
/* The activation that stands for the layer: its notation begins with it and its initialiser is the
 * layer's. That of more than half the neurons; where there is none, one of theirs. */
nb_activation nb_runs_main(const nb_runs *runs);
/* a = f(z), z: (…, neurons), and behind them the extents of space: one op where all runs are built
 * in, else one call a host's run and one op for the built-in ones between two of those. A host's
 * function that fails on some neurons is named by them. */
nb_tensor *nb_runs_apply(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z);
/* The same in a layer: where a function fails, the message begins with `where`, "layer 2". */
nb_tensor *nb_runs_apply_in(nb_ctx *ctx, const nb_runs *runs, const char *where, nb_tensor *z);

#endif
