/* A network's cost as a sum of squares: residuals, and the rows of their Jacobian. */
#ifndef NB_NET_SQUARES_H
#define NB_NET_SQUARES_H

#include "nn/train/problem.h"
#include "nn/train/whole.h"

/* Whether the network's cost is such a sum; NB_EARG says which costs are, and who asks. */
nb_status nb_squares_check(nb_ctx *ctx, const nb_net *net, const char *who);
/* The squares of examples: √w (a - y), an entry for every output of every example, and 0 for those
 * of padded steps. `whole` must stay. *counted: how many of the residuals count, those that have a
 * weight above 0; may be NULL. */
nb_status nb_squares_of(nb_ctx *ctx, const nb_whole *whole, nb_squares *squares, int64_t *counted);

#endif
