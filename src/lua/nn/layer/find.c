/* Methods that find layers by path and neurons by what they are, and say which layers learn. */
#include "lua/names.h"
#include "lua/nn/net.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/layer/neuron.h"
#include "lua/nn/part.h"
#include "nn/learns.h"

#include <string.h>

/* ---- By path ---- */

typedef struct find_job {
    nb_net *net;
    const char *path;
    nb_layer *found;
} find_job;

static nb_status find(nb_ctx *ctx, void *data)
{
    find_job *work = data;
    work->found = nb_net_layer(ctx, work->net, work->path);
    return work->found ? NB_OK : ctx->status;
}

static int net_layer(lua_State *L)
{
    nbl_net *self = nbl_check_net(L, 1);
    find_job work = {.net = self->net};
    if (lua_type(L, 2) != LUA_TSTRING && lua_type(L, 2) != LUA_TNUMBER)
        return nbl_arg_error(L, 2, "a path such as \"3.1\" or \"hidden\"");
    work.path = nbl_check_text(L, 2);
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    nbl_run(L, find, &work);
    nbl_push_layer(L, work.found);
    nbl_close_box(L, pin);
    return 1;
}

/* ---- Which learn ---- */

/* The layer that argument 2 names: a number, a path or a handle; none: the network itself. */
static nb_layer *check_layer(lua_State *L, nbl_net *self)
{
    if (lua_isnoneornil(L, 2)) return &self->net->layer;
    nb_layer *layer = nbl_test_layer(L, 2);
    const nb_net *of = layer ? layer->owner : NULL;
    while (of && of != self->net) of = of->outer;
    if (layer && !of && layer != &self->net->layer)
        nbl_error(L, "this layer is not one of the network's; layer.frozen = true freezes it");
    if (layer) return layer;
    if (lua_type(L, 2) == LUA_TNUMBER)
        return self->net->layer.child[nbl_check_index(L, 2, self->net->layer.children, "layer")];
    net_layer(L);
    return nbl_test_layer(L, -1);
}

/* The layer that is to learn or not. */
static nb_layer *check_changed(lua_State *L)
{
    nb_layer *layer = check_layer(L, nbl_check_net(L, 1));
    nbl_check_layer_still(L, layer);
    return layer;
}

static int net_freeze(lua_State *L)
{
    nb_layer_freeze(check_changed(L), true);
    return 0;
}

static int net_thaw(lua_State *L)
{
    nb_layer_freeze(check_changed(L), false);
    return 0;
}

/* ---- Neurons ---- */

/* What net:find looks for; stack indices, 0 for what was not said. */
typedef struct query {
    int layer, activation, frozen, factor, name, where;
} query;

#define FIELD(word, text, what)                                                                    \
    {                                                                                              \
        .name = #word, .help = text, .standard = "any", .range = what, .kind = NB_HOST,            \
        .offset = offsetof(query, word)                                                            \
    }
static const nb_option query_options[] = {
    FIELD(layer, "a number, a path or a layer, with all that stand in it", "a layer"),
    FIELD(activation, "a name, with whatever options unless it has some; or a function",
          "an activation"),
    FIELD(frozen, "whether training leaves them as they are", "true or false"),
    FIELD(factor, "of their learning rate", "a number"),
    FIELD(name, "of the neuron", "a string"),
    FIELD(where, "a function of a neuron that says whether it is one", "a function"),
    NB_OPTIONS_END,
};
#undef FIELD

/* Makes the layer that was asked for argument 2. */
static const nb_layer *wanted_layer(lua_State *L, nbl_net *self, const query *q)
{
    if (!q->layer) return &self->net->layer;
    lua_pushvalue(L, q->layer);
    lua_replace(L, 2);
    return check_layer(L, self);
}

/* Whether a layer stands in another, at its first place. */
static bool stands_in(const nb_layer *layer, const nb_layer *block)
{
    const char *path = block->plan->path;
    size_t length = strlen(path);
    bool below = !strncmp(layer->plan->path, path, length) &&
                 (length == 0 || layer->plan->path[length] == '.');
    return layer == block || below;
}

/* The activation that was asked for: its type NULL for any; *bare: whatever its options. */
static nb_activation wanted_activation(lua_State *L, const query *q, bool *bare)
{
    nb_activation none = {.type = NULL};
    if (!q->activation) return none;
    *bare =
        lua_type(L, q->activation) == LUA_TSTRING && !strchr(lua_tostring(L, q->activation), '(');
    return nbl_to_activation(L, q->activation);
}

/* One that was found so far; the handle of its layer is at `handle`. */
typedef struct search {
    const query *q;
    nb_activation activation;
    bool bare;
    int list, handle;
    lua_Integer found;
} search;

