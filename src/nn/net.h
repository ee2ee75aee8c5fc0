/* A network: layers over one flat vector of parameters and one of gradients. */
#ifndef NB_NET_H
#define NB_NET_H

#include "grad/tape.h"
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
    nb_home *home;     /* of their gradients; says what grads holds */
    nb_tensor *grads;  /* flat; the home's */
    uint64_t seed;     /* of the last reset */
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

/* Examples for this net: x as (n, in_shape…) in its dtype. *single says that x was one example.
 * NULL with NB_ESHAPE "x has 60 values an example; the network takes 64". */
nb_tensor *nb_net_inputs(nb_ctx *ctx, const nb_net *net, nb_tensor *x, bool *single);
/* Targets (n, out_shape…) in its dtype from targets or class numbers 1…K (any dtype, one dimension
 * fewer, more than one output). NB_EARG for classes outside, with a word about counting from 0. */
nb_tensor *nb_net_targets(nb_ctx *ctx, const nb_net *net, nb_tensor *y, int64_t n);

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
/* Cost and gradients of prepared examples: BP1 to BP4, into net->grads or the sink. NB_EVALUE when
 * the cost or a gradient is not finite: nothing is written then. */
nb_status nb_net_learn(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_sink *sink,
                       double *cost);
/* The same into net->grads. */
nb_status nb_net_backprop(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, double *cost);

#endif
