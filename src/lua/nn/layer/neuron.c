/* Neurons for Lua: their parts of the layer's parameters, how they learn, what they are called; and
 * selections, on which the same fields work for all of their neurons. */
#include "lua/nn/layer/neuron.h"

#include "lua/names.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/layer/field.h"
#include "lua/nn/part.h"
#include "nn/learns.h"

#include <stdio.h>
#include <string.h>

/* Its user value is the handle of its layer, or of its network. */
typedef struct neuron {
    int64_t number; /* from 0 */
} neuron;

enum { LAYER = 1 };

static const nbl_kind neuron_kind = {"nabla.neuron", LAYER, NULL};

void nbl_push_neuron(lua_State *L, int handle, int64_t number)
{
    handle = lua_absindex(L, handle);
    neuron *self = nbl_new_handle(L, &neuron_kind, sizeof *self);
    self->number = number;
    lua_pushvalue(L, handle);
    lua_setiuservalue(L, -2, LAYER);
}

/* The neuron at 1: its layer, whose handle is pushed; *number from 0. */
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

/* ---- Fields ---- */

static const char *const fields[] = {"w", "b", "activation", "frozen", "factor", "name", NULL};

/* A parameter has a part for every neuron when one of its dimensions counts them. */
static const nb_param *part_of(const nb_layer *layer, const char *key)
{
    const nb_param *param = nb_layer_param(layer, key);
    return param && nb_layer_neuron_dim(layer, param) >= 0 ? param : NULL;
}

static int no_field(lua_State *L, const char *whose)
{
    lua_newtable(L);
    return nbl_unknown_field(L, whose, 2, lua_gettop(L), fields);
}

static int neuron_index(lua_State *L)
{
    int64_t number;
    nb_layer *layer = check_neuron(L, &number);
    const char *key = nbl_key(L);
    const nb_tuned tuned = nb_layer_tuned(layer, number);
    if (nbl_push_method(L)) return 1;
    if (part_of(layer, key))
        nbl_push_part(L, layer, key, number);
    else if (strcmp(key, "activation") == 0)
        nbl_push_activation(L, nb_runs_at(layer->plan->runs, number));
    else if (strcmp(key, "frozen") == 0)
        lua_pushboolean(L, tuned.frozen);
    else if (strcmp(key, "factor") == 0)
        lua_pushnumber(L, tuned.factor);
    else if (strcmp(key, "name") == 0)
        *tuned.name ? (void)lua_pushstring(L, tuned.name) : lua_pushnil(L);
    else
        return no_field(L, "a neuron");
    return 1;
}

typedef struct tune_job {
    nb_layer *layer;
    nb_tuned as;
} tune_job;

static nb_status tune(nb_ctx *ctx, void *data)
{
    tune_job *work = data;
    return nb_layer_tune(ctx, work->layer, &work->as);
}

static void take_name(lua_State *L, nb_tuned *as)
{
    const char *name = nbl_check_name(L);
    if (strlen(name) >= NB_NAME_MAX)
        nbl_error(L, "a name has at most %d characters", NB_NAME_MAX - 1);
    snprintf(as->name, sizeof as->name, "%s", name);
}

static int neuron_newindex(lua_State *L)
{
    int64_t number;
    nb_layer *layer = check_neuron(L, &number);
    nbl_check_layer_still(L, layer);
    const char *key = nbl_key(L);
    tune_job work = {layer, nb_layer_tuned(layer, number)};
    if (part_of(layer, key)) return nbl_assign_part(L, layer, key, number), 0;
    if (strcmp(key, "activation") == 0) return nbl_assign_activation(L, layer, 4, number, 1), 0;
    if (strcmp(key, "frozen") == 0)
        work.as.frozen = nbl_check_frozen(L);
    else if (strcmp(key, "factor") == 0)
        work.as.factor = nbl_check_factor(L);
    else if (strcmp(key, "name") == 0)
        take_name(L, &work.as);
    else
        return no_field(L, "a neuron");
    nbl_layer_run(L, layer, tune, &work);
    return 0;
}

static int neuron_tostring(lua_State *L)
{
    int64_t number;
    const nb_layer *layer = check_neuron(L, &number);
    const nb_tuned tuned = nb_layer_tuned(layer, number);
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, "neuron %lld of %s (%s)", (long long)number + 1, layer->plan->where,
                nb_runs_at(layer->plan->runs, number).type->name);
    if (*tuned.name) nb_text_add(text, " %s", tuned.name);
    if (tuned.frozen) nb_text_add(text, " frozen");
    if (tuned.factor != 1) nb_text_add(text, " factor %.4g", tuned.factor);
    nbl_push_text(L, text);
    return 1;
}

/* ---- Selections ---- */

/* Its user value is the list of the neurons. */
typedef struct selection {
    int64_t count;
} selection;

enum { LIST = 1 };

static const nbl_kind selection_kind = {"nabla.neurons", LIST, NULL};

void nbl_push_selection(lua_State *L)
{
    selection *self = nbl_new_handle(L, &selection_kind, sizeof *self);
    self->count = (int64_t)lua_rawlen(L, -2);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, LIST);
}

/* The selection at 1, and its list on the stack's top. */
static const selection *check_selection(lua_State *L)
{
    const selection *self = nbl_check_handle(L, 1, &selection_kind, "a selection of neurons");
    lua_getiuservalue(L, 1, LIST);
    return self;
}

