/* The learning rate that suits a network, for whoever was told none. */
#ifndef NB_RATE_H
#define NB_RATE_H

#include "nn/net/net.h"
#include "nn/train/optimizer.h"

/* Of plain gradient descent on means over mini-batches: what the cost says for the last activation,
 * and a fifth of that unless there are hidden neurons and all stay within 0 … 1, as the book's do.
 * Steeper ones, and inputs of any size, need smaller steps. The rule is one of thumb: it was chosen
 * by trying networks of every kind on data of several. */
double nb_net_rate(const nb_net *net);
/* The optimizer's, as its options stand, for that network: its type says how it follows. */
double nb_optimizer_rate(const nb_optimizer *optimizer, const nb_net *net);

#endif
