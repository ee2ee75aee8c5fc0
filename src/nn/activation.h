/* Activations. A layer holds one for every neuron, stored as runs of equal ones, so that one
 * changed neuron costs a few calls more and not a different path. */
#ifndef NB_ACTIVATION_H
#define NB_ACTIVATION_H

#include "grad/activate.h"
#include "grad/op.h"

/* A function that the host brings: tensors in, one tensor out, recorded on the tape when the
 * context records. NULL with NB_ECALLBACK when it raised, or NB_EARG when it gave something else
 * back. */
typedef struct nb_host_function {
    nb_tensor *(*call)(nb_ctx *ctx, const struct nb_host_function *self, nb_tensor *const *in,
                       int count);
    uint64_t id; /* the host's own key */
} nb_host_function;

typedef struct nb_activation {
    const char *name;
    const char *help;             /* one line */
    const char *formula;          /* f, in plain text */
    const char *init;             /* the initialiser that suits it */
    const char *example;          /* Lua that runs */
    nb_unary kernel;              /* of elementwise built-in ones */
    double p, q;                  /* its parameters */
    bool whole_layer;             /* softmax: acts on all neurons of a layer together, by op */
    nb_op_id op;                  /* of whole_layer ones */
    const nb_host_function *host; /* NULL: built in */
} nb_activation;

typedef enum nb_activation_id {
#define X(name) NB_ACT_##name,
#include "nn/activations.def"
#undef X
    NB_ACTIVATIONS
} nb_activation_id;

extern const nb_activation *const nb_activations[NB_ACTIVATIONS];

/* The built-in one called `name`, or NULL. */
const nb_activation *nb_activation_find(const char *name);
/* The i-th built-in name, for nb_nearest; `list` is not used. */
const char *nb_activation_name_at(const void *list, size_t i);

/* Equal neighbours: the activation of neurons start … start + count - 1. */
typedef struct nb_run {
    int64_t start, count;
    const nb_activation *activation;
} nb_run;

/* The runs of one layer, in order, without gaps, neighbours differing. Counted; never changed once
 * made, so that whoever reads a layer's runs may keep them while the layer gets others. */
typedef struct nb_runs {
    size_t refs;
    nb_kernel_runs *kernels; /* the same for the op `activate`; NULL where it cannot do all */
    int64_t count;
    nb_run run[];
} nb_runs;

/* All `neurons` (at least 1) with one activation. */
nb_runs *nb_runs_new(nb_ctx *ctx, int64_t neurons, const nb_activation *activation);
/* A copy with neurons start … start + count - 1 changed; the caller has checked that the layer has
 * them and that count > 0. NB_EARG for softmax on a part of a layer, with the reason. */
nb_runs *nb_runs_with(nb_ctx *ctx, const nb_runs *runs, int64_t start, int64_t count,
                      const nb_activation *activation);
/* One more owner; returns its argument. */
nb_runs *nb_runs_retain(nb_runs *runs);
/* NULL is allowed. */
void nb_runs_release(nb_ctx *ctx, nb_runs *runs);
int64_t nb_runs_neurons(const nb_runs *runs);
const nb_activation *nb_runs_at(const nb_runs *runs, int64_t neuron);
/* The one activation of all neurons, or NULL when there are several. */
const nb_activation *nb_runs_uniform(const nb_runs *runs);
/* The activation that stands for the layer: its notation begins with it and its initialiser is the
 * layer's. That of more than half the neurons; where there is none, one of theirs. */
const nb_activation *nb_runs_main(const nb_runs *runs);
/* True when every run is elementwise and built in: the fused op can do it. */
bool nb_runs_fuse(const nb_runs *runs);
/* a = f(z), z: (…, neurons): one op where all runs are built in, else one call a host's run and one
 * op for the built-in ones between two of those. */
nb_tensor *nb_runs_apply(nb_ctx *ctx, const nb_runs *runs, nb_tensor *z);

#endif
