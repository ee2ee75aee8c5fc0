/* Handles of layers and neurons: views of a network that name a place in it and hold the network.
 */
#include "lua/nn/host.h"
#include "lua/names.h"
#include "lua/nn/net.h"
#include "tensor/shape.h"

#include <string.h>

enum { NET = 1 }; /* user value: the network's handle */

static const nbl_kind layer_kind = {"nabla.layer", NET, NULL};
static const nbl_kind neuron_kind = {"nabla.neuron", NET, NULL};

/* Both handles; numbers count from 0. */
typedef struct place {
    int layer;
    int64_t neuron; /* of neurons only */
} place;

static void push_place(lua_State *L, int net, const nbl_kind *kind, place at)
{
    net = lua_absindex(L, net);
    place *self = nbl_new_handle(L, kind, sizeof *self);
    *self = at;
    lua_pushvalue(L, net);
    lua_setiuservalue(L, -2, NET);
}

void nbl_push_layer(lua_State *L, int arg, int number)
{
    arg = lua_absindex(L, arg);
    lua_getiuservalue(L, arg, NBL_NET_KEPT);
    if (lua_rawgeti(L, -1, number + 1) == LUA_TNIL) {
        lua_pop(L, 1);
        push_place(L, arg, &layer_kind, (place){number, 0});
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, number + 1);
    }
    lua_remove(L, -2);
}

/* A handle read: the network's handle is pushed and stays on the stack. */
typedef struct target {
    place at;
    nbl_net *self;
    int net; /* stack index of the network's handle */
    nb_layer *layer;
} target;

static target check_place(lua_State *L, const nbl_kind *kind, const char *what)
{
    const place *self = nbl_check_handle(L, 1, kind, what);
    target out = {.at = *self};
    lua_getiuservalue(L, 1, NET);
    out.net = lua_gettop(L);
    out.self = nbl_check_net(L, out.net);
    out.layer = &out.self->net->layer[out.at.layer];
    return out;
}

static target check_layer(lua_State *L)
{
    return check_place(L, &layer_kind, "a layer");
}

static target check_neuron(lua_State *L)
{
    return check_place(L, &neuron_kind, "a neuron");
}

/* ---- Activations ---- */

typedef struct activation_job {
    nb_layer *layer;
    int64_t start, count;
    const nb_activation *activation;
} activation_job;

static nb_status set_activation(nb_ctx *ctx, void *data)
{
    activation_job *work = data;
    return nb_layer_set_activation(ctx, work->layer, work->start, work->count, work->activation);
}

/* Gives neurons the activation at stack index 3. The handle is held before the core points into it.
 */
static int assign_activation(lua_State *L, const target *to, int64_t start, int64_t count)
{
    activation_job work = {to->layer, start, count, nbl_to_activation(L, 3)};
    lua_getiuservalue(L, to->net, NBL_NET_HELD);
    nbl_hold(L, -1, 3);
    nbl_net_run(L, to->self, set_activation, &work);
    nbl_net_hold(L, to->net);
    return 0;
}

/* One activation, or a table with every neuron's where they differ. */
static int push_activations(lua_State *L, const nb_runs *runs)
{
    const nb_activation *all = runs ? nb_runs_uniform(runs) : NULL;
    if (!runs) return 0;
    if (all) {
        nbl_push_activation(L, all);
        return 1;
    }
    lua_newtable(L);
    for (int64_t k = 0; k < nb_runs_neurons(runs); k++) {
        nbl_push_activation(L, nb_runs_at(runs, k));
        lua_rawseti(L, -2, k + 1);
    }
    return 1;
}

/* ---- Parameters ---- */

typedef struct copy_job {
    nb_tensor *to;
    const nb_tensor *from;
} copy_job;

static nb_status copy_values(nb_ctx *ctx, void *data)
{
    copy_job *work = data;
    return nb_tensor_copy(ctx, work->to, work->from);
}

