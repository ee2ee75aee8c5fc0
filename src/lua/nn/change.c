/* Methods that change what a network is made of: its layers, its dtype. */
#include "lua/names.h"
#include "lua/nn/net.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/part.h"

#include "lua/nn/make.h"

#include <string.h>

/* ---- Layers ---- */

typedef struct change_job {
    nb_net *net;
    nb_layer *block; /* in a box: `stood` layers of the network, then what is to come in */
    int stood;
    int first, last;
    uint64_t seed;
} change_job;

static nb_status append(nb_ctx *ctx, void *data)
{
    change_job *work = data;
    nb_layer *const *first = work->block->child + work->stood;
    return nb_net_append(ctx, work->net, first, work->block->children - work->stood, work->seed);
}

static nb_status replace(nb_ctx *ctx, void *data)
{
    change_job *work = data;
    nb_layer *layer = work->block->child[work->stood];
    return nb_net_replace(ctx, work->net, work->first, layer, work->seed);
}

static nb_status cut(nb_ctx *ctx, void *data)
{
    change_job *work = data;
    return nb_net_cut(ctx, work->net, work->first, work->last, work->seed);
}

static nb_status list_before(nb_ctx *ctx, void *data)
{
    change_job *work = data;
    nb_status status = NB_OK;
    for (int i = 0; i < work->first && status == NB_OK; i++)
        status = nb_layer_add(ctx, work->block, work->net->layer.child[i]);
    work->stood = work->block->children;
    return status;
}

/* Pushes the list that notation is read into, so that @name finds the layers before number `first`
 * of the network. */
static void push_list(lua_State *L, change_job *work, nb_net *net, int first)
{
    work->block = nbl_new_list(L);
    work->net = net;
    work->first = first;
    nbl_run(L, list_before, work);
}

/* The layers first … last of the network hold what they need themselves: they may leave it. */
static void let_stand_alone(lua_State *L, const nb_net *net, int first, int last)
{
    for (int i = first; i <= last; i++) {
        nbl_push_layer(L, net->layer.child[i]);
        lua_getiuservalue(L, -1, NBL_HELD);
        nbl_hold_layer(L, lua_gettop(L), net->layer.child[i]);
        lua_pop(L, 2);
    }
}

/* From here on nobody else changes the network: the place of the box is for run_change. */
static int begin_change(lua_State *L, nbl_net *self, const char *whose)
{
    if (self->busy)
        nbl_error(L, "%s: this network is running; a function that it calls cannot change it",
                  whose);
    nbl_check_still(L, self->net);
    nbl_collect_readers(L, self->net);
    nbl_pin_net(L, self);
    return lua_gettop(L);
}

/* Runs the change; gives the network back, so that the prompt shows it. */
static int run_change(lua_State *L, nbl_net *self, int pin, const char *whose, nbl_job *job,
                      change_job *work)
{
    work->seed = nbl_check_seed(L, lua_gettop(L) + 1);
    nbl_net_learn(L, self, whose, job, work);
    nbl_close_box(L, pin);
    nbl_net_adopt(L, 1);
    lua_settop(L, 1);
    return 1;
}

static int net_append(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    int entries = lua_gettop(L), pin = begin_change(L, self, "net:append");
    change_job work = {.block = NULL};
    push_list(L, &work, self->net, self->net->layer.children);
    lua_newtable(L);
    int held = lua_gettop(L);
    for (int i = 2; i <= entries; i++) nbl_add_entry(L, i, work.block, held, i - 1);
    if (work.block->children == work.stood)
        return nbl_error(L, "net:append takes layers: net:append(nn.dense{30}, \"10 softmax\")");
    nbl_check_layers(L, work.block, self->net);
    return run_change(L, self, pin, "net:append", append, &work);
}

static int net_replace(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    change_job work = {.block = NULL};
    lua_settop(L, 3);
    int pin = begin_change(L, self, "net:replace");
    int first = (int)nbl_check_index(L, 2, self->net->layer.children, "layer");
    push_list(L, &work, self->net, first);
    lua_newtable(L);
    nbl_add_entry(L, 3, work.block, lua_gettop(L), 1);
    if (work.block->children != work.stood + 1)
        return nbl_error(L, "net:replace takes one layer in another's place, not %d",
                         work.block->children - work.stood);
    nbl_check_layers(L, work.block, self->net);
    let_stand_alone(L, self->net, work.first, work.first);
    return run_change(L, self, pin, "net:replace", replace, &work);
}

static int net_cut(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    change_job work = {.net = self->net};
    lua_settop(L, 3);
    int pin = begin_change(L, self, "net:cut"), layers = self->net->layer.children;
    work.first = (int)nbl_check_index(L, 2, layers, "layer");
    work.last = lua_isnoneornil(L, 3) ? work.first : (int)nbl_check_index(L, 3, layers, "layer");
    if (work.last < work.first)
        return nbl_error(L, "net:cut goes from the first layer to the last, not from %d to %d",
                         work.first + 1, work.last + 1);
    if (work.last - work.first + 1 == layers)
        return nbl_error(L, "net:cut: a network keeps at least one layer");
    let_stand_alone(L, self->net, work.first, work.last);
    return run_change(L, self, pin, "net:cut", cut, &work);
}

/* ---- The dtype ---- */

typedef struct convert_job {
    nb_net *net;
    nb_dtype dtype;
} convert_job;

static nb_status convert(nb_ctx *ctx, void *data)
{
    convert_job *work = data;
    return nb_net_convert(ctx, work->net, work->dtype);
}

static int net_to(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    convert_job work = {.net = self->net};
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!nb_dtype_from_name(name, &work.dtype) || !nb_dtype_computes(work.dtype))
        return nbl_arg_error(L, 2, "\"f32\" or \"f64\"");
    if (self->busy)
        return nbl_error(L, "net:to: this network is running; a function that it calls cannot "
                            "change it");
    nbl_collect_readers(L, self->net);
    nbl_net_learn(L, self, "net:to", convert, &work);
    nbl_net_adopt(L, 1);
    lua_settop(L, 1);
    return 1;
}

static const nbl_entry entries[] = {
    {":append", net_append, "net:append(layers…)",
     "Adds layers at the end: sizes, layers, strings of notation, functions, networks. What was "
     "there keeps its parameters.",
     "net = nn.net \"4 - 3\"\nnet:append(nn.dense{5, \"relu\"}, \"2 softmax\")\nprint(net)", NULL},
    {":replace", net_replace, "net:replace(l, layer)",
     "Puts another layer in the place of layer l. Parameters that still fit keep their values, the "
     "others begin anew.",
     "net = nn.net \"4 - 3 - 2\"\nnet:replace(2, \"5 softmax\")\nprint(net)", NULL},
    {":cut", net_cut, "net:cut(first, [last])",
     "Takes layers first to last out. Parameters that still fit keep their values, the others "
     "begin "
     "anew.",
     "net = nn.net \"4 - 3 - 3 - 2\"\nnet:cut(2)\nprint(net)", NULL},
    {":to", net_to, "net:to(dtype)",
     "Brings the network to \"f32\" or \"f64\". Its parameters move: what was held of them before "
     "is no longer the network's.",
     "net = nn.net \"4 - 3 - 2\"\nprint(net:to(\"f64\"):params().dtype)", NULL},
    {.name = NULL},
};

void nbl_open_net_change(lua_State *L)
{
    nbl_register(L, "net", entries);
}
