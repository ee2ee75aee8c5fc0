/* A network that answers step by step: what it remembers of the steps before, by place. The steps
 * one after the other, or several at a time, give what the whole sequence gives, to rounding. */
#ifndef NB_NET_STREAM_H
#define NB_NET_STREAM_H

#include "nn/net/walk.h"

typedef struct nb_net_stream {
    nb_net *net; /* borrowed */
    nb_dtype dtype;
    nb_state state;
    int64_t steps; /* that it has seen */
} nb_net_stream;

/* An empty one. NB_ESHAPE, NB_EARG: the network takes no steps of a free number, or holds a layer
 * that needs the whole sequence, by name. */
nb_status nb_net_stream_begin(nb_ctx *ctx, nb_net *net, nb_net_stream *stream);
/* Forgets all steps; also what frees it. */
void nb_net_stream_reset(nb_ctx *ctx, nb_net_stream *stream);
/* The same memory once more, into an empty one. */
nb_status nb_net_stream_copy(nb_ctx *ctx, nb_net_stream *to, const nb_net_stream *from);
/* The output for the next step x, one step's sizes, or steps, (k, those sizes): (out…) or (k,
 * out…); of a network that ends in one vector that, after the last of them. Evaluating, off the
 * tape. On failure the memory is as it was. */
nb_tensor *nb_net_stream_run(nb_ctx *ctx, nb_net_stream *stream, nb_tensor *x);

#endif