static bool has_activation(const search *s, nb_activation activation)
{
    if (!s->activation.type) return true;
    return s->bare ? activation.type == s->activation.type
                   : nb_activation_same(activation, s->activation);
}

/* What the options with plain values say. */
static bool is_tuned_so(lua_State *L, const query *q, const nb_tuned *tuned)
{
    if (q->frozen && lua_toboolean(L, q->frozen) != tuned->frozen) return false;
    if (q->factor && lua_tonumber(L, q->factor) != tuned->factor) return false;
    return !q->name || !strcmp(lua_tostring(L, q->name), tuned->name);
}

/* What the user's function says of the neuron on the stack's top. */
static bool is_so(lua_State *L, const query *q)
{
    if (!q->where) return true;
    lua_pushvalue(L, q->where);
    lua_pushvalue(L, -2);
    lua_call(L, 1, 1);
    bool so = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return so;
}

static void search_layer(lua_State *L, search *s, const nb_layer *layer)
{
    for (int64_t k = 0; layer->plan->runs && k < layer->plan->neurons; k++) {
        const nb_tuned tuned = nb_layer_tuned(layer, k);
        if (!has_activation(s, nb_runs_at(layer->plan->runs, k))) continue;
        if (!is_tuned_so(L, s->q, &tuned)) continue;
        nbl_push_neuron(L, s->handle, k);
        if (is_so(L, s->q))
            lua_rawseti(L, s->list, ++s->found);
        else
            lua_pop(L, 1);
    }
}

static void check_type(lua_State *L, int at, int type, const char *name, const char *what)
{
    if (at && lua_type(L, at) != type)
        nbl_error(L, "%s must be %s, not %s", name, what, nbl_describe(L, at));
}

/* Only while the network is pinned do its layers stay where they are. */
static int net_find(lua_State *L)
{
    query q;
    bool bare = false;
    nbl_net *self = nbl_check_net(L, 1);
    lua_settop(L, 2);
    nbl_options(L, 2, query_options, &q, false);
    check_type(L, q.frozen, LUA_TBOOLEAN, "frozen", "true or false");
    check_type(L, q.factor, LUA_TNUMBER, "factor", "a number");
    check_type(L, q.name, LUA_TSTRING, "name", "a string");
    check_type(L, q.where, LUA_TFUNCTION, "where", "a function");
    search s = {.q = &q, .activation = wanted_activation(L, &q, &bare)};
    const nb_layer *block = wanted_layer(L, self, &q);
    s.bare = bare;
    nbl_pin_net(L, self);
    int pin = lua_gettop(L);
    lua_newtable(L);
    s.list = pin + 1;
    for (int i = 0; i < self->net->parts; i++) {
        nb_layer *layer = self->net->part[i];
        if (!stands_in(layer, block)) continue;
        nbl_poll(L, nbl_ctx(L));
        nbl_push_layer(L, layer);
        s.handle = lua_gettop(L);
        search_layer(L, &s, layer);
        lua_pop(L, 1);
    }
    nbl_close_box(L, pin);
    nbl_push_selection(L);
    return 1;
}

static const nbl_entry entries[] = {
    {":layer", net_layer, "net:layer(path)",
     "The layer at a path of numbers and names: \"3.1\" is the first layer in the brackets of "
     "layer "
     "3.",
     "net = nn.net \"8 - residual[16 relu - 8 linear] name=block - 2\"\n"
     "print(net:layer \"block.2\", net:layer \"1.2\" == net[1][2])",
     NULL},
    {":freeze", net_freeze, "net:freeze([l])",
     "Training leaves the parameters of layer l, or of all layers, as they are; net:thaw undoes "
     "it.",
     "net = nn.net \"4 - 3 - 2\"\nnet:freeze(1)\nprint(net[1].frozen, net[2].frozen)", NULL},
    {":thaw", net_thaw, "net:thaw([l])", "Layer l, or all layers, learn again.",
     "net = nn.net \"4 - 3 frozen - 2\"\nnet:thaw()\nprint(net[1].frozen)", NULL},
    {":find", net_find, "net:find{layer =, activation =, …}",
     "The neurons that are as was said, of all layers without a word: a selection s, with #s, s[i] "
     "and ipairs(s). What is set of it is set of each: s.frozen = true, s.activation, s.factor; "
     "what is read is a table.",
     "net = nn.net \"4 - 6 relu@1..3 - 2\"\nprint(net:find{layer = 1, activation = \"relu\"})\n"
     "net:find{activation = \"relu\"}.frozen = true",
     query_options},
    {.name = NULL},
};

void nbl_open_net_find(lua_State *L)
{
    nbl_register(L, "net", entries);
}
