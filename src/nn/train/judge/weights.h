/* How much examples count in costs and their gradients: a weight for each example of the set, or
 * for each class. */
#ifndef NB_WEIGHTS_H
#define NB_WEIGHTS_H

#include "nn/train/batch.h"

typedef struct nb_weights {
    nb_tensor *of; /* f64 (examples) or (classes), contiguous, owned; NULL: all count alike */
    bool by_class;
} nb_weights;

/* What the user gave: a number for each of what. */
typedef struct nb_weighing {
    nb_tensor *numbers;                                      /* borrowed; NULL: all count alike */
    enum { NB_OF_EITHER, NB_OF_CLASSES, NB_OF_EXAMPLES } of; /* either: their number tells */
} nb_weighing;

/* Reads the user's numbers for a set that fits the net: as many as the set has examples, or the net
 * classes. NB_ESHAPE, NB_EARG: another number of them, which of both they are is not clear, one is
 * below 0 or not finite, or all are 0; a cost that cannot weigh. */
nb_status nb_weights_read(nb_ctx *ctx, const nb_net *net, const nb_set *set, nb_weighing given,
                          nb_weights *out);
void nb_weights_free(nb_ctx *ctx, nb_weights *weights);
/* Of a batch of the examples order[0 … n - 1], positions in the set, the weights (n), or of classes
 * at steps or places of space (n, …), in *out. Without weights, and where those of the examples
 * are all 1, NULL. */
nb_status nb_weights_gather(nb_ctx *ctx, const nb_weights *weights, const nb_net *net,
                            const nb_set *set, const int32_t *order, const nb_batch *batch,
                            nb_tensor **out);
/* The same of the examples from position `start` on, as many as the batch has. */
nb_status nb_weights_of_rows(nb_ctx *ctx, const nb_weights *weights, const nb_net *net,
                             const nb_set *set, int64_t start, const nb_batch *batch,
                             nb_tensor **out);

/* Real steps of example i of a batch, where the network answers step by step. */
int64_t nb_batch_steps(const nb_net *net, const nb_batch *batch, int64_t i);
/* How much a batch counts in the mean that its cost is: its examples' weights, or NULL: 1 each; of
 * a network that answers step by step those of their real steps, an example's weighing for each. */
double nb_batch_weight(const nb_net *net, const nb_batch *batch, const nb_tensor *weights);

#endif
