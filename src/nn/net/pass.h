/* Passes over prepared examples: output and cost. */
#ifndef NB_PASS_H
#define NB_PASS_H

#include "nn/net/walk.h"

/* Backward from the cost of a pass that ran so; of the options δ is the mode's. */
nb_status nb_net_back(nb_ctx *ctx, nb_tensor *cost, const nb_mode *mode,
                      const nb_backward_options *options);
/* The output, evaluating, without tape. */
nb_tensor *nb_net_forward(nb_ctx *ctx, nb_net *net, nb_tensor *x);
/* Whether x is one example that needs no batch of one around it, because all layers are one chain
 * (chain.h). */
bool nb_net_takes_alone(const nb_ctx *ctx, const nb_net *net, const nb_tensor *x);
/* Of such an x: what nb_net_forward gives of that batch, with the same bits. */
nb_tensor *nb_net_forward_alone(nb_ctx *ctx, nb_net *net, nb_tensor *x);
/* The activation that makes all of the network's outputs; its type NULL where there are several, or
 * none. */
nb_activation nb_net_last_activation(const nb_net *net);
/* The op that takes the cost from z of the last neurons, where cost and activation have one: it is
 * looked for through nested networks at the end. Else NB_OPS. */
nb_op_id nb_net_fused(const nb_net *net);
/* C of outputs as a pass gives them beside targets y, or of some of their rows; off the tape. */
nb_tensor *nb_net_cost_of(nb_ctx *ctx, const nb_net *net, nb_tensor *output, nb_tensor *y);
/* C from the network's a, never fused; y: targets of a's shape, or class numbers where the cost
 * takes them. */
nb_tensor *nb_net_cost_from(nb_ctx *ctx, const nb_net *net, nb_tensor *a, const nb_answers *y,
                            nb_tensor *lengths);
/* Whether each place of an example, a step or a place of space, counts as an example of the cost
 * when it is held against y. */
bool nb_net_counts_places(const nb_net *net, const nb_tensor *y);
/* Space, (n, channels, extents…), with its channels last, where costs and judges look for what
 * belongs together. By op. */
nb_tensor *nb_channels_last(nb_ctx *ctx, nb_tensor *t);
/* Whether the cost takes what the last neurons make; NB_EARG says which of them do not fit, and the
 * way out. Whoever asks a network for its cost is told; one that is changed, or was saved so, may
 * be in this state meanwhile. */
nb_status nb_net_check_cost(nb_ctx *ctx, const nb_net *net);

#endif
