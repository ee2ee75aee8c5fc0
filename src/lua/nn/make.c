/* nn.dense, nn.residual, …: a constructor for each row of the core's table of layers, and layers
 * from the entries of tables. */
#include "lua/nn/make.h"

#include "lua/names.h"
#include "lua/nn/layer/host.h"
#include "lua/nn/keep.h"
#include "lua/nn/net.h"
#include "lua/nn/layer/layer.h"
#include "lua/nn/part.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- New layers ---- */

typedef struct new_job {
    const nb_layer_type *type;
    nb_layer *out;
} new_job;

static nb_status make_new(nb_ctx *ctx, void *data)
{
    new_job *work = data;
    work->out = nb_layer_new(ctx, work->type);
    return work->out ? NB_OK : ctx->status;
}

/* A layer in a box on the stack's top. */
typedef struct box {
    nb_layer *layer;
} box;

static void release_box(nb_ctx *ctx, void *value)
{
    nb_layer_release(ctx, ((box *)value)->layer);
}

static nb_layer *new_in_box(lua_State *L, const nb_layer_type *type)
{
    box *place = nbl_new_box(L, sizeof *place, release_box);
    new_job work = {.type = type};
    nbl_run(L, make_new, &work);
    return place->layer = work.out;
}

nb_layer *nbl_new_list(lua_State *L)
{
    return new_in_box(L, nb_layer_types[NB_LAYER_net]);
}

/* ---- Entries ---- */

typedef struct entry_job {
    lua_State *L;
    nb_layer *block;
    nb_layer *child;  /* to be added … */
    const char *text; /* … or notation to be read */
    int held;
} entry_job;

static nb_status add_child(nb_ctx *ctx, void *data)
{
    entry_job *work = data;
    return nb_layer_add(ctx, work->block, work->child);
}

static nb_status add_text(nb_ctx *ctx, void *data)
{
    entry_job *work = data;
    nbl_names names;
    nbl_names_init(&names, work->L, work->held);
    int children = work->block->children;
    nb_status status = nb_notation_parse_into(ctx, work->text, &names.resolver, work->block);
    if (status != NB_OK) nb_layer_drop_children(ctx, work->block, children);
    return status;
}

static nb_status add_branch(nb_ctx *ctx, void *data)
{
    entry_job *work = data;
    return nb_layer_add_branch(ctx, work->block);
}

/* A dense layer of the size at `arg`, in a box. */
static nb_layer *new_dense(lua_State *L, int arg, int entry)
{
    nb_layer *layer = new_in_box(L, nb_layer_types[NB_LAYER_dense]);
    const nb_option *units = layer->type->options;
    nb_ctx *ctx = nbl_ctx(L);
    int whole = 0;
    lua_Integer size = lua_tointegerx(L, arg, &whole);
    if (!whole)
        nbl_error(L, "entry %d: a size is a whole number, not %s", entry, nbl_describe(L, arg));
    if (size < 1 || size > NB_SIZE_MAX)
        nbl_error(L, "entry %d: a size is at least 1 and at most %I, not %I", entry,
                  (LUAI_UACINT)NB_SIZE_MAX, (LUAI_UACINT)size);
    if (nb_option_set(ctx, units, layer->settings, (double)size) != NB_OK)
        nbl_error(L, "%s", ctx->message);
    return layer;
}

/* A layer of type fn of the function at `arg`, in a box. */
static nb_layer *new_function_layer(lua_State *L, int arg, int held)
{
    nb_layer *layer = new_in_box(L, nb_layer_types[NB_LAYER_fn]);
    layer->host = nbl_new_layer_function(L, arg, "");
    nbl_hold(L, held, -1);
    lua_pop(L, 1);
    return layer;
}

void nbl_add_entry(lua_State *L, int arg, nb_layer *block, int held, int entry)
{
    int top = lua_gettop(L);
    entry_job work = {.L = L, .block = block, .held = held, .child = nbl_test_layer(L, arg)};
    arg = lua_absindex(L, arg);
    luaL_checkstack(L, 8, "entries too deep");
    switch (work.child ? LUA_TUSERDATA : lua_type(L, arg)) {
    case LUA_TUSERDATA:
        if (!work.child) nbl_error(L, "entry %d cannot be %s", entry, nbl_describe(L, arg));
        if (nb_net_of(work.child)) nbl_check_layer_still(L, work.child);
        nbl_hold_layer(L, held, work.child);
        break;
    case LUA_TNUMBER:
        work.child = new_dense(L, arg, entry);
        break;
    case LUA_TSTRING:
        work.text = nbl_check_text(L, arg);
        nbl_run(L, add_text, &work);
        return;
    case LUA_TFUNCTION:
        work.child = new_function_layer(L, arg, held);
        break;
    default:
        nbl_error(
            L,
            "entry %d must be a size, a layer, a network, a string of notation or a function, "
            "not %s",
            entry, nbl_describe(L, arg));
    }
    nbl_run(L, add_child, &work);
    lua_settop(L, top);
}