/* A parameter's own elements, or those of one neuron, as a handle on the stack's top. */
static nb_tensor *push_values(lua_State *L, nb_tensor *value, int64_t neuron)
{
    nb_tensor **out = nbl_new_tensor(L);
    nb_ctx *ctx = nbl_ctx(L);
    *out = neuron < 0 ? nb_tensor_retain(value) : nb_tensor_select(ctx, value, 0, neuron);
    if (!*out) nbl_error(L, "%s", ctx->message);
    return *out;
}

/* The values at stack index 3 into a parameter (neuron < 0) or one neuron's part of it. */
static int assign_values(lua_State *L, const target *to, const nb_param *param, int64_t neuron)
{
    nb_tensor *from = nbl_to_tensor(L, 3, (int)to->self->net->dtype);
    copy_job work = {push_values(L, param->value, neuron), from};
    nbl_net_run(L, to->self, copy_values, &work);
    nbl_changed(L, work.to, "an assignment");
    return 0;
}

/* The parameter called by the key at index 2, or NULL. */
static nb_param *find_param(lua_State *L, nb_layer *layer)
{
    return nb_layer_param(layer, lua_tostring(L, 2));
}

/* ---- Layers ---- */

static const char *const layer_fields[] = {"w", "b", "activation", "name", NULL};
static const char *const neuron_fields[] = {"w", "b", "activation", NULL};

static int layer_index(lua_State *L)
{
    target of = check_layer(L);
    const char *key = luaL_checkstring(L, 2);
    const nb_param *param = find_param(L, of.layer);
    if (param) {
        push_values(L, param->value, -1);
        return 1;
    }
    if (strcmp(key, "activation") == 0) return push_activations(L, of.layer->runs);
    if (strcmp(key, "name") == 0) {
        if (!*of.layer->spec.name) return 0;
        lua_pushstring(L, of.layer->spec.name);
        return 1;
    }
    if (nbl_push_method(L)) return 1;
    return nbl_unknown_field(L, of.layer->where, 2, lua_upvalueindex(NBL_METHODS), layer_fields);
}

typedef struct name_job {
    nb_layer *layer;
    const char *name;
} name_job;

static nb_status set_name(nb_ctx *ctx, void *data)
{
    name_job *work = data;
    return nb_layer_set_name(ctx, work->layer, work->name);
}

static int assign_name(lua_State *L, const target *to)
{
    if (!lua_isnil(L, 3) && lua_type(L, 3) != LUA_TSTRING)
        return nbl_error(L, "name must be a string, not %s", nbl_describe(L, 3));
    name_job work = {to->layer, lua_isnil(L, 3) ? "" : lua_tostring(L, 3)};
    nbl_net_run(L, to->self, set_name, &work);
    return 0;
}

static int layer_newindex(lua_State *L)
{
    target to = check_layer(L);
    const char *key = luaL_checkstring(L, 2);
    const nb_param *param = find_param(L, to.layer);
    if (param) return assign_values(L, &to, param, -1);
    if (strcmp(key, "name") == 0) return assign_name(L, &to);
    if (strcmp(key, "activation") == 0)
        return assign_activation(L, &to, 0, to.layer->runs ? to.layer->neurons : 1);
    lua_newtable(L);
    return nbl_unknown_field(L, to.layer->where, 2, lua_gettop(L), layer_fields);
}

static int layer_neuron(lua_State *L)
{
    target of = check_layer(L);
    if (of.layer->neurons == 0) return nbl_error(L, "%s has no neurons", of.layer->where);
    int64_t k = nbl_check_index(L, 2, of.layer->neurons, "neuron");
    push_place(L, of.net, &neuron_kind, (place){of.at.layer, k});
    return 1;
}

static int64_t count_params(const nb_layer *layer)
{
    int64_t count = 0;
    for (int i = 0; i < layer->params; i++)
        count += nb_shape_count(layer->param[i].dims, layer->param[i].shape);
    return count;
}

