/* Handles of networks and layers: their life, what they keep alive, and jobs on them. */
#include "lua/nn/part.h"

#include "lua/nn/layer/host.h"
#include "lua/nn/keep.h"
#include "lua/seal.h"

/* ---- Handles of networks ---- */

static int net_gc(lua_State *L);

static const luaL_Reg net_life[] = {{"__gc", net_gc}, {NULL, NULL}};
const nbl_kind nbl_net_kind = {"nabla.network", NBL_VALUES, net_life};

nbl_net *nbl_new_net(lua_State *L)
{
    nbl_net *self = nbl_new_handle(L, &nbl_net_kind, sizeof *self);
    for (int i = NBL_HELD; i <= NBL_VALUES; i++) {
        lua_newtable(L);
        lua_setiuservalue(L, -2, i);
    }
    return self;
}

void nbl_know_net(lua_State *L)
{
    const nbl_net *self = nbl_check_handle(L, -1, &nbl_net_kind, "a network");
    nbl_remember_as(L, self->net);
}

nbl_net *nbl_push_net(lua_State *L, nb_net *net)
{
    if (nbl_find(L, net)) return nbl_test_handle(L, -1, &nbl_net_kind);
    nbl_net *self = nbl_new_net(L);
    self->net = nb_net_retain(net);
    nbl_know_net(L);
    lua_getiuservalue(L, -1, NBL_HELD);
    nbl_hold_layer(L, lua_gettop(L), &net->layer);
    lua_pop(L, 1);
    return self;
}

nbl_net *nbl_test_net(lua_State *L, int arg)
{
    nbl_net *self = nbl_test_handle(L, arg, &nbl_net_kind);
    return self && self->net && self->net->values ? self : NULL;
}

nbl_net *nbl_check_net(lua_State *L, int arg)
{
    nbl_net *self = nbl_check_handle(L, arg, &nbl_net_kind, "a network");
    if (!self->net || !self->net->values) nbl_error(L, "this network was already released");
    return self;
}

static int net_gc(lua_State *L)
{
    nbl_net *self = nbl_check_handle(L, 1, &nbl_net_kind, "a network");
    nb_ctx *ctx = nbl_ctx(L);
    /* Called by hand from a function that the network runs; Lua's own call comes later. */
    if (self->busy) return 0;
    nb_net_release(ctx, self->net);
    nb_history_free(ctx, &self->history);
    self->trained = false;
    self->net = NULL;
    return 0;
}

/* ---- Handles of layers ---- */

typedef struct nbl_layer {
    nb_layer *layer;
} nbl_layer;

static int layer_gc(lua_State *L);
static const luaL_Reg layer_life[] = {{"__gc", layer_gc}, {NULL, NULL}};
const nbl_kind nbl_layer_kind = {"nabla.layer", NBL_VALUES, layer_life};

static int layer_gc(lua_State *L)
{
    nbl_layer *self = nbl_check_handle(L, 1, &nbl_layer_kind, "a layer");
    nb_layer_release(nbl_ctx(L), self->layer);
    self->layer = NULL;
    return 0;
}

void nbl_push_layer(lua_State *L, nb_layer *layer)
{
    if (nb_net_of(layer)) {
        nbl_push_net(L, nb_net_of(layer));
        return;
    }
    if (nbl_find(L, layer)) return;
    nbl_layer *self = nbl_new_handle(L, &nbl_layer_kind, sizeof *self);
    self->layer = nb_layer_retain(layer);
    nbl_remember_as(L, layer);
    lua_newtable(L);
    nbl_hold_layer(L, lua_gettop(L), layer);
    lua_setiuservalue(L, -2, NBL_HELD);
    if (layer->owner) nbl_join_net(L, layer);
}

nb_layer *nbl_test_layer(lua_State *L, int arg)
{
    const nbl_layer *self = nbl_test_handle(L, arg, &nbl_layer_kind);
    const nbl_net *net = self ? NULL : nbl_test_net(L, arg);
    return self ? self->layer : net ? &net->net->layer : NULL;
}

nb_layer *nbl_check_layer(lua_State *L)
{
    nbl_layer *self = nbl_check_handle(L, 1, &nbl_layer_kind, "a layer");
    if (!self->layer) nbl_error(L, "this layer was already released");
    return self->layer;
}

/* ---- What they hold ---- */

static void hold_host(lua_State *L, int held, const void *host)
{
    if (!host) return;
    nbl_recall(L, host);
    nbl_hold(L, held, -1);
    lua_pop(L, 1);
}

static void hold_activation(lua_State *L, int held, nb_activation activation)
{
    if (activation.type) hold_host(L, held, activation.type->host);
}

void nbl_hold_layer(lua_State *L, int held, const nb_layer *layer)
{
    const nb_runs *runs = layer->plan ? layer->plan->runs : NULL;
    const nb_net *net = nb_net_of(layer);
    luaL_checkstack(L, 4, "layers too deep");
    hold_host(L, held, layer->host);
    hold_activation(L, held, layer->head.activation);
    for (int64_t i = 0; i < layer->differ_count; i++)
        hold_activation(L, held, layer->differs[i].activation);
    for (int64_t i = 0; runs && i < runs->count; i++)
        hold_activation(L, held, runs->run[i].activation);
    if (net) hold_host(L, held, net->cost.type->host);
    for (int i = 0; i < layer->children; i++) nbl_hold_layer(L, held, layer->child[i]);
}

void nbl_join_net(lua_State *L, const nb_layer *layer)
{
    int handle = lua_gettop(L);
    nbl_push_net(L, layer->owner);
    lua_getiuservalue(L, -1, NBL_KEPT);
    nbl_hold(L, lua_gettop(L), handle);
    lua_pop(L, 1);
    lua_setiuservalue(L, handle, NBL_KEPT);
}