/* ---- Options ---- */

/* Pushes a table of the named entries of the one at 1 that the type's options are; what `apart`
 * lists is left to the caller. */
static void push_named(lua_State *L, const char *const *apart)
{
    lua_newtable(L);
    int named = lua_gettop(L);
    lua_pushnil(L);
    for (; lua_next(L, 1); lua_pop(L, 1)) {
        bool own = lua_type(L, -2) != LUA_TSTRING;
        for (int i = 0; !own && apart[i]; i++) own = strcmp(lua_tostring(L, -2), apart[i]) == 0;
        if (own) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, named);
    }
}

/* The option with that place, or NULL. */
static const nb_option *option_at(const nb_layer_type *type, int place)
{
    for (const nb_option *option = type->options; option->name; option++)
        if (option->place == place) return option;
    return NULL;
}

/* Puts the numbers from entry `place` on into a list on the stack's top, which had the first of
 * them. Returns the last one's entry. */
static int gather_sizes(lua_State *L, int place)
{
    lua_createtable(L, 4, 0);
    lua_replace(L, -2);
    int count = 0;
    while (lua_rawgeti(L, 1, place + count) == LUA_TNUMBER) lua_rawseti(L, -2, ++count);
    lua_pop(L, 1);
    return place + count - 1;
}

/* Moves the values at the table's beginning to their names in the table at `named`. A shape's sizes
 * stand one after the other: reshape{1, 28, 28}. Returns the entry behind them. */
static int name_values(lua_State *L, const nb_layer_type *type, int named)
{
    int next = 1;
    const nb_option *option;
    for (int place = 1; (option = option_at(type, place)); place++, next++) {
        if (lua_rawgeti(L, 1, next) == LUA_TNIL || lua_type(L, -1) == LUA_TSTRING) {
            lua_pop(L, 1);
            break;
        }
        if (option->most > 2 && lua_isnumber(L, -1)) next = gather_sizes(L, next);
        if (lua_getfield(L, named, option->name) != LUA_TNIL)
            nbl_error(L, "%s: %s is given twice", type->name, option->name);
        lua_pop(L, 1);
        lua_setfield(L, named, option->name);
    }
    return next;
}

/* Raises where an option that has no default is missing. */
static void check_required(lua_State *L, const nb_layer_type *type, int named)
{
    for (const nb_option *option = type->options; option->name; option++) {
        if (!option->required) continue;
        if (lua_getfield(L, named, option->name) == LUA_TNIL)
            nbl_error(L, "%s needs a value for its %s; it is written %s", type->name, option->name,
                      type->usage);
        lua_pop(L, 1);
    }
}

static const char *const activation_apart[] = {"activation", NULL};

/* The activation: behind the sizes, or by name. */
static int read_activation(lua_State *L, nb_layer *layer, int next, int held)
{
    bool takes = nb_option_find(layer->type->options, "activation");
    bool behind = takes && lua_rawgeti(L, 1, next) != LUA_TNIL;
    lua_getfield(L, 1, "activation");
    bool by_name = !lua_isnil(L, -1);
    if (by_name && !takes)
        nbl_error(L, "%s has no neurons and takes no activation", layer->type->name);
    if (by_name && behind) nbl_error(L, "%s: activation is given twice", layer->type->name);
    if (behind) lua_pop(L, 1);
    if (!behind && !by_name) return next;
    layer->head.activation = nbl_to_activation(L, -1);
    nbl_hold(L, held, -1);
    return behind ? next + 1 : next;
}

/* ---- Layers without branches ---- */

/* dense(30), dense{30, "relu", init = "he"} */
static void make_plain(lua_State *L, nb_layer *layer, int held)
{
    const nb_layer_type *type = layer->type;
    push_named(L, activation_apart);
    int named = lua_gettop(L), next = name_values(L, type, named);
    check_required(L, type, named);
    nbl_options(L, named, type->options, layer->settings, false);
    next = read_activation(L, layer, next, held);
    if (lua_rawlen(L, 1) >= (lua_Unsigned)next)
        nbl_error(L, "%s: entry %d is one too many; it is written %s", type->name, next,
                  type->usage);
}

/* ---- Blocks ---- */

/* Whether the first entry is a table of layers: every entry is then a branch. */
static bool lists_branches(lua_State *L)
{
    bool is = lua_rawgeti(L, 1, 1) == LUA_TTABLE;
    lua_pop(L, 1);
    return is;
}

