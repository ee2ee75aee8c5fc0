/* Passes that end in gradients: backpropagation. */
#ifndef NB_BACKPROP_H
#define NB_BACKPROP_H

#include "nn/net/culprit.h"
#include "nn/net/pass.h"

/* Cost and gradients of prepared examples: BP1 to BP4, into net->grads or the sink. NB_EVALUE when
 * the cost or a gradient is not finite, or a parameter that the sink moves would not be: nothing is
 * written then, and the message says where it began (nn/net/culprit.h), unless the mode is of a
 * trial or the context heedless. mode: of training; what it stages waits for the caller. */
nb_status nb_net_learn(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, const nb_mode *mode,
                       const nb_sink *sink, double *cost);
/* The same into net->grads, outside training: frozen layers have theirs too, and buffers stay. */
nb_status nb_net_backprop(nb_ctx *ctx, nb_net *net, nb_tensor *x, nb_tensor *y, double *cost);
/* Puts behind the last failure's message, where its status is NB_EVALUE, where that began; the
 * status, or NB_EINTERRUPT. For those who go back from a pass by themselves. */
nb_status nb_net_explain(nb_ctx *ctx, const nb_inquiry *ask, nb_status status);
/* Whether a function of the host takes part, which may give something else at every call. */
bool nb_net_has_functions(const nb_net *net);
/* "the cost is nan": NB_EVALUE. */
nb_status nb_net_bad_cost(nb_ctx *ctx, double cost);

#endif
