/* Networks for Lua: reading and writing by key, and the methods that do not compute. */
#include "lua/nn/net.h"

#include "lua/nn/train/history.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/part.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/keep.h"
#include "lua/data/schema.h"
#include "lua/data/set.h"
#include "lua/data/words.h"
#include "lua/names.h"
#include "nn/notation/describe.h"
#include "nn/notation/write.h"
#include "nn/model.h"

#include <string.h>

/* ---- Reading and writing by key ---- */

/* The number from 0 of the layer that has the name at stack index 2, or -1. */
static int named_layer(lua_State *L, const nb_net *net)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    const nb_layer *top = &net->layer;
    for (int i = 0; *name && i < top->children; i++)
        if (strcmp(top->child[i]->head.name, name) == 0) return i;
    return -1;
}

/* Pushes layer i, from 0. A new handle is made while the network is pinned. */
static int push_child(lua_State *L, nbl_net *self, int i)
{
    const nb_layer *top = &self->net->layer;
    if (nbl_find(L, top->child[i])) return 1;
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    if (i < top->children)
        nbl_push_layer(L, top->child[i]);
    else
        lua_pushnil(L);
    nbl_close_box(L, pin);
    return 1;
}

static int push_last_history(lua_State *L, const nbl_net *self)
{
    if (self->trained)
        nbl_push_history(L, &self->history);
    else
        lua_pushnil(L);
    return 1;
}

static int net_index(lua_State *L)
{
    static const char *const fields[] = {"name",    "frozen",          "factor", "decay",
                                         "history", NBL_SCHEMA_FIELDS, NULL};
    nbl_net *self = nbl_check_net(L, 1);
    const nb_layer *top = &self->net->layer;
    if (lua_type(L, 2) != LUA_TNUMBER) {
        if (nbl_push_method(L)) return 1;
        int named = named_layer(L, self->net);
        if (named >= 0) return push_child(L, self, named);
        if (nbl_push_layer_field(L, &self->net->layer, lua_tostring(L, 2))) return 1;
        const char *field = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
        if (strcmp(field, "history") == 0) return push_last_history(L, self);
        if (nbl_push_schema_field(L, &self->net->schema, field)) return 1;
        nbl_look_elsewhere(L, "net", "a network", 2);
        return nbl_unknown_field(L, "a network", 2, lua_upvalueindex(NBL_METHODS), fields);
    }
    if (nbl_check_integer(L, 2, "a layer's number") == top->children + 1) return 0;
    return push_child(L, self, (int)nbl_check_index(L, 2, top->children, "layer"));
}

typedef struct rescale_job {
    nb_net *net;
    nb_scale *scale;
} rescale_job;

static nb_status rescale(nb_ctx *ctx, void *data)
{
    rescale_job *work = data;
    return nb_net_set_scale(ctx, work->net, work->scale);
}

static void release_scale(nb_ctx *ctx, void *data)
{
    nb_scale_release(ctx, ((rescale_job *)data)->scale);
}

/* net.scale = the value at 3 */
static int set_scale(lua_State *L, nbl_net *self)
{
    rescale_job *work = nbl_new_box(L, sizeof *work, release_scale);
    int box = lua_gettop(L);
    work->net = self->net;
    nbl_read_scale(L, 3, &work->scale);
    nbl_net_learn(L, self, "net.scale", rescale, work);
    nbl_close_box(L, box);
    return 0;
}

/* What a network has of its set. */
static void refuse_schema(lua_State *L, const char *name)
{
    static const char *const of_set[] = {NBL_SCHEMA_FIELDS, NULL};
    for (int i = 0; of_set[i]; i++)
        if (strcmp(of_set[i], name) == 0)
            nbl_error(L,
                      "a network has its %s from the set that it learns from, and they cannot be "
                      "assigned; data.set{x = …, y = …, classes = {…}} names classes",
                      name);
}

static int refuse_layer(lua_State *L)
{
    return nbl_error(L, "the layers of a network cannot be assigned; net:replace(l, layer) puts "
                        "another in a layer's place; set their fields: net[1].activation = "
                        "\"tanh\"");
}

static int net_newindex(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    nbl_check_still(L, self->net);
    if (lua_type(L, 2) != LUA_TSTRING || named_layer(L, self->net) >= 0) return refuse_layer(L);
    const char *field = lua_tostring(L, 2);
    if (strcmp(field, "scale") == 0) return set_scale(L, self);
    if (nbl_set_layer_field(L, &self->net->layer, field)) return 0;
    refuse_schema(L, field);
    nbl_look_elsewhere(L, "net", "a network", 2);
    return nbl_error(L,
                     "a network has no field '%s' that can be set; those of its layers can, as in "
                     "net[1].activation = \"tanh\"",
                     field);
}

static int net_len(lua_State *L)
{
    lua_pushinteger(L, nbl_check_net(L, 1)->net->layer.children);
    return 1;
}

static int net_tostring(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    nb_text *text = nbl_new_text(L);
    nb_net_describe(text, self->net);
    nbl_push_text(L, text);
    return 1;
}

/* ---- Methods ---- */