static void read_branch(lua_State *L, nb_layer *block, int held, int branch)
{
    entry_job work = {.block = block};
    if (!lua_istable(L, -1))
        nbl_error(L, "%s: entry %d must be a branch, {layers…}, as the first is, not %s",
                  block->type->name, branch, nbl_describe(L, -1));
    if (branch > block->type->branches)
        nbl_error(L, "%s takes %d branches at most", block->type->name, block->type->branches);
    nbl_run(L, add_branch, &work);
    int at = lua_gettop(L);
    for (int i = 1; i <= (int)lua_rawlen(L, at); i++) {
        lua_rawgeti(L, at, i);
        nbl_add_entry(L, -1, block, held, i);
        lua_pop(L, 1);
    }
}

/* residual{layers…}, residual{{layers…}, {layers…}} */
static void make_block(lua_State *L, nb_layer *block, int held)
{
    static const char *const none[] = {NULL};
    push_named(L, none);
    nbl_options(L, lua_gettop(L), block->type->options, block->settings, false);
    bool branches = lists_branches(L);
    for (int i = 1; i <= (int)lua_rawlen(L, 1); i++) {
        lua_rawgeti(L, 1, i);
        if (branches)
            read_branch(L, block, held, i);
        else
            nbl_add_entry(L, -1, block, held, i);
        lua_pop(L, 1);
    }
    if (!block->children)
        nbl_error(L, "%s needs at least one layer; it is written %s", block->type->name,
                  block->type->usage);
}

/* ---- Layers in Lua ---- */

/* The sizes in the table on the stack's top. */
static void read_shape(lua_State *L, nb_param_spec *spec)
{
    lua_Integer dims = (lua_Integer)lua_rawlen(L, -1);
    if (dims > NB_MAX_DIMS)
        nbl_error(L, "fn: parameter %s has %I sizes; %d are the most", spec->name,
                  (LUAI_UACINT)dims, NB_MAX_DIMS);
    spec->dims = (int)dims;
    for (int i = 0; i < spec->dims; i++) {
        lua_rawgeti(L, -1, i + 1);
        spec->shape[i] = nbl_check_integer(L, -1, "a parameter's size");
        if (spec->shape[i] < 0)
            nbl_error(L, "fn: a size of parameter %s is %I; sizes are at least 0", spec->name,
                      (LUAI_UACINT)spec->shape[i]);
        lua_pop(L, 1);
    }
}

/* How a parameter begins, from its table on the stack's top: value = a number or a tensor, or init
 * = a word. */
static void read_beginning(lua_State *L, nb_param_spec *spec)
{
    static const nb_option fields[] = {
        {.name = "init", .kind = NB_CHOSEN, .family = &nb_init_family}, NB_OPTIONS_END};
    nb_ctx *ctx = nbl_ctx(L);
    nb_init init = {.type = NULL};
    if (lua_getfield(L, -1, "init") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING)
            nbl_error(L, "fn: init of parameter %s must be a word, not %s", spec->name,
                      nbl_describe(L, -1));
        if (nb_notation_option(ctx, lua_tostring(L, -1), NULL, fields, &init) != NB_OK)
            nbl_error(L, "%s", ctx->message);
    }
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "value") != LUA_TNIL) {
        if (init.type) nbl_error(L, "fn: parameter %s takes value or init, not both", spec->name);
        if (lua_type(L, -1) == LUA_TNUMBER) {
            init = nb_init_of(nb_inits[NB_INIT_constant]);
            init.number[0] = lua_tonumber(L, -1);
        } else {
            int type = lua_type(L, -1);
            if (!nbl_test_tensor(L, -1) && type != LUA_TTABLE)
                nbl_error(L, "fn: value of parameter %s must be a number or a tensor, not %s",
                          spec->name, nbl_describe(L, -1));
            spec->value = nb_tensor_retain(nbl_to_tensor(L, -1, -1));
        }
    }
    lua_pop(L, 1);
    spec->init = init;
}

typedef struct spec_job {
    nb_layer *layer;
    nb_param_spec *out;
} spec_job;

static nb_status add_spec(nb_ctx *ctx, void *data)
{
    spec_job *work = data;
    work->out = nb_layer_add_spec(ctx, work->layer);
    return work->out ? NB_OK : ctx->status;
}

/* A parameter is told its name, its sizes and how it begins, and nothing else. */
static void check_keys(lua_State *L)
{
    static const nb_option keys[] = {
        {.name = "name"}, {.name = "value"}, {.name = "init"}, NB_OPTIONS_END};
    nb_ctx *ctx = nbl_ctx(L);
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || nb_option_find(keys, lua_tostring(L, -2))) continue;
        nb_option_unknown(ctx, keys, "fn: a parameter", lua_tostring(L, -2));
        nbl_error(L, "%s", ctx->message);
    }
}