static int selection_len(lua_State *L)
{
    lua_pushinteger(L, check_selection(L)->count);
    return 1;
}

/* One neuron by its number; or the field of all, in a table. */
static int selection_index(lua_State *L)
{
    const selection *self = check_selection(L);
    int list = lua_gettop(L);
    if (lua_type(L, 2) == LUA_TNUMBER) {
        if (nbl_check_integer(L, 2, "a neuron's number") == self->count + 1) return 0;
        lua_rawgeti(L, list, nbl_check_index(L, 2, self->count, "neuron") + 1);
        return 1;
    }
    if (nbl_push_method(L)) return 1;
    lua_settop(L, list);
    if (self->count == 0) return no_field(L, "an empty selection");
    lua_newtable(L);
    for (int64_t i = 1; i <= self->count; i++) {
        lua_rawgeti(L, list, i);
        lua_pushvalue(L, 2);
        lua_gettable(L, -2);
        lua_rawseti(L, list + 1, i);
        lua_pop(L, 1);
    }
    return 1;
}

static int selection_newindex(lua_State *L)
{
    const selection *self = check_selection(L);
    int list = lua_gettop(L);
    for (int64_t i = 1; i <= self->count; i++) {
        nbl_poll(L, nbl_ctx(L));
        lua_rawgeti(L, list, i);
        lua_pushvalue(L, 2);
        lua_pushvalue(L, 3);
        lua_settable(L, -3);
        lua_pop(L, 1);
    }
    return 0;
}

/* The neuron at -1 as what it is of: its layer, or NULL where it is gone; *number from 0. */
static const nb_layer *look_at(lua_State *L, int64_t *number)
{
    const neuron *self = nbl_check_handle(L, -1, &neuron_kind, "a neuron");
    lua_getiuservalue(L, -1, LAYER);
    const nb_layer *layer = nbl_test_layer(L, -1);
    lua_pop(L, 1);
    *number = self->number;
    return layer && layer->plan && *number < layer->plan->neurons ? layer : NULL;
}

/* "5 neurons · layer 1 (hidden) 3, 7..9 · layer 2 1" */
static int selection_tostring(lua_State *L)
{
    const selection *self = check_selection(L);
    int list = lua_gettop(L);
    const nb_layer *layer = NULL;
    int64_t first = 0, last = -2;
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, self->count == 1 ? "1 neuron" : "%lld neurons", (long long)self->count);
    for (int64_t i = 1; i <= self->count + 1; i++) {
        int64_t number = -1;
        const nb_layer *next = NULL;
        lua_rawgeti(L, list, i);
        if (i <= self->count) next = look_at(L, &number);
        lua_pop(L, 1);
        if (layer && next == layer && number == last + 1) {
            last = number;
            continue;
        }
        if (layer && last > first) nb_text_add(text, "..%lld", (long long)last + 1);
        if (next && next != layer) nb_text_add(text, " · %s", next->plan->where);
        if (next) nb_text_add(text, next == layer ? ", %lld" : " %lld", (long long)number + 1);
        layer = next;
        first = last = number;
    }
    nbl_push_text(L, text);
    return 1;
}

/* ---- Metatables ---- */

static const nbl_entry neuron_entries[] = {
    {"w", NULL, "net[l]:neuron(k).w", "The weights into one neuron: a view into the network.",
     "print(#nn.net(\"4 - 3 - 2\")[1]:neuron(1).w)", NULL},
    {"b", NULL, "net[l]:neuron(k).b", "The neuron's bias.",
     "print(nn.net(\"4 - 3 - 2\")[1]:neuron(1).b)", NULL},
    {"activation", NULL, "net[l]:neuron(k).activation",
     "The neuron's own activation; softmax belongs to whole layers.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1]:neuron(2).activation = \"linear\"\nprint(net:notation())",
     NULL},
    {"frozen", NULL, "net[l]:neuron(k).frozen",
     "true: training leaves the neuron's weights and bias as they are. Of a frozen layer single "
     "neurons can be thawed; net[l].frozen sets all of them.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1]:neuron(2).frozen = true\nprint(net[1]:neuron(2))", NULL},
    {"factor", NULL, "net[l]:neuron(k).factor",
     "What the learning rate is multiplied by for this neuron; net[l].factor sets all of them.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1]:neuron(2).factor = 0.1\nprint(net[1]:neuron(2).factor)",
     NULL},
    {"name", NULL, "net[l]:neuron(k).name", "The neuron's name, or nil; net:find{name =} finds it.",
     "net = nn.net \"4 - 3 - 2\"\nnet[1]:neuron(2).name = \"edge\"\nprint(net:find{name = "
     "\"edge\"})",
     NULL},
    {.name = NULL},
};

static const nbl_entry selection_entries[] = {{.name = NULL}};

void nbl_open_neurons(lua_State *L)
{
    static const luaL_Reg neuron_meta[] = {
        {"__newindex", neuron_newindex}, {"__tostring", neuron_tostring}, {NULL, NULL}};
    static const luaL_Reg selection_meta[] = {{"__newindex", selection_newindex},
                                              {"__tostring", selection_tostring},
                                              {"__len", selection_len},
                                              {NULL, NULL}};
    nbl_open_kind(L, &neuron_kind, neuron_meta, neuron_index, "neuron", neuron_entries);
    nbl_open_kind(L, &selection_kind, selection_meta, selection_index, "neurons",
                  selection_entries);
}