/* The same handle every time, because the tensor is. */
static int net_params(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    lua_getiuservalue(L, 1, NBL_KEPT);
    lua_getfield(L, -1, "params");
    if (nbl_test_tensor(L, -1) == self->net->values) return 1;
    lua_pop(L, 1);
    nb_tensor **handle = nbl_new_tensor(L);
    *handle = nb_tensor_retain(self->net->values);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "params");
    return 1;
}

static int net_grads(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    nbl_check_home(L, "net:grads", self->net->home);
    if (self->net->home->state == NB_HOME_NEW)
        return nbl_error(L, "net:grads: no gradient yet; net:backprop(x, y) computes it");
    nb_tensor **handle = nbl_new_tensor(L);
    *handle = nb_tensor_retain(self->net->grads);
    return 1;
}

static int net_count(lua_State *L)
{
    lua_pushinteger(L, nb_net_count(nbl_check_net(L, 1)->net));
    return 1;
}

static int net_notation(lua_State *L)
{
    const nbl_net *self = nbl_check_net(L, 1);
    nb_text *text = nbl_new_text(L);
    nb_notation_write(text, self->net);
    nbl_push_text(L, text);
    return 1;
}

typedef struct save_job {
    const nbl_net *self;
    const char *path;
} save_job;

static nb_status save(nb_ctx *ctx, void *data)
{
    save_job *work = data;
    return nb_model_save(ctx, work->self->net, work->path);
}

static bool is_nameless(nb_activation activation)
{
    return activation.type->host && strcmp(activation.type->name, NBL_NAMELESS) == 0;
}

/* A file holds names, so what has none cannot be in it. */
static void check_savable(lua_State *L, const nb_net *net)
{
    for (int i = 0; i < net->parts; i++) {
        const nb_layer *layer = net->part[i];
        const nb_runs *runs = layer->plan->runs;
        if (layer->host)
            nbl_error(L, "net:save: %s is a function of Lua; a file cannot hold it",
                      layer->plan->where);
        for (int64_t k = 0; runs && k < runs->count; k++)
            if (is_nameless(runs->run[k].activation))
                nbl_error(L,
                          "net:save: %s has an activation without a name; nn.activation{name = …} "
                          "gives it one",
                          layer->plan->where);
    }
    if (net->cost.type->host && strcmp(net->cost.type->name, NBL_NAMELESS) == 0)
        nbl_error(L, "net:save: the cost has no name; nn.cost{name = …} gives it one");
}

static int net_save(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    save_job work = {self, nbl_check_path(L, 2)};
    check_savable(L, self->net);
    nbl_net_run(L, self, save, &work);
    return 0;
}

typedef struct clone_job {
    const nbl_net *self;
    nbl_net *out;
} clone_job;

static nb_status clone(nb_ctx *ctx, void *data)
{
    clone_job *work = data;
    work->out->net = nb_net_clone(ctx, work->self->net, work->self->net->dtype);
    return work->out->net ? NB_OK : ctx->status;
}

static int net_clone(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    clone_job work = {self, nbl_new_net(L)};
    nbl_net_run(L, self, clone, &work);
    nbl_know_net(L);
    nbl_net_adopt(L, -1);
    return 1;
}

typedef struct reset_job {
    nb_net *net;
    uint64_t seed;
} reset_job;

static nb_status reset(nb_ctx *ctx, void *data)
{
    reset_job *work = data;
    return nb_net_reset(ctx, work->net, work->seed);
}

static int net_reset(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    reset_job work = {self->net, nbl_check_seed(L, 2)};
    nbl_net_learn(L, self, "net:reset", reset, &work);
    return 0;
}

static int net_decode(lua_State *L)
{
    return nbl_push_decoded(L, nbl_check_net(L, 1)->net->schema.words, "the network");
}

