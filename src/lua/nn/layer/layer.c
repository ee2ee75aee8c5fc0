/* Handles of layers. A layer that is part of no network yet can be told what a layer
 * can be told; what a network gives it, its parameters, it has once it is part of one. */
#include "lua/nn/layer/layer.h"

#include "lua/nn/layer/field.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/layer/neuron.h"
#include "lua/nn/part.h"
#include "lua/names.h"
#include "nn/notation/write.h"
#include "nn/learns.h"
#include "tensor/assign.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

/* ---- Activations ---- */

/* One activation, or a table with every neuron's where they differ. The runs are read anew for
 * each: a finaliser may change them meanwhile. */
static bool push_activations(lua_State *L, const nb_layer *layer)
{
    const nb_runs *runs = layer->plan ? layer->plan->runs : NULL;
    nb_activation all = runs ? nb_runs_uniform(runs) : layer->head.activation;
    const nb_option *option = nb_option_find(layer->type->options, "activation");
    if (!runs && !all.type && layer->type->accepts)
        return lua_pushstring(L, option->standard), true;
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

/* ---- Fields that all layers have ---- */

static void push_decay(lua_State *L, nb_decay decay)
{
    if (decay == NB_DECAY_WEIGHTS)
        lua_pushnil(L);
    else
        lua_pushboolean(L, decay == NB_DECAY_ALL);
}

/* Of the value at stack index 3. */
static nb_decay check_decay(lua_State *L)
{
    if (!lua_isboolean(L, 3) && !lua_isnil(L, 3))
        nbl_error(L,
                  "decay must be true (biases too), false (not the weights either) or nil (weights "
                  "only), not %s",
                  nbl_describe(L, 3));
    if (lua_isnil(L, 3)) return NB_DECAY_WEIGHTS;
    return lua_toboolean(L, 3) ? NB_DECAY_ALL : NB_DECAY_NONE;
}

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
    } else if (strcmp(key, "decay") == 0) {
        push_decay(L, layer->decay);
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
    name_job work = {layer, nbl_check_name(L)};
    nbl_check_layer_name(L, work.name);
    nbl_layer_run(L, layer, set_name, &work);
}

bool nbl_set_layer_field(lua_State *L, nb_layer *layer, const char *key)
{
    if (strcmp(key, "name") == 0) {
        assign_name(L, layer);
    } else if (strcmp(key, "frozen") == 0) {
        nb_layer_freeze(layer, nbl_check_frozen(L));
    } else if (strcmp(key, "factor") == 0) {
        nb_layer_scale(layer, nbl_check_factor(L));
    } else if (strcmp(key, "decay") == 0) {
        nb_layer_set_decay(layer, check_decay(L));
    } else {
        return false;
    }
    return true;
}

/* ---- Masks ---- */

/* Pushes the masks by the names of their parameters, or nil: the layer's own, so that what is
 * written there counts. */
static void push_masks(lua_State *L, const nb_layer *layer)
{
    if (layer->tuning.masks)
        lua_newtable(L);
    else
        lua_pushnil(L);
    for (int i = 0; i < layer->tuning.masks; i++) {
        lua_pushstring(L, layer->tuning.mask[i].name);
        nbl_push_tensor(L, layer->tuning.mask[i].learns);
        lua_rawset(L, -3);
    }
}

typedef struct mask_job {
    nb_layer *layer;
    nb_tuning *masks; /* in a box */
    const char *name;
    nb_tensor *mask;
} mask_job;

static nb_status add_mask(nb_ctx *ctx, void *data)
{
    mask_job *work = data;
    return nb_layer_add_mask(ctx, work->layer, work->masks, work->name, work->mask);
}

static void free_masks(nb_ctx *ctx, void *value)
{
    nb_tuning_free(ctx, value);
}

/* Masks from the table at stack index 3, all or none; nil takes them away. */
static void assign_masks(lua_State *L, nb_layer *layer)
{
    if (!lua_isnil(L, 3) && !lua_istable(L, 3))
        nbl_error(L, "mask must be a table, as in {w = t}, or nil, not %s", nbl_describe(L, 3));
    mask_job work = {.layer = layer, .masks = nbl_new_box(L, sizeof *work.masks, free_masks)};
    int box = lua_gettop(L);
    lua_pushnil(L);
    while (lua_istable(L, 3) && lua_next(L, 3)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            nbl_error(L, "mask: name the parameter, as in {w = t}, not %s", nbl_describe(L, -2));
        work.name = lua_tostring(L, -2);
        work.mask = nbl_to_tensor(L, lua_gettop(L), -1);
        nbl_layer_run(L, layer, add_mask, &work);
        lua_pop(L, 1);
    }
    nb_tuning_swap_masks(&layer->tuning, work.masks);
    nbl_close_box(L, box);
}

/* ---- Layers ---- */

static const char *const layer_fields[] = {"w",      "b",     "activation", "name", "frozen",
                                           "factor", "decay", "mask",       NULL};
/* Those that are no parameters. */
static const char *const *const own_fields = layer_fields + 2;

/* The child with the name at stack index 2, or NULL. */
static nb_layer *named_child(lua_State *L, const nb_layer *block)
{
    const char *name = nbl_key(L);
    for (int i = 0; *name && i < block->children; i++)
        if (strcmp(block->child[i]->head.name, name) == 0) return block->child[i];
    return NULL;
}

