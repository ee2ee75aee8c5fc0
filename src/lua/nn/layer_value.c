/* The constructors, one for each row of the core's table, and what they make. */
#include "lua/nn/layer_value.h"

#include "lua/nn/host.h"
#include "lua/names.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The handle is the specification itself; its uservalue is the set of handles that it points into.
 */
enum { HELD = 1 };

static const nbl_kind value_kind = {"nabla.layer value", HELD, NULL};

typedef struct value_options {
    const char *init, *name;
    int activation;
} value_options;

static const nb_option value_fields[] = {
    {.name = "activation",
     .help = "a name, a function or an nn.activation",
     .standard = "sigmoid",
     .kind = NB_HOST,
     .offset = offsetof(value_options, activation)},
    {.name = "init",
     .help = "how the weights begin",
     .standard = "the activation's own",
     .kind = NB_WORD,
     .offset = offsetof(value_options, init)},
    {.name = "name",
     .help = "the layer's name",
     .standard = "none",
     .kind = NB_WORD,
     .offset = offsetof(value_options, name)},
    NB_OPTIONS_END,
};

typedef struct function_options {
    int f, params;
    const char *init, *name;
} function_options;

static const nb_option function_fields[] = {
    {.name = "f",
     .help = "x and the parameters → the output, from tensor methods",
     .standard = "must be given",
     .kind = NB_HOST,
     .offset = offsetof(function_options, f)},
    {.name = "params",
     .help = "the parameters in f's order: {{name = \"w\", 10, 30}, …}",
     .standard = "none",
     .kind = NB_HOST,
     .offset = offsetof(function_options, params)},
    {.name = "init",
     .help = "how parameters of two and more dimensions begin",
     .standard = "lecun",
     .kind = NB_WORD,
     .offset = offsetof(function_options, init)},
    {.name = "name",
     .help = "the layer's name",
     .standard = "none",
     .kind = NB_WORD,
     .offset = offsetof(function_options, name)},
    NB_OPTIONS_END,
};

/* Pushes an empty value and, above it, its set. */
static nb_layer_spec *new_value(lua_State *L, const nb_layer_type *type)
{
    nb_layer_spec *spec = nbl_new_handle(L, &value_kind, sizeof *spec);
    *spec = (nb_layer_spec){.type = type};
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, HELD);
    return spec;
}

static void set_name(lua_State *L, nb_layer_spec *spec, const char *name)
{
    if (!name) return;
    nbl_check_word(L, spec->type->name, name);
    snprintf(spec->name, sizeof spec->name, "%s", name);
}

/* ---- Layers that notation knows ---- */

/* The numbers at the table's beginning, as many as the type has. Returns the entry behind them. */
static int read_sizes(lua_State *L, nb_layer_spec *spec)
{
    const char *const *names = spec->type->size_names;
    while (spec->sizes < NB_LAYER_SIZES && names[spec->sizes]) {
        if (lua_rawgeti(L, 1, spec->sizes + 1) != LUA_TNUMBER) {
            lua_pop(L, 1);
            break;
        }
        spec->size[spec->sizes] = nbl_check_integer(L, -1, names[spec->sizes]);
        spec->sizes++;
        lua_pop(L, 1);
    }
    return spec->sizes + 1;
}

/* The activation on the stack's top, popped; `held` is the set of handles. */
static void read_activation(lua_State *L, nb_layer_spec *spec, int held)
{
    spec->activation = nbl_to_activation(L, -1);
    nbl_hold(L, held, -1);
    lua_pop(L, 1);
}

static void read_init(lua_State *L, nb_layer_spec *spec, const char *name)
{
    if (!name) return;
    spec->init = nb_init_find(name);
    if (!spec->init) nbl_unknown_name(L, "initialiser", name, nb_init_name_at);
}

static int make_built_in(lua_State *L, const nb_layer_type *type)
{
    value_options options;
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_createtable(L, 1, 0);
        lua_insert(L, 1);
        lua_rawseti(L, 1, 1);
    } else if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    nbl_options(L, 1, value_fields, &options, true);
    nb_layer_spec *spec = new_value(L, type);
    int held = lua_gettop(L);
    int next = read_sizes(L, spec);
    if (type->neurons && lua_rawgeti(L, 1, next) != LUA_TNIL) {
        read_activation(L, spec, held);
        next++;
    }
    if (lua_rawlen(L, 1) >= (lua_Unsigned)next)
        nbl_error(L, "%s: entry %d is one too many; it is written %s", type->name, next,
                  type->usage);
    if (options.activation && type->neurons) {
        lua_pushvalue(L, options.activation);
        read_activation(L, spec, held);
    }
    read_init(L, spec, options.init);
    set_name(L, spec, options.name);
    lua_settop(L, held - 1);
    return 1;
}

/* ---- Layers in Lua ---- */

/* The sizes in the table on the stack's top. */
static void read_shape(lua_State *L, nb_param_spec *param)
{
    lua_Integer dims = (lua_Integer)lua_rawlen(L, -1);
    if (dims > NB_MAX_DIMS)
        nbl_error(L, "fn: parameter %s has %I sizes; %d are the most", param->name,
                  (LUAI_UACINT)dims, NB_MAX_DIMS);
    for (param->dims = 0; param->dims < dims; param->dims++) {
        lua_rawgeti(L, -1, param->dims + 1);
        param->shape[param->dims] = nbl_check_integer(L, -1, "a parameter's size");
        lua_pop(L, 1);
    }
}

