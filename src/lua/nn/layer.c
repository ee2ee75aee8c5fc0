/* Handles of layers and neurons. A layer that is part of no network yet can be told what a layer
 * can be told; what a network gives it, its parameters, it has once it is part of one. */
#include "lua/nn/layer.h"

#include "lua/nn/host.h"
#include "lua/nn/part.h"
#include "lua/names.h"
#include "nn/notation/write.h"
#include "tensor/assign.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

/* Its user value is the handle of its layer, or of its network. */
typedef struct neuron {
    int64_t number; /* from 0 */
} neuron;

enum { LAYER = 1 };

static const nbl_kind neuron_kind = {"nabla.neuron", LAYER, NULL};

/* ---- What is read ---- */

/* The neuron at 1: its layer; *number from 0. */
static nb_layer *check_neuron(lua_State *L, int64_t *number)
{
    const neuron *self = nbl_check_handle(L, 1, &neuron_kind, "a neuron");
    lua_getiuservalue(L, 1, LAYER);
    nb_layer *layer = nbl_test_layer(L, -1);
    if (!layer || !layer->plan || self->number >= layer->plan->neurons)
        nbl_error(L, "its layer has no such neuron any more");
    *number = self->number;
    return layer;
}

/* ---- Jobs ---- */

/* Runs a job on a layer: as one of its network, where it has one. */
static void run_on(lua_State *L, nb_layer *layer, nbl_job *job, void *data)
{
    if (!layer->owner) {
        nbl_run(L, job, data);
        return;
    }
    nbl_net_run(L, nbl_push_net(L, layer->owner), job, data);
    lua_pop(L, 1);
}

/* ---- Activations ---- */

typedef struct activation_job {
    nb_layer *layer;
    int64_t start, count;
    nb_activation activation;
} activation_job;

static nb_status set_activation(nb_ctx *ctx, void *data)
{
    activation_job *work = data;
    return nb_layer_set_activation(ctx, work->layer, work->start, work->count, work->activation);
}

/* Gives neurons the activation at stack index 3; `handle` is the layer's. The function is held
 * before the core points into it. */
static void assign_activation(lua_State *L, nb_layer *layer, int handle, int64_t start,
                              int64_t count)
{
    activation_job work = {layer, start, count, nbl_to_activation(L, 3)};
    nbl_layer_hold(L, handle, layer, 3);
    run_on(L, layer, set_activation, &work);
    nbl_layer_adopt(L, handle, layer);
}

/* One activation, or a table with every neuron's where they differ. The runs are read anew for
 * each: a finaliser may change them meanwhile. */
static bool push_activations(lua_State *L, const nb_layer *layer)
{
    const nb_runs *runs = layer->plan ? layer->plan->runs : NULL;
    nb_activation all = runs ? nb_runs_uniform(runs) : layer->head.activation;
    if (!runs && !all.type) return false;
    if (all.type) {
        nbl_push_activation(L, all);
        return true;
    }
    lua_newtable(L);
    for (int64_t k = 0; k < nb_runs_neurons(layer->plan->runs); k++) {
        nbl_push_activation(L, nb_runs_at(layer->plan->runs, k));
        lua_rawseti(L, -2, k + 1);
    }
    return true;
}

/* ---- Parameters ---- */

typedef struct copy_job {
    nb_tensor *to;
    const nb_tensor *from;
} copy_job;

static nb_status copy_values(nb_ctx *ctx, void *data)
{
    copy_job *work = data;
    return nb_tensor_assign(ctx, work->to, work->from);
}

/* A parameter of a layer, or one neuron's part of it. It is looked for when it is needed: whenever
 * Lua makes something a finaliser may give the layer another one. */
typedef struct part_job {
    const nb_layer *layer;
    const char *key;
    int64_t neuron; /* below 0: all of it */
    nb_tensor **out;
} part_job;

static nb_status take_part(nb_ctx *ctx, void *data)
{
    part_job *work = data;
    const nb_param *param = nb_layer_param(work->layer, work->key);
    int dim = param ? param->neuron_dim : -1;
    bool has = param && (work->neuron < 0 || (dim >= 0 && work->neuron < param->shape[dim]));
    if (!has)
        return nb_fail(ctx, NB_EARG, "%s has no such %s any more", nb_layer_where(work->layer),
                       work->key);
    *work->out = work->neuron < 0 ? nb_tensor_retain(param->value)
                                  : nb_tensor_select(ctx, param->value, dim, work->neuron);
    return *work->out ? NB_OK : ctx->status;
}