/* A name that stands for one parameter of the layer, and for nothing else that a layer has. */
static void check_param_name(lua_State *L, const nb_layer *layer, const char *name)
{
    nbl_check_word(L, "fn", name);
    for (int i = 0; i < layer->specs; i++)
        if (strcmp(layer->spec[i].name, name) == 0)
            nbl_error(L, "fn: two parameters are called %s", name);
    if (nbl_is_layer_word(L, name))
        nbl_error(L, "fn: a parameter cannot be called %s: layer.%s is something else already",
                  name, name);
}

/* One entry of params, on the stack's top. */
static void read_param(lua_State *L, nb_layer *layer)
{
    spec_job work = {.layer = layer};
    if (!lua_istable(L, -1))
        nbl_error(L, "fn: a parameter is written {name = \"w\", 10, 30}, not as %s",
                  nbl_describe(L, -1));
    check_keys(L);
    if (lua_getfield(L, -1, "name") != LUA_TSTRING)
        nbl_error(L, "fn: a parameter's name must be a string, not %s", nbl_describe(L, -1));
    const char *name = lua_tostring(L, -1);
    check_param_name(L, layer, name);
    nbl_run(L, add_spec, &work);
    snprintf(work.out->name, sizeof work.out->name, "%s", name);
    lua_pop(L, 1);
    read_shape(L, work.out);
    read_beginning(L, work.out);
}

/* fn(f), fn{f = f, params = {…}} */
static void make_function(lua_State *L, nb_layer *layer, int held)
{
    static const char *const apart[] = {"f", "params", NULL};
    push_named(L, apart);
    nbl_options(L, lua_gettop(L), layer->type->options, layer->settings, false);
    if (lua_getfield(L, 1, "params") != LUA_TNIL) {
        if (!lua_istable(L, -1))
            nbl_error(L, "fn: params must be a table, not %s", nbl_describe(L, -1));
        int list = lua_gettop(L);
        lua_pushnil(L);
        for (; lua_next(L, list); lua_pop(L, 1))
            if (lua_type(L, -2) != LUA_TNUMBER)
                nbl_error(L,
                          "fn: params is a list, {{name = \"w\", 10, 30}, …}; it has no field %s",
                          nbl_describe(L, -2));
        for (int i = 1; i <= (int)lua_rawlen(L, list); i++) {
            lua_rawgeti(L, list, i);
            read_param(L, layer);
            lua_pop(L, 1);
        }
    }
    if (lua_getfield(L, 1, "f") != LUA_TFUNCTION)
        nbl_error(L, "fn: f must be a function: nn.fn{f = function(x, w) … end, params = {…}}");
    layer->host = nbl_new_layer_function(L, -1, layer->head.name);
    nbl_hold(L, held, -1);
}

/* ---- All of them ---- */

/* The argument as a table: a bare value is its first entry, a function that of fn. */
static void make_table(lua_State *L, const nb_layer_type *type)
{
    nbl_no_more(L, 1);
    lua_settop(L, 1);
    if (lua_istable(L, 1)) return;
    lua_createtable(L, 1, 1);
    lua_insert(L, 1);
    if (lua_isfunction(L, -1) && type->table_only)
        lua_setfield(L, 1, "f");
    else if (!lua_isnil(L, -1))
        lua_rawseti(L, 1, 1);
    lua_settop(L, 1);
}

static int make_layer(lua_State *L, const nb_layer_type *type)
{
    make_table(L, type);
    nb_layer *layer = new_in_box(L, type);
    lua_newtable(L);
    int held = lua_gettop(L);
    if (type->table_only)
        make_function(L, layer, held);
    else if (type->branches)
        make_block(L, layer, held);
    else
        make_plain(L, layer, held);
    nbl_check_layer_name(L, layer->head.name);
    nbl_check_layers(L, layer, NULL);
    nbl_push_layer(L, layer);
    return 1;
}

#define X(kind)                                                                                    \
    static int make_##kind(lua_State *L)                                                           \
    {                                                                                              \
        return make_layer(L, nb_layer_types[NB_LAYER_##kind]);                                     \
    }
#include "nn/layers.def"
#undef X

void nbl_open_layer_makers(lua_State *L)
{
    static const lua_CFunction makers[NB_LAYERS] = {
#define X(kind) [NB_LAYER_##kind] = make_##kind,
#include "nn/layers.def"
#undef X
    };
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_layer_type *type = nb_layer_types[i];
        if (i == NB_LAYER_net) continue; /* nn.net makes networks */
        const nbl_entry entry[] = {
            {.name = type->name,
             .function = makers[i],
             .usage = type->usage,
             .help = type->help,
             .example = type->example,
             .options = type->options},
            {.name = NULL},
        };
        nbl_register(L, "nn", entry);
    }
}