static const nbl_entry entries[] = {
    {":params", net_params, "net:params()",
     "All parameters as one flat tensor: the network's own, so what is written there it has. It is "
     "off the tape: its elements are numbers.",
     "net = nn.net \"4 - 3 - 2\"\nprint(#net:params())", NULL},
    {":grads", net_grads, "net:grads()",
     "The gradients of the last backward pass as one flat tensor, in the order of net:params(); 0 "
     "where it did not reach. It is off the tape: its elements are numbers. More on the page "
     "gradients.",
     "net = nn.net \"4 - 3 - 2\"\nnet:backprop(tensor.ones(5, 4), tensor.ones(5, 2))\n"
     "print(net:grads():abs():max())",
     NULL},
    {":count", net_count, "net:count()", "How many parameters the network has.",
     "print(nn.net(\"64 - 30 - 10\"):count())", NULL},
    {":notation", net_notation, "net:notation()",
     "The network in notation; nn.net builds the same one from it.",
     "print(nn.net(\"64-30-10\"):notation())", NULL},
    {":save", net_save, "net:save(path)",
     "Writes the network to a file (safetensors). The file is the old one or the new one, never "
     "half. nn.load reads it; examples/python/read.py does so in Python, by NumPy alone.",
     "path = os.tmpname()\nnn.net(\"4 - 3 - 2\"):save(path)\nprint(nn.load(path))\nos.remove(path)",
     NULL},
    {":clone", net_clone, "net:clone()", "A copy with parameters of its own.",
     "net = nn.net \"4 - 3 - 2\"\nprint(net:clone():params():sum() - net:params():sum())", NULL},
    {"history", NULL, "net.history",
     "The history of the last training, also of one that Ctrl-C or an error stopped: its whole "
     "epochs, and .stopped, the epoch that was not finished. nil before the first.",
     "net = nn.net \"64 - 10\"\n"
     "pcall(net.train, net, data.digits().train, {progress = false,\n"
     "    on_epoch = function(info) if info.epoch == 2 then error \"enough\" end end})\n"
     "net.history.stopped → 2",
     NULL},
    {"classes", NULL, "net.classes",
     "A table of the names that net:classify answers with: those of the set that it was trained on "
     "last, or of its file. nil where there are none.",
     "net = nn.net \"64 - 10\"\nnet:train(data.digits().train, {epochs = 1, progress = false})\n"
     "net.classes[1] → 0",
     NULL},
    {"columns", NULL, "net.columns",
     "A table of the names of x's columns, and net.targets of y's: those of the set that it was "
     "trained on last, or of its file; nil where there are none.",
     "net = nn.net \"4 - 3\"\nnet:train(data.iris(), {epochs = 1, progress = false})\n"
     "print(table.concat(net.columns, \", \"))",
     NULL},
    {"targets", NULL, "net.targets", "A table of the names of y's columns: see net.columns.",
     "net = nn.net \"4 - 3\"\nnet:train(data.iris(), {epochs = 1, progress = false})\n"
     "print(net.targets[1])",
     NULL},
    {":decode", net_decode, "net:decode(numbers)",
     "Word or class numbers as text, by the vocabulary of the data.text from which the network "
     "learned, as set:decode; also of a network from a file. Such a network takes text as x and y: "
     "net(\"to be\"), s(\"t\") of a stream, a list of texts.",
     "path = os.tmpname()\nfile = io.open(path, \"w\")\n"
     "file:write((\"to be or not to be, \"):rep(40))\nfile:close()\n"
     "set = data.text(path, {steps = 20})\n"
     "net = nn.net(\"* - embedding 8 8 - gru 16 - 8 softmax : cross_entropy\", {seed = 1})\n"
     "net:train(set, {epochs = 20, batch = 8, optimizer = nn.adam {lr = 0.02}})\n"
     "print(net:decode(net(\"to be or n\"):argmax(2)))\nos.remove(path)",
     NULL},
    {"words", NULL, "net.words",
     "A table of the names of the words that it reads, the characters of a text: see net:decode.",
     "print(nn.net(\"4 - 3\").words)", NULL},
    {"scale", NULL, "net.scale",
     "What the network sees of its input, (x - offset) * factor, the first thing of every pass: a "
     "table of two vectors, a number for each column; nil: x as it is. It takes that of the first "
     "standardized set that it learns from (set:standardize), keeps it, also in its file, and "
     "net:reset forgets it. To be assigned, as for a training loop by hand.",
     "net = nn.net \"4 - 3\"\nnet.scale = {offset = {5, 3, 4, 1}, factor = {1, 2, 0.5, 1}}\n"
     "print(net.scale)\nnet.scale = data.iris():standardize().scale\nnet.scale = nil",
     NULL},
    {":reset", net_reset, "net:reset([seed])",
     "Draws all parameters anew, the same ones for the same seed, and forgets what the network "
     "learned from: its scale, and the names of columns and classes.",
     "net = nn.net \"4 - 3 - 2\"\nnet:reset(1)", NULL},
    {.name = NULL},
};

/* What is no method: calls and indices. */
static const nbl_entry pages[] = {
    {"net(x)", NULL, "net(x)",
     "The output for one example, several or a data set, without a tape; of a list of sequences a "
     "list.",
     "net = nn.net \"4 - 3 - 2\"\nprint(net({1, 2, 3, 4}))", NULL},
    {"print(net)", NULL, "print(net)",
     "The notation and a table: output, activation, parameters, what a forward pass of one example "
     "multiplies, and the memory that training keeps of it; of one step where sizes are free. In "
     "a narrow window the last columns are left out.",
     "print(nn.net \"784 - 100 relu - 10 softmax : cross_entropy\")", NULL},
    {"net[l]", NULL, "net[l]",
     "Layer l, counted from 1; negative numbers count from the end. #net is the number of layers.",
     "net = nn.net \"4 - 3 - 2\"\nfor l, layer in ipairs(net) do print(l, layer) end", NULL},
    {.name = NULL},
};

static void add_pages(lua_State *L)
{
    for (const nbl_entry *page = pages; page->name; page++) {
        lua_pushnil(L);
        nbl_book_add(L, "operator", page);
    }
}

void nbl_open_nets(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__newindex", net_newindex},
        {"__tostring", net_tostring},
        {"__len", net_len},
        {NULL, NULL},
    };
    add_pages(L);
    nbl_new_metatable(L, &nbl_net_kind);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    nbl_register(L, "net", entries);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, net_index, 1);
    lua_setfield(L, -3, "__index");
}