/* A parameter's own elements, or those of one neuron, as a handle on the stack's top. */
static nb_tensor *push_values(lua_State *L, const nb_layer *layer, const char *key, int64_t number)
{
    part_job work = {layer, key, number, nbl_new_tensor(L)};
    nbl_run(L, take_part, &work);
    return *work.out;
}

/* The values at stack index 3 into a parameter (number < 0) or one neuron's part of it. */
static void assign_values(lua_State *L, nb_layer *layer, const char *key, int64_t number)
{
    nb_tensor *from = nbl_to_tensor(L, 3, (int)nb_layer_param(layer, key)->value->dtype);
    copy_job work = {push_values(L, layer, key, number), from};
    run_on(L, layer, copy_values, &work);
    nbl_changed(L, work.to, "an assignment");
}

/* ---- Fields that all layers have ---- */

bool nbl_push_layer_field(lua_State *L, const nb_layer *layer, const char *key)
{
    if (!key) return false;
    if (strcmp(key, "name") == 0) {
        if (*layer->head.name)
            lua_pushstring(L, layer->head.name);
        else
            lua_pushnil(L);
    } else if (strcmp(key, "frozen") == 0) {
        lua_pushboolean(L, nb_layer_is_frozen(layer));
    } else if (strcmp(key, "factor") == 0) {
        lua_pushnumber(L, layer->factor);
    } else {
        return false;
    }
    return true;
}

typedef struct name_job {
    nb_layer *layer;
    const char *name;
} name_job;

static nb_status set_name(nb_ctx *ctx, void *data)
{
    name_job *work = data;
    return nb_net_rename(ctx, work->layer, work->name);
}

static void assign_name(lua_State *L, nb_layer *layer)
{
    if (!lua_isnil(L, 3) && lua_type(L, 3) != LUA_TSTRING)
        nbl_error(L, "name must be a string, not %s", nbl_describe(L, 3));
    name_job work = {layer, lua_isnil(L, 3) ? "" : lua_tostring(L, 3)};
    nbl_check_layer_name(L, work.name);
    run_on(L, layer, set_name, &work);
}

static void assign_factor(lua_State *L, nb_layer *layer)
{
    double factor = lua_type(L, 3) == LUA_TNUMBER ? lua_tonumber(L, 3) : -1;
    if (!(factor >= 0) || !isfinite(factor))
        nbl_error(L, "factor must be a number from 0, not %s", nbl_describe(L, 3));
    nb_layer_scale(layer, factor);
}

bool nbl_set_layer_field(lua_State *L, nb_layer *layer, const char *key)
{
    if (strcmp(key, "name") == 0) {
        assign_name(L, layer);
    } else if (strcmp(key, "frozen") == 0) {
        if (!lua_isboolean(L, 3))
            nbl_error(L, "frozen must be true or false, not %s", nbl_describe(L, 3));
        nb_layer_freeze(layer, lua_toboolean(L, 3));
    } else if (strcmp(key, "factor") == 0) {
        assign_factor(L, layer);
    } else {
        return false;
    }
    return true;
}

/* ---- Layers ---- */

static const char *const layer_fields[] = {"w",      "b",      "activation", "name",
                                           "frozen", "factor", NULL};
/* Those that are no parameters. */
static const char *const *const own_fields = layer_fields + 2;
static const char *const neuron_fields[] = {"w", "b", "activation", NULL};

/* The key at stack index 2; "", which names nothing, for what is no string. */
static const char *key_of(lua_State *L)
{
    return lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
}

/* The child with the name at stack index 2, or NULL. */
static nb_layer *named_child(lua_State *L, const nb_layer *block)
{
    const char *name = key_of(L);
    for (int i = 0; *name && i < block->children; i++)
        if (strcmp(block->child[i]->head.name, name) == 0) return block->child[i];
    return NULL;
}

