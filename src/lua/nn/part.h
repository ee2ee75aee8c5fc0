/* The handles of networks, layers and neurons, and what their methods share.
 *
 * A network has one handle, a layer has one, found by their addresses, so the same thing is always
 * the same value. A layer's handle keeps that of its network. What the core points into of Lua's
 * own (functions of activations, costs and layers) is held by the handles: each holds what it and
 * all below it need; a network that stands in another holds its own, and the outer ones hold it
 * too. */
#ifndef NBL_PART_H
#define NBL_PART_H

#include "lua/nbl.h"
#include "nn/net/net.h"
#include "nn/train/run/trainer.h"

/* User values of both kinds of handles. */
enum {
    NBL_HELD = 1, /* set of the handles that the core points into */
    NBL_KEPT,     /* of a network: what is always the same value, "params" and the handles of its
                     layers; of a layer: the handle of its network */
    NBL_VALUES = NBL_KEPT
};

typedef struct nbl_net {
    nb_net *net;        /* NULL before it is built and once it is released */
    nb_history history; /* of the last run of training, also of one that was stopped */
    bool trained;       /* there is one */
    int busy;           /* stays in the core that use it */
    bool learning;      /* of a root: one of them changes parameters */
} nbl_net;

/* An empty handle on the stack's top, with an empty set of what it holds. */
nbl_net *nbl_new_net(lua_State *L);
/* Says that the handle on the stack's top is that of its network. */
void nbl_know_net(lua_State *L);
/* Pushes the handle of a network, made where there is none. */
nbl_net *nbl_push_net(lua_State *L, nb_net *net);
/* The network at `arg`, built and not released, or an error; or NULL. */
nbl_net *nbl_check_net(lua_State *L, int arg);
nbl_net *nbl_test_net(lua_State *L, int arg);

extern const nbl_kind nbl_net_kind, nbl_layer_kind;

/* Pushes the handle of a layer: that of the network where it is one. */
void nbl_push_layer(lua_State *L, nb_layer *layer);
/* The layer at 1, or an error. */
nb_layer *nbl_check_layer(lua_State *L);
/* The layer behind a layer's or a network's handle, else NULL. */
nb_layer *nbl_test_layer(lua_State *L, int arg);

/* Adds what a layer and all below it point into to the set at `held`. */
void nbl_hold_layer(lua_State *L, int held, const nb_layer *layer);
/* After a network was built or changed: the handle at `arg` holds what it needs now, and the
 * handles of all its parts know whose they are. */
void nbl_net_adopt(lua_State *L, int arg);
/* The handle of a layer on the stack's top and that of its network hold each other. */
void nbl_join_net(lua_State *L, const nb_layer *layer);
/* Before a layer gets a function whose handle is at `arg`: its handle, its network and those that
 * this stands in hold it. */
void nbl_layer_hold(lua_State *L, int handle, const nb_layer *layer, int arg);
/* After it got one: they hold what they need now, and no more unless one of them is running. */
void nbl_layer_adopt(lua_State *L, int handle, nb_layer *layer);

/* Raises where a network, or what it stands in, must not change: a step of it is half done. The
 * same of a layer's network, where it has one. All that changes something of a network asks. */
void nbl_check_still(lua_State *L, nb_net *net);
void nbl_check_layer_still(lua_State *L, nb_layer *layer);

/* Runs a job that uses the network: while it lasts nothing that the core may point into is dropped.
 */
void nbl_net_run(lua_State *L, nbl_net *self, nbl_job *job, void *data);
/* The same for jobs that change its gradients: two at a time are refused. */
void nbl_net_derive(lua_State *L, nbl_net *self, const char *whose, nbl_job *job, void *data);
/* The same for jobs that change anything else of it. */
void nbl_net_learn(lua_State *L, nbl_net *self, const char *whose, nbl_job *job, void *data);

/* Keeps a network's layers and storage where they are, although a finaliser may run whenever Lua
 * makes something, until the box on the stack's top is closed (nbl_close_box) or collected. */
void nbl_pin_net(lua_State *L, nbl_net *self);
/* Whether the core uses a network, or one that it stands in, or that stands in it. */
bool nbl_net_is_running(lua_State *L, nb_net *net);

#endif