/* One entry of params, a table on the stack's top. */
static void read_param(lua_State *L, nb_param_spec *param)
{
    if (!lua_istable(L, -1))
        nbl_error(L, "fn: a parameter is written {name = \"w\", 10, 30}, not as %s",
                  nbl_describe(L, -1));
    if (lua_getfield(L, -1, "name") != LUA_TSTRING)
        nbl_error(L, "fn: a parameter's name must be a string, not %s", nbl_describe(L, -1));
    nbl_check_word(L, "fn", lua_tostring(L, -1));
    snprintf(param->name, sizeof param->name, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    read_shape(L, param);
}

static void read_params(lua_State *L, int at, nb_layer_spec *spec)
{
    if (!at) return;
    if (!lua_istable(L, at))
        nbl_error(L, "fn: params must be a table, not %s", nbl_describe(L, at));
    lua_Integer count = (lua_Integer)lua_rawlen(L, at);
    if (count > NB_LAYER_PARAMS)
        nbl_error(L, "fn: %I parameters; %d are the most", (LUAI_UACINT)count, NB_LAYER_PARAMS);
    for (spec->params = 0; spec->params < count; spec->params++) {
        lua_rawgeti(L, at, spec->params + 1);
        read_param(L, &spec->param[spec->params]);
        lua_pop(L, 1);
        for (int i = 0; i < spec->params; i++)
            if (strcmp(spec->param[i].name, spec->param[spec->params].name) == 0)
                nbl_error(L, "fn: two parameters are called %s", spec->param[i].name);
    }
}

/* Pushes the handle of the function at `arg`, which the spec points into, and holds it. */
static void set_function(lua_State *L, int arg, int held, nb_layer_spec *spec)
{
    spec->host = nbl_new_layer_function(L, arg, spec->name);
    nbl_hold(L, held, -1);
    lua_pop(L, 1);
}

void nbl_function_layer(lua_State *L, int arg, int held, nb_layer_spec *out)
{
    *out = (nb_layer_spec){.type = nb_layer_types[NB_LAYER_fn]};
    set_function(L, arg, held, out);
}

static int make_from_function(lua_State *L, const nb_layer_type *type)
{
    function_options options = {.f = 1};
    lua_settop(L, 1);
    if (!lua_isfunction(L, 1)) nbl_options(L, 1, function_fields, &options, false);
    if (!options.f || !lua_isfunction(L, options.f))
        nbl_error(L, "fn: f must be a function: nn.fn{f = function(x, w) … end, params = {…}}");
    nb_layer_spec *spec = new_value(L, type);
    int held = lua_gettop(L);
    read_init(L, spec, options.init);
    set_name(L, spec, options.name);
    read_params(L, options.params, spec);
    set_function(L, options.f, held, spec);
    lua_settop(L, held - 1);
    return 1;
}

/* ---- What the others see ---- */

bool nbl_test_layer_value(lua_State *L, int arg, int held, nb_layer_spec *out)
{
    const nb_layer_spec *spec = nbl_test_handle(L, arg, &value_kind);
    if (!spec) return false;
    *out = *spec;
    lua_getiuservalue(L, arg, HELD);
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1)) nbl_hold(L, held, -2);
    lua_pop(L, 1);
    return true;
}

static int value_tostring(lua_State *L)
{
    const nb_layer_spec *spec = nbl_check_handle(L, 1, &value_kind, "a layer value");
    nb_text *text = nbl_new_text(L);
    nb_text_add(text, "layer %s", spec->type->name);
    for (int i = 0; i < spec->sizes; i++) nb_text_add(text, " %lld", (long long)spec->size[i]);
    if (spec->activation) nb_text_add(text, " %s", spec->activation->name);
    if (spec->init) nb_text_add(text, " init=%s", spec->init->name);
    if (*spec->name) nb_text_add(text, " name=%s", spec->name);
    nbl_push_text(L, text);
    return 1;
}

#define X(kind)                                                                                    \
    static int make_##kind(lua_State *L)                                                           \
    {                                                                                              \
        const nb_layer_type *type = nb_layer_types[NB_LAYER_##kind];                               \
        return type->table_only ? make_from_function(L, type) : make_built_in(L, type);            \
    }
#include "nn/layers.def"
#undef X

void nbl_open_layer_values(lua_State *L)
{
    static const lua_CFunction makers[NB_LAYERS] = {
#define X(kind) [NB_LAYER_##kind] = make_##kind,
#include "nn/layers.def"
#undef X
    };
    nbl_new_metatable(L, &value_kind);
    lua_pushcfunction(L, value_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    for (int i = 0; i < NB_LAYERS; i++) {
        const nb_layer_type *type = nb_layer_types[i];
        const nbl_entry entry[] = {
            {.name = type->name,
             .function = makers[i],
             .usage = type->usage,
             .help = type->help,
             .example = type->example,
             .options = type->table_only ? function_fields : value_fields},
            {.name = NULL},
        };
        nbl_register(L, "nn", entry);
    }
}
