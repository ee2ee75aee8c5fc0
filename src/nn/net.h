/* A network: layers over one flat vector of parameters and one of gradients. */
#ifndef NB_NET_H
#define NB_NET_H

#include "nn/notation/notation.h"

typedef struct nb_net {
    size_t refs;
    int in_dims, out_dims;
    int64_t in_shape[NB_MAX_DIMS], out_shape[NB_MAX_DIMS];
    nb_layer *layer;
    int layers;
    const nb_cost *cost;
    nb_dtype dtype;
    nb_tensor *params; /* flat; every layer's parameters are views of it */
    nb_tensor *grads;  /* flat; of the last backward */
    uint64_t seed;     /* of the last reset */
    bool has_grads;    /* something was written into grads */
} nb_net;

/* Builds and initialises. NB_ESHAPE names the layer, both shapes and the fix. */
nb_net *nb_net_new(nb_ctx *ctx, const nb_net_spec *spec, nb_dtype dtype, uint64_t seed);
nb_net *nb_net_retain(nb_net *net);
void nb_net_release(nb_ctx *ctx, nb_net *net);
/* A copy with its own parameters, in `dtype`. */
nb_net *nb_net_clone(nb_ctx *ctx, const nb_net *net, nb_dtype dtype);
/* Draws all parameters anew. */
nb_status nb_net_reset(nb_ctx *ctx, nb_net *net, uint64_t seed);
int64_t nb_net_count(const nb_net *net);

/* The output for prepared inputs, on the tape when the context records. */
nb_tensor *nb_net_forward(nb_ctx *ctx, nb_net *net, nb_tensor *x);
/* Forward and cost for prepared inputs and targets; *output (if not NULL) gets the last layer's a,
 * or its z where the cost is fused: the same order of sizes either way. */
nb_tensor *nb_net_cost(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_tensor **output);
/* C from the last layer's result: its a, or its z where nb_net_fused says that the cost takes that.
 */
nb_op_id nb_net_fused(const nb_net *net);
nb_tensor *nb_net_cost_from(nb_ctx *ctx, const nb_net *net, nb_op_id fused, nb_tensor *last,
                            nb_tensor *y);
/* Where backward writes the gradients of the net's parameters. */
typedef enum nb_sink_kind {
    NB_INTO_GRADS,   /* net->grads, fresh */
    NB_INTO_WEIGHTS, /* the parameters themselves, times -lr: plain gradient descent */
    NB_INTO_FRESH    /* tensors of their own, nb_leaf_of(value)->grad */
} nb_sink_kind;
void nb_net_aim(nb_net *net, nb_sink_kind kind, double lr);

/* Cost and gradients of prepared examples: BP1 to BP4. NB_EVALUE when the cost or a gradient is not
 * finite: nothing is written then. */
nb_status nb_net_learn(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, nb_sink_kind kind,
                       double lr, double *cost);
/* The same into net->grads. */
nb_status nb_net_backprop(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, double *cost);

#endif
