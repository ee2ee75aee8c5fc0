/* Batches: whether a set fits a network, and the buffers that its examples are gathered into. */
#ifndef NB_BATCH_H
#define NB_BATCH_H

#include "nn/data/set.h"
#include "nn/examples.h"

/* Examples as a pass takes them: new references. */
typedef struct nb_batch {
    nb_tensor *x, *y;
    nb_tensor *lengths; /* i32 (n): of padded sequences, else NULL */
} nb_batch;

/* Whether a set's examples and targets fit a net; NB_ESHAPE or NB_EARG says why not. Numbers that
 * the net makes classes are looked through. */
nb_status nb_set_check(nb_ctx *ctx, const nb_net *net, const nb_set *set);
/* Whether its columns stand in the order in which the network learned them: the same names in
 * another one are other numbers in every column. */
nb_status nb_set_check_columns(nb_ctx *ctx, const nb_net *net, const nb_set *set);
/* Whether its sequences of different lengths do: the network takes any number of steps, and each
 * has as many targets as it gives steps of it. */
nb_status nb_set_check_lengths(nb_ctx *ctx, const nb_net *net, const nb_set *set);
/* Whether the set's y is class numbers for this net. */
bool nb_set_has_classes(const nb_net *net, const nb_set *set);
/* Whether it is the numbers of two named classes, and the net has one output for both: 0 for the
 * first and 1 for the second are its targets. */
bool nb_set_is_pair(const nb_net *net, const nb_set *set);
/* What a network that learns from a set takes over of it: classes that fit its outputs, names, and
 * its scale where the network has none; what the set has none of stays as it was. */
nb_status nb_net_take_schema(nb_ctx *ctx, nb_net *net, const nb_set *set);
/* The targets of all examples of such a set, (count, 1). */
nb_tensor *nb_pair_targets(nb_ctx *ctx, const nb_net *net, const nb_set *set);
/* Buffers for n examples of a set that fits and what the net's cost takes of their y: class numbers
 * where it wants them, else (n, out_shape…). x NULL: y alone. */
nb_status nb_batch_new(nb_ctx *ctx, const nb_net *net, const nb_set *set, int64_t n, nb_tensor **x,
                       nb_tensor **y);
/* Gathers examples (nb_set_gather) into such buffers, or, of sequences, into as much of them as the
 * longest of these takes. Either may be NULL; lengths are x's. */
nb_status nb_batch_gather(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                          int64_t n, int64_t ahead, nb_tensor *x, nb_tensor *y, nb_batch *batch);
void nb_batch_free(nb_ctx *ctx, nb_batch *batch);
/* A buffer for n examples' class numbers. */
nb_tensor *nb_batch_classes(nb_ctx *ctx, const nb_set *set, int64_t n);

#endif
