/* What the tests of networks share: nets from notation, small examples, sweeps of failing memory.
 */
#ifndef NETS_H
#define NETS_H
#define NB_TEST_SWEEP

#include "nn/data/set.h"
#include "nn/net/backprop.h"
#include "nn/notation/notation.h"

/* The network, or a failed test. */
nb_net *net_of(nb_ctx *ctx, const char *notation, nb_dtype dtype);
/* Parameter i of layer l, both from 0, and its values. */
nb_param *param_of(const nb_net *net, int l, int i);
nb_tensor *value_of(const nb_net *net, int l, int i);
/* A built-in one with its defaults. */
nb_activation activation_called(const char *name);
/* A network that waits for its layers: one size of inputs. */
nb_net *empty_net(nb_ctx *ctx, int64_t inputs);
/* Adds what one item of notation says; and a layer, whose reference the network keeps besides. */
void add_item(nb_ctx *ctx, nb_net *net, const char *item);
void add_layer(nb_ctx *ctx, nb_net *net, nb_layer *layer);
/* The layer at a path, or a failed test. */
nb_layer *layer_at(nb_ctx *ctx, nb_net *net, const char *path);
/* (rows, columns) of uniform numbers in [low, high) from a stream of their own. */
nb_tensor *uniform(nb_ctx *ctx, nb_dtype dtype, int64_t rows, int64_t columns, double low,
                   double high, uint64_t seed);
/* Class numbers 1…K in turn, as (rows) NB_I32. */
nb_tensor *classes_in_turn(nb_ctx *ctx, int64_t rows, int64_t classes);
/* A set of `rows` examples with classes in turn: random numbers in [0, 1), and a 2 in the column of
 * the class, so that it can be learned. */
nb_set *random_set(nb_ctx *ctx, int64_t rows, int64_t width, int64_t classes);
/* The same, and the tensor that it reads its x from, for who wants to spoil it. */
nb_set *random_set_of(nb_ctx *ctx, int64_t rows, int64_t width, int64_t classes, nb_tensor **x);
/* Every bit of two tensors the same, shapes and dtypes too. */
bool same_bits(nb_ctx *ctx, nb_tensor *a, nb_tensor *b);

/* Runs `what` with the allocator's request 1, 2, … failing, once alone and once with all that
 * follow, until it succeeds. Each failure must be NB_EMEMORY, give back all memory, and leave the
 * net's parameters as they were. */
typedef nb_status attempt(nb_ctx *ctx, nb_net *net, void *arg);
void sweep(nb_ctx *ctx, nb_net *net, attempt *what, void *arg);

#endif