/* Why there is nothing under the key at stack index 2. */
static int unknown_field(lua_State *L, const nb_layer *layer, int methods)
{
    const char *key = nbl_key(L);
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
    nbl_look_elsewhere(L, "layer", nb_layer_where(layer), 2);
    return nbl_unknown_field(L, nb_layer_where(layer), 2, methods, layer_fields);
}

static int index_by_name(lua_State *L, nb_layer *layer)
{
    const char *key = nbl_key(L);
    const nb_param *param = nb_layer_param(layer, key);
    if (param && param->value) return nbl_push_part(L, layer, key, -1), 1;
    if (strcmp(key, "activation") == 0) {
        if (!push_activations(L, layer)) lua_pushnil(L);
        return 1;
    }
    if (strcmp(key, "mask") == 0) return push_masks(L, layer), 1;
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
    nbl_check_layer_still(L, layer);
    if (lua_type(L, 2) == LUA_TNUMBER || named_child(L, layer))
        return nbl_error(L,
                         "%s: the layers in it cannot be assigned; their fields can, as in "
                         "net[1][1].activation = \"tanh\"",
                         nb_layer_where(layer));
    const char *key = nbl_key(L);
    const nb_param *param = nb_layer_param(layer, key);
    if (param && param->value) return nbl_assign_part(L, layer, key, -1), 0;
    if (nbl_set_layer_field(L, layer, key)) return 0;
    if (strcmp(key, "mask") == 0) return assign_masks(L, layer), 0;
    if (strcmp(key, "activation") == 0) {
        const nb_plan *plan = layer->plan;
        nbl_assign_activation(L, layer, 1, 0, plan && plan->runs ? plan->neurons : 1);
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
    if (layer->plan->neurons == 0 && layer->type->accepts)
        return nbl_error(L, "%s: the units of %s step together and are no neurons one by one",
                         where, layer->type->name);
    if (layer->plan->neurons == 0) return nbl_error(L, "%s has no neurons", where);
    int64_t number = nbl_check_index(L, 2, layer->plan->neurons, "neuron");
    nbl_push_neuron(L, 1, number);
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
    nbl_layer_run(L, (nb_layer *)(uintptr_t)work.layer, clone, &work);
    nbl_push_layer(L, *work.out);
    return 1;
}

static void add_title(nb_text *text, const nb_layer *layer)
{
    char in[NB_SHAPE_TEXT], out[NB_SHAPE_TEXT];
    const nb_plan *plan = layer->plan;
    nb_activation all = plan->runs ? nb_runs_uniform(plan->runs) : (nb_activation){.type = NULL};
    nb_text_add(text, "%s: %s %s → %s", plan->where, layer->type->name, nb_form_text(&plan->in, in),
                nb_form_text(&plan->out, out));
    if (plan->runs) nb_text_add(text, " %s", all.type ? all.type->name : "mixed");
}

void nbl_push_title(lua_State *L, const nb_layer *layer)
{
    nb_text *text = nbl_new_text(L);
    add_title(text, layer);
    nbl_push_text(L, text);
    lua_remove(L, -2);
}

static int layer_tostring(lua_State *L)
{
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
    add_title(text, layer);
    nb_text_add(text, " · parameters ");
    nb_text_add_grouped(text, nb_layer_count(layer));
    nbl_push_text(L, text);
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
    {"decay", NULL, "net[l].decay",
     "What l1, l2 and decay touch of this layer: nil weights only, true biases, gains and shifts "
     "too, "
     "false nothing.",
     "net = nn.net \"4 - 3 - 2\"\nnet[2].decay = false\nprint(net[2].decay)", NULL},
    {"factor", NULL, "net[l].factor", "What the learning rate is multiplied by for this layer.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].factor = 0.1\nprint(net[1].factor)", NULL},
    {"mask", NULL, "net[l].mask",
     "Which numbers of its parameters learn, as {w = t}: where t, of the parameter's shape, is 0, "
     "the number stays as it is; nil: all learn. Reading gives u8 tensors that may be changed.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].mask = {w = net[1].w:abs():gt(0.2)}\n"
     "print(net[1].mask.w:sum())",
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
    method = is_method(L, nbl_net_kind.name) || strcmp(name, "history") == 0 ||
             strcmp(name, "classes") == 0;
    taken = taken || is_method(L, nbl_layer_kind.name);
    lua_pop(L, 1);
    if (taken || method)
        nbl_error(L, "a layer cannot be called %s: %s.%s is something else already", name,
                  method ? "net" : "net[l]", name);
}

void nbl_collect_readers(lua_State *L, const nb_net *net)
{
    if (net->values && net->values->storage->readers > 0) nbl_collect_all(L);
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
        if (net) nbl_collect_readers(L, net);
        nbl_check_layers(L, child, own);
    }
}

void nbl_open_layers(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__newindex", layer_newindex},
                                    {"__tostring", layer_tostring},
                                    {"__len", layer_len},
                                    {NULL, NULL}};
    nbl_open_kind(L, &nbl_layer_kind, meta, layer_index, "layer", layer_entries);
}