static int layer_tostring(lua_State *L)
{
    target of = check_layer(L);
    char in[NB_SHAPE_TEXT], out[NB_SHAPE_TEXT];
    const nb_layer *layer = of.layer;
    const nb_activation *all = layer->runs ? nb_runs_uniform(layer->runs) : NULL;
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, "%s: %s %s → %s", layer->where, layer->spec.type->name,
                nb_shape_text(layer->in_dims, layer->in_shape, in),
                nb_shape_text(layer->out_dims, layer->out_shape, out));
    if (layer->runs) nb_text_add(text, " %s", all ? all->name : "mixed");
    nb_text_add(text, " · parameters ");
    nb_text_add_grouped(text, count_params(layer));
    nbl_push_text(L, text);
    return 1;
}

/* ---- Neurons ---- */

/* A parameter has a part for every neuron when its first dimension counts them. */
static const nb_param *neuron_param(lua_State *L, const target *of)
{
    const nb_param *param = find_param(L, of->layer);
    return param && param->dims > 0 && param->shape[0] == of->layer->neurons ? param : NULL;
}

static int neuron_index(lua_State *L)
{
    target of = check_neuron(L);
    const char *key = luaL_checkstring(L, 2);
    const nb_param *param = neuron_param(L, &of);
    if (param) {
        push_values(L, param->value, of.at.neuron);
        return 1;
    }
    if (strcmp(key, "activation") != 0) {
        lua_newtable(L);
        return nbl_unknown_field(L, "a neuron", 2, lua_gettop(L), neuron_fields);
    }
    nbl_push_activation(L, nb_runs_at(of.layer->runs, of.at.neuron));
    return 1;
}

static int neuron_newindex(lua_State *L)
{
    target to = check_neuron(L);
    const char *key = luaL_checkstring(L, 2);
    const nb_param *param = neuron_param(L, &to);
    if (param) return assign_values(L, &to, param, to.at.neuron);
    if (strcmp(key, "activation") == 0) return assign_activation(L, &to, to.at.neuron, 1);
    lua_newtable(L);
    return nbl_unknown_field(L, "a neuron", 2, lua_gettop(L), neuron_fields);
}

static int neuron_tostring(lua_State *L)
{
    target of = check_neuron(L);
    const nb_activation *activation = nb_runs_at(of.layer->runs, of.at.neuron);
    lua_pushfstring(L, "neuron %I of %s (%s)", (LUAI_UACINT)(of.at.neuron + 1), of.layer->where,
                    activation->name);
    return 1;
}

/* ---- Metatables ---- */

static const nbl_entry layer_entries[] = {
    {":neuron", layer_neuron, "net[l]:neuron(k)", "One neuron of a layer, counted from 1.",
     "net = nn.net \"64 - 30 - 10\"\nnet[1]:neuron(7).activation = \"relu\"\nprint(net)", NULL},
    {"w", NULL, "net[l].w", "The layer's weights (outputs × inputs): a view into the network.",
     "print(nn.net(\"4 - 3 - 2\")[1].w.shape[2])", NULL},
    {"b", NULL, "net[l].b", "The layer's biases: a view into the network.",
     "print(#nn.net(\"4 - 3 - 2\")[1].b)", NULL},
    {"activation", NULL, "net[l].activation",
     "The layer's activation: a name, a function or an nn.activation; may be set at any time.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].activation = \"tanh\"\nprint(net:notation())", NULL},
    {"name", NULL, "net[l].name", "The layer's name, or nil.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1].name = \"hidden\"\nprint(net:notation())", NULL},
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
    static const luaL_Reg layer_meta[] = {
        {"__newindex", layer_newindex}, {"__tostring", layer_tostring}, {NULL, NULL}};
    static const luaL_Reg neuron_meta[] = {
        {"__newindex", neuron_newindex}, {"__tostring", neuron_tostring}, {NULL, NULL}};
    open_kind(L, &layer_kind, layer_meta, layer_index, "layer", layer_entries);
    open_kind(L, &neuron_kind, neuron_meta, neuron_index, "neuron", neuron_entries);
}