/* Why there is nothing under the key at stack index 2. */
static int unknown_field(lua_State *L, const nb_layer *layer, int methods)
{
    const char *key = key_of(L);
    bool parameter = strcmp(key, "w") == 0 || strcmp(key, "b") == 0;
    for (int i = 0; i < layer->specs; i++) parameter |= strcmp(layer->spec[i].name, key) == 0;
    if (parameter && layer->children)
        return nbl_error(L,
                         "%s has no %s of its own; the layers that stand in it have: layer[1].%s",
                         nb_layer_where(layer), key, key);
    if (parameter && !layer->plan)
        return nbl_error(L,
                         "this layer is part of no network yet, so it has no %s; nn.net{…, layer} "
                         "gives it one",
                         key);
    return nbl_unknown_field(L, nb_layer_where(layer), 2, methods, layer_fields);
}

static int index_by_name(lua_State *L, nb_layer *layer)
{
    const char *key = key_of(L);
    const nb_param *param = nb_layer_param(layer, key);
    if (param && param->value) return push_values(L, layer, key, -1), 1;
    if (strcmp(key, "activation") == 0) {
        if (!push_activations(L, layer)) lua_pushnil(L);
        return 1;
    }
    if (nbl_push_layer_field(L, layer, key)) return 1;
    if (nbl_push_method(L)) return 1;
    nb_layer *child = named_child(L, layer);
    if (child) return nbl_push_layer(L, child), 1;
    return unknown_field(L, layer, lua_upvalueindex(NBL_METHODS));
}

static int layer_index(lua_State *L)
{
    nb_layer *layer = nbl_check_layer(L);
    if (lua_type(L, 2) != LUA_TNUMBER) return index_by_name(L, layer);
    if (!layer->children)
        return nbl_error(L, "%s has no layers in it; its parts are fields, such as .w",
                         nb_layer_where(layer));
    if (nbl_check_integer(L, 2, "a layer's number") == layer->children + 1) return 0;
    nbl_push_layer(L, layer->child[nbl_check_index(L, 2, layer->children, "layer")]);
    return 1;
}

static int layer_newindex(lua_State *L)
{
    nb_layer *layer = nbl_check_layer(L);
    if (lua_type(L, 2) == LUA_TNUMBER || named_child(L, layer))
        return nbl_error(L,
                         "%s: the layers in it cannot be assigned; their fields can, as in "
                         "net[1][1].activation = \"tanh\"",
                         nb_layer_where(layer));
    const char *key = key_of(L);
    const nb_param *param = nb_layer_param(layer, key);
    if (param && param->value) return assign_values(L, layer, key, -1), 0;
    if (nbl_set_layer_field(L, layer, key)) return 0;
    if (strcmp(key, "activation") == 0) {
        const nb_plan *plan = layer->plan;
        assign_activation(L, layer, 1, 0, plan && plan->runs ? plan->neurons : 1);
        return 0;
    }
    lua_newtable(L);
    return unknown_field(L, layer, lua_gettop(L));
}

static int layer_len(lua_State *L)
{
    lua_pushinteger(L, nbl_check_layer(L)->children);
    return 1;
}

static int layer_neuron(lua_State *L)
{
    nb_layer *layer = nbl_check_layer(L);
    const char *where = nb_layer_where(layer);
    if (!layer->plan)
        return nbl_error(L, "this layer is part of no network yet; its neurons are counted there");
    if (layer->plan->neurons == 0) return nbl_error(L, "%s has no neurons", where);
    int64_t number = nbl_check_index(L, 2, layer->plan->neurons, "neuron");
    neuron *self = nbl_new_handle(L, &neuron_kind, sizeof *self);
    self->number = number;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, LAYER);
    return 1;
}

typedef struct clone_job {
    const nb_layer *layer;
    nb_layer **out; /* in a box */
} clone_job;

static nb_status clone(nb_ctx *ctx, void *data)
{
    clone_job *work = data;
    *work->out = nb_layer_copy(ctx, work->layer, true);
    return *work->out ? NB_OK : ctx->status;
}

static void release_copy(nb_ctx *ctx, void *value)
{
    nb_layer_release(ctx, *(nb_layer **)value);
}

static int layer_clone(lua_State *L)
{
    clone_job work = {nbl_check_layer(L), nbl_new_box(L, sizeof(nb_layer *), release_copy)};
    run_on(L, (nb_layer *)(uintptr_t)work.layer, clone, &work);
    nbl_push_layer(L, *work.out);
    return 1;
}