/* While the core uses the network, what was held before stays: a function that runs may be the one
 * that was just taken away. */
static void renew_held(lua_State *L, int handle, const nb_layer *layer, bool running)
{
    if (running)
        lua_getiuservalue(L, handle, NBL_HELD);
    else
        lua_newtable(L);
    nbl_hold_layer(L, lua_gettop(L), layer);
    lua_setiuservalue(L, handle, NBL_HELD);
}

/* Pushes the handle of a network's root, which the stack must hold while it is used; nil where the
 * network is one itself. */
static nbl_net *push_root(lua_State *L, nbl_net *self)
{
    if (self->net->outer) return nbl_push_net(L, nb_net_root(self->net));
    lua_pushnil(L);
    return self;
}

/* All networks of a tree run under their root. */
bool nbl_net_is_running(lua_State *L, nb_net *net)
{
    const nbl_net *root = nbl_push_net(L, nb_net_root(net));
    lua_pop(L, 1);
    return root->busy > 0;
}

void nbl_net_adopt(lua_State *L, int arg)
{
    nb_net *net = nbl_check_net(L, arg)->net;
    arg = lua_absindex(L, arg);
    renew_held(L, arg, &net->layer, nbl_net_is_running(L, net));
    lua_newtable(L);
    lua_setiuservalue(L, arg, NBL_KEPT);
    for (int i = 0; i < net->parts; i++) {
        const nb_layer *layer = net->part[i];
        if (nb_net_of(layer) || !nbl_find(L, layer)) continue;
        nbl_join_net(L, layer);
        lua_pop(L, 1);
    }
}

void nbl_layer_adopt(lua_State *L, int handle, nb_layer *layer)
{
    nb_net *net = layer->owner;
    bool running = net && nbl_net_is_running(L, net);
    handle = lua_absindex(L, handle);
    if (!nb_net_of(layer)) renew_held(L, handle, layer, running);
    for (; net; net = net->outer) {
        if (!nbl_find(L, net)) continue;
        renew_held(L, lua_gettop(L), &net->layer, running);
        lua_pop(L, 1);
    }
}

void nbl_layer_hold(lua_State *L, int handle, const nb_layer *layer, int arg)
{
    arg = lua_absindex(L, arg);
    lua_getiuservalue(L, handle, NBL_HELD);
    nbl_hold(L, lua_gettop(L), arg);
    lua_pop(L, 1);
    for (const nb_net *net = layer->owner; net; net = net->outer) {
        if (!nbl_find(L, net)) continue;
        lua_getiuservalue(L, -1, NBL_HELD);
        nbl_hold(L, lua_gettop(L), arg);
        lua_pop(L, 2);
    }
}

/* ---- Seals ---- */

void nbl_check_still(lua_State *L, nb_net *net)
{
    const nb_net *root = nb_net_root(net);
    if (root->values) nbl_check_numbers(L, root->values);
}

void nbl_check_layer_still(lua_State *L, nb_layer *layer)
{
    nb_net *net = nb_net_of(layer) ? nb_net_of(layer) : layer->owner;
    if (net) nbl_check_still(L, net);
}

/* ---- Jobs ---- */

typedef struct net_job {
    nbl_net *self, *root;
    nbl_job *job;
    void *data;
} net_job;

static nb_status run_busy(nb_ctx *ctx, void *data)
{
    net_job *work = data;
    work->self->busy++;
    if (work->root != work->self) work->root->busy++;
    nb_status status = work->job(ctx, work->data);
    work->self->busy--;
    if (work->root != work->self) work->root->busy--;
    return status;
}

static nb_status run_learning(nb_ctx *ctx, void *data)
{
    net_job *work = data;
    work->root->learning = true;
    nb_status status = run_busy(ctx, data);
    work->root->learning = false;
    return status;
}

/* Root and network; both handles stand below the box. */
typedef struct pin {
    nbl_net *self, *root;
} pin;

static void unpin(nb_ctx *ctx, void *value)
{
    pin *of = value;
    (void)ctx;
    if (!of->root) return;
    of->self->busy--;
    of->root->busy--;
}

void nbl_pin_net(lua_State *L, nbl_net *self)
{
    nbl_net *root = push_root(L, self);
    pin *of = nbl_new_box(L, sizeof *of, unpin);
    *of = (pin){self, root};
    self->busy++;
    root->busy++;
    lua_toclose(L, -1); /* by errors too, and at once */
}

void nbl_net_run(lua_State *L, nbl_net *self, nbl_job *job, void *data)
{
    net_job work = {self, push_root(L, self), job, data};
    nbl_run(L, run_busy, &work);
    lua_pop(L, 1);
}

/* A network that stands in another learns with the other's storage, so that one says whether
 * somebody learns. */
void nbl_net_derive(lua_State *L, nbl_net *self, const char *whose, nbl_job *job, void *data)
{
    nbl_net *root = push_root(L, self);
    net_job work = {self, root, job, data};
    if (root->learning)
        nbl_error(L,
                  "%s: this network is learning already; a function that it calls while it "
                  "learns cannot change it",
                  whose);
    nbl_run(L, run_learning, &work);
    nbl_changed(L, self->net->values, whose);
    nbl_changed(L, self->net->grads, whose);
    lua_pop(L, 1);
}

void nbl_net_learn(lua_State *L, nbl_net *self, const char *whose, nbl_job *job, void *data)
{
    nbl_check_still(L, self->net);
    nbl_net_derive(L, self, whose, job, data);
}
