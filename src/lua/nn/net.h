/* The handle of a network and what its methods share. */
#ifndef NBL_NET_H
#define NBL_NET_H

#include "lua/nbl.h"
#include "nn/net.h"
#include "nn/data/set.h"

/* User values of the handle. */
enum {
    NBL_NET_HELD = 1, /* set of the handles that the core points into */
    NBL_NET_KEPT,     /* what is always the same value: layers by number, "params" */
    NBL_NET_VALUES = NBL_NET_KEPT
};

typedef struct nbl_net {
    nb_net *net;         /* NULL before it is built and once it is released */
    nb_classes *classes; /* of the set that it learned from, or NULL */
    int busy;            /* stays in the core that use it */
    bool learning;       /* one of them changes its parameters */
} nbl_net;

/* An empty handle on the stack's top, with an empty set of what it holds. */
nbl_net *nbl_new_net(lua_State *L);
/* The network at `arg`, built and not released, or an error. */
nbl_net *nbl_check_net(lua_State *L, int arg);

/* Runs a job that uses the network: while it lasts nothing that the core may point into is dropped.
 */
void nbl_net_run(lua_State *L, nbl_net *self, nbl_job *job, void *data);
/* The same for jobs that change parameters or gradients: two at a time are refused. */
void nbl_net_learn(lua_State *L, nbl_net *self, const char *whose, nbl_job *job, void *data);
/* Renews the set of what the handle at `arg` holds, from what its network points into. */
void nbl_net_hold(lua_State *L, int arg);
/* Examples as a method is given them: x and y, or a data set. Borrowed from the stack. */
typedef struct nbl_examples {
    nb_set *set; /* NULL: x and y */
    nb_tensor *x, *y;
    bool targets; /* y is wanted */
} nbl_examples;
/* Reads them from `arg` on and returns the argument behind them. */
int nbl_read_examples(lua_State *L, int arg, const nb_net *net, const char *whose, bool targets,
                      nbl_examples *out);

/* The same prepared for the core. */
typedef struct nbl_batch {
    nb_tensor *x, *y; /* y is NULL where there are no targets */
    bool single;      /* x was one example */
} nbl_batch;
nb_status nbl_prepare(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples,
                      nbl_batch *batch);
void nbl_batch_free(nb_ctx *ctx, nbl_batch *batch);
/* A data set of the examples: the one given (one more reference), or one of x and y as targets. */
nb_set *nbl_examples_set(nb_ctx *ctx, const nb_net *net, const nbl_examples *examples);

/* Adds nn.net and nn.load to the table nn on the stack's top. */
void nbl_open_net_build(lua_State *L);
/* Pushes the metatable of networks and the table of their methods … */
void nbl_open_nets(lua_State *L);
/* … which these fill; passes also the metatable, with net(x). */
void nbl_open_net_pass(lua_State *L);
void nbl_open_net_check(lua_State *L);
void nbl_open_trace(lua_State *L);
void nbl_open_train(lua_State *L);
/* Makes the metatables of layers and neurons. */
void nbl_open_layers(lua_State *L);

/* Pushes the layer with this number (from 0) of the network at `arg`, always the same value. */
void nbl_push_layer(lua_State *L, int arg, int number);

#endif