static int layer_tostring(lua_State *L)
{
    char in[NB_SHAPE_TEXT], out[NB_SHAPE_TEXT];
    nb_layer *layer = nbl_check_layer(L);
    const nb_plan *plan = layer->plan;
    nb_text *text = nbl_new_text(L);
    if (!plan) {
        /* Notation leaves the word of a dense layer out. */
        if (layer->type == nb_layer_types[NB_LAYER_dense]) nb_text_add(text, "dense ");
        nb_notation_write_layer(text, layer);
        nb_text_add(text, ", in no network yet");
        nbl_push_text(L, text);
        return 1;
    }
    nb_activation all = plan->runs ? nb_runs_uniform(plan->runs) : (nb_activation){.type = NULL};
    nb_text_add(text, "%s: %s %s → %s", plan->where, layer->type->name, nb_form_text(&plan->in, in),
                nb_form_text(&plan->out, out));
    if (plan->runs) nb_text_add(text, " %s", all.type ? all.type->name : "mixed");
    nb_text_add(text, " · parameters ");
    nb_text_add_grouped(text, nb_layer_count(layer));
    nbl_push_text(L, text);
    return 1;
}

/* ---- Neurons ---- */

/* A parameter has a part for every neuron when one of its dimensions counts them. */
static const nb_param *neuron_param(const nb_layer *layer, const char *key)
{
    const nb_param *param = nb_layer_param(layer, key);
    return param && param->neuron_dim >= 0 ? param : NULL;
}

static int neuron_index(lua_State *L)
{
    int64_t number;
    nb_layer *layer = check_neuron(L, &number);
    const char *key = key_of(L);
    const nb_param *param = neuron_param(layer, key);
    if (param) {
        push_values(L, layer, key, number);
        return 1;
    }
    if (strcmp(key, "activation") != 0) {
        lua_newtable(L);
        return nbl_unknown_field(L, "a neuron", 2, lua_gettop(L), neuron_fields);
    }
    nbl_push_activation(L, nb_runs_at(layer->plan->runs, number));
    return 1;
}

static int neuron_newindex(lua_State *L)
{
    int64_t number;
    nb_layer *layer = check_neuron(L, &number);
    const char *key = key_of(L);
    const nb_param *param = neuron_param(layer, key);
    if (param) {
        assign_values(L, layer, key, number);
    } else if (strcmp(key, "activation") == 0) {
        assign_activation(L, layer, 4, number, 1);
    } else {
        lua_newtable(L);
        return nbl_unknown_field(L, "a neuron", 2, lua_gettop(L), neuron_fields);
    }
    return 0;
}

static int neuron_tostring(lua_State *L)
{
    int64_t number;
    const nb_layer *layer = check_neuron(L, &number);
    lua_pushfstring(L, "neuron %I of %s (%s)", (LUAI_UACINT)(number + 1), layer->plan->where,
                    nb_runs_at(layer->plan->runs, number).type->name);
    return 1;
}

/* ---- Metatables ---- */

static const nbl_entry layer_entries[] = {
    {":neuron", layer_neuron, "net[l]:neuron(k)", "One neuron of a layer, counted from 1.",
     "net = nn.net \"64 - 30 - 10\"\nnet[1]:neuron(7).activation = \"relu\"\nprint(net)", NULL},
    {":clone", layer_clone, "layer:clone()",
     "A copy that is part of no network yet; where its parameters fit they begin with the values "
     "that these have now.",
     "net = nn.net \"4 - 3 - 2\"\nother = nn.net{4, net[1]:clone(), 5}\n"
     "print((net[1].w - other[1].w):abs():max())",
     NULL},
    {"w", NULL, "net[l].w", "The layer's weights (outputs × inputs): a view into the network.",
     "print(nn.net(\"4 - 3 - 2\")[1].w.shape[2])", NULL},
    {"b", NULL, "net[l].b", "The layer's biases: a view into the network.",
     "print(#nn.net(\"4 - 3 - 2\")[1].b)", NULL},
    {"activation", NULL, "net[l].activation",
     "The layer's activation: a name, with options such as \"leaky_relu(slope=0.2)\", a function "
     "or "
     "an nn.activation; may be set at any time.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].activation = \"tanh\"\nprint(net:notation())", NULL},
    {"name", NULL, "net[l].name", "The layer's name, or nil. net.hidden is the layer of that name.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].name = \"hidden\"\nprint(net:notation(), net.hidden)",
     NULL},
    {"frozen", NULL, "net[l].frozen",
     "true: training leaves its parameters as they are, and of a block those of all its layers.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].frozen = true\nprint(net:notation())", NULL},
    {"factor", NULL, "net[l].factor", "What the learning rate is multiplied by for this layer.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].factor = 0.1\nprint(net[1].factor)", NULL},
    {.name = NULL},
};

