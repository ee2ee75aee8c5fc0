/* Everything that one pass of backpropagation computes: the training kernels with all of it kept,
 * the same bits as training. */
#ifndef NB_TRACE_H
#define NB_TRACE_H

#include "nn/net/pass.h"

/* A sum inside a layer that was opened, and what came back to it; all owned. */
typedef struct nb_trace_sum {
    nb_sum of;
    nb_tensor *demand, *delta; /* dC/da and dC/dz */
} nb_trace_sum;

/* One place of the network; a shared layer has several, with the same gradients of its parameters.
 */
typedef struct nb_trace_place {
    nb_layer *layer; /* one more reference */
    nb_tensor *in;   /* (n, in…): what came into the layer at this place */
    nb_tensor *z;    /* (n, neurons); for a layer without neurons the same as a */
    nb_tensor *a;
    nb_tensor *demand; /* dC/da: wᵀ δ of what is above; NULL where a fused cost went on from z */
    nb_tensor *delta;  /* dC/dz */
    nb_tensor *in_lengths, *lengths; /* of the steps that came, and of those of z and a; NULL: none
                                        is padded */
    nb_runs *runs;                   /* the activations that made a; NULL: no neurons */
    nb_tensor *slope; /* f'(z) of each neuron, once nb_trace_slopes was asked; NULL: no neurons, or
                         nb_runs_slope gave none */
    nb_tensor **grad; /* of its parameters, in their order: nabla_w, nabla_b; behind them that of a
                         w that it is tied to */
    int grads;
    nb_trace_sum *sum; /* a list of `sums`, of the layer that is opened, in their order */
    int sums, sum_room;
} nb_trace_place;

typedef struct nb_trace {
    const nb_layer *open; /* set by the caller: whose sums are kept too (nn/sums.h); or NULL */
    bool lean; /* … no gradients but demand and δ of what has parameters below: less work */
    double cost;
    bool single;        /* nb_trace_single was asked */
    nb_tensor *x;       /* as it was given */
    nb_tensor *seen;    /* a of layer 0: x in the network's scale */
    nb_tensor *grad_x;  /* dC/dx; NULL where x is words */
    nb_tensor *out;     /* a of the network */
    nb_tensor *lengths; /* of its steps; NULL: none is padded */
    nb_tensor *weights; /* of the examples; NULL: all count alike */
    nb_tensor *grad_a;  /* dC/da of that, once nb_trace_slopes was asked */
    int places;
    nb_trace_place *place; /* depth first; the children of place p begin at p + 1 */
} nb_trace;

/* Fills *trace (zeroed by the caller, but for `open` and `lean`) for prepared inputs and targets;
 * lengths of x, or NULL. Does not touch net->grads. */
nb_status nb_trace_run(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_tensor *lengths,
                       nb_trace *trace);
/* The same of a pass that runs as `mode` says. */
nb_status nb_trace_run_as(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                          nb_trace *trace);
/* What BP1 and BP2 multiply with, besides: grad_a, and the slope of every place. Costs and
 * activations run once more for it. */
nb_status nb_trace_slopes(nb_ctx *ctx, const nb_net *net, nb_tensor *y, nb_trace *trace);
/* Of a trace of one example: all that has a row for each example loses that dimension. */
nb_status nb_trace_single(nb_ctx *ctx, nb_trace *trace);
/* Whose gradient grad[i] is. */
const nb_param *nb_trace_param(const nb_trace_place *place, int i);
void nb_trace_free(nb_ctx *ctx, nb_trace *trace);

#endif