static const nbl_entry neuron_entries[] = {
    {"w", NULL, "net[l]:neuron(k).w", "The weights into one neuron: a view into the network.",
     "print(#nn.net(\"4 - 3 - 2\")[1]:neuron(1).w)", NULL},
    {"b", NULL, "net[l]:neuron(k).b", "The neuron's bias.",
     "print(nn.net(\"4 - 3 - 2\")[1]:neuron(1).b)", NULL},
    {"activation", NULL, "net[l]:neuron(k).activation",
     "The neuron's own activation; softmax belongs to whole layers.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1]:neuron(2).activation = \"linear\"\nprint(net:notation())",
     NULL},
    {.name = NULL},
};

/* Whether the metatable of that name has the method at the stack's top. */
static bool is_method(lua_State *L, const char *kind)
{
    luaL_getmetatable(L, kind);
    lua_getfield(L, -1, "methods");
    lua_pushvalue(L, -3);
    bool is = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 3);
    return is;
}

/* Fields that every layer has, and methods. */
bool nbl_is_layer_word(lua_State *L, const char *name)
{
    for (int i = 0; own_fields[i]; i++)
        if (strcmp(name, own_fields[i]) == 0) return true;
    lua_pushstring(L, name);
    bool is = is_method(L, nbl_layer_kind.name);
    lua_pop(L, 1);
    return is;
}

void nbl_check_layer_name(lua_State *L, const char *name)
{
    bool taken = false, method;
    if (!*name) return;
    for (int i = 0; layer_fields[i]; i++) taken |= strcmp(name, layer_fields[i]) == 0;
    lua_pushstring(L, name);
    method = is_method(L, nbl_net_kind.name) || strcmp(name, "history") == 0;
    taken = taken || is_method(L, nbl_layer_kind.name);
    lua_pop(L, 1);
    if (taken || method)
        nbl_error(L, "a layer cannot be called %s: %s.%s is something else already", name,
                  method ? "net" : "net[l]", name);
}

void nbl_check_layers(lua_State *L, const nb_layer *block, const nb_net *own)
{
    luaL_checkstack(L, 4, "layers too deep");
    for (int i = 0; i < block->children; i++) {
        nb_layer *child = block->child[i];
        nb_net *net = nb_net_of(child);
        nbl_check_layer_name(L, child->head.name);
        if (net && net != own && net->values && !net->outer && nbl_net_is_running(L, net))
            nbl_error(L, "a network that is running cannot be put into another; give this one a "
                         "copy, net:clone()");
        nbl_check_layers(L, child, own);
    }
}

/* The metatable of one kind, with its help and methods. */
static void open_kind(lua_State *L, const nbl_kind *kind, const luaL_Reg *meta, lua_CFunction index,
                      const char *prefix, const nbl_entry *help)
{
    nbl_new_metatable(L, kind);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    nbl_register(L, prefix, help);
    nbl_set_methods(L, index);
}

void nbl_open_layers(lua_State *L)
{
    static const luaL_Reg layer_meta[] = {{"__newindex", layer_newindex},
                                          {"__tostring", layer_tostring},
                                          {"__len", layer_len},
                                          {NULL, NULL}};
    static const luaL_Reg neuron_meta[] = {
        {"__newindex", neuron_newindex}, {"__tostring", neuron_tostring}, {NULL, NULL}};
    open_kind(L, &nbl_layer_kind, layer_meta, layer_index, "layer", layer_entries);
    open_kind(L, &neuron_kind, neuron_meta, neuron_index, "neuron", neuron_entries);
}
