/* The metatable of tensors: fields, reading and writing by key; and the opener, which puts all
 * parts together. Nobody includes it. */
#include "lua/state.h"
#include "lua/names.h"
#include "lua/nbl.h"
#include "lua/tensor/index.h"
#include "lua/tensor/parts.h"
#include "base/foreign.h"
#include "tensor/print.h"

#include <string.h>

static int to_string(lua_State *L)
{
    nb_tensor *x = nbl_check_tensor(L, 1);
    nb_text *text = nbl_new_text(L);
    nb_tensor_print(text, x, false);
    nbl_push_text(L, text);
    return 1;
}

static int length(lua_State *L)
{
    nb_tensor *x = nbl_check_tensor(L, 1);
    if (x->dims == 0) return nbl_error(L, "a tensor without dimensions has no length");
    lua_pushinteger(L, x->shape[0]);
    return 1;
}

/* ---- Fields ---- */

static void push_shape(lua_State *L, nb_tensor *x)
{
    lua_createtable(L, x->dims, 0);
    for (int i = 0; i < x->dims; i++) {
        lua_pushinteger(L, x->shape[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static void push_dtype(lua_State *L, nb_tensor *x)
{
    lua_pushstring(L, nb_dtype_name(x->dtype));
}

static void push_requires_grad(lua_State *L, nb_tensor *x)
{
    lua_pushboolean(L, x->link != NULL);
}

void nbl_check_home(lua_State *L, const char *what, const nb_home *home)
{
    if (home->state == NB_HOME_STALE)
        nbl_error(L,
                  "%s: training by plain gradient descent adds the gradients straight into the "
                  "weights; net:backprop(x, y) computes them",
                  what);
}

static void push_grad(lua_State *L, nb_tensor *x)
{
    const nb_leaf *leaf = nb_leaf_of(x);
    if (leaf && leaf->home) nbl_check_home(L, "grad", leaf->home);
    nb_tensor *grad = leaf ? nb_leaf_grad(leaf) : NULL;
    if (grad)
        nbl_push_tensor(L, grad);
    else
        lua_pushnil(L);
}

static const struct field {
    const char *name;
    void (*push)(lua_State *L, nb_tensor *x);
    const char *instead; /* of setting it */
} fields[] = {{"shape", push_shape, "x:reshape(sizes…) shows the numbers in another"},
              {"dtype", push_dtype, "x:to(dtype) gives a tensor of another"},
              {"requires_grad", push_requires_grad,
               "x:requires_grad_() makes it true, x:requires_grad_(false) false"},
              {"grad", push_grad, "every backward makes it anew"},
              {NULL, NULL, NULL}};

static const nbl_entry field_help[] = {
    {"shape", NULL, "x.shape", "The sizes of a tensor's dimensions, in a table of their own.",
     "tensor.zeros(2, 3).shape[2]  → 3", NULL},
    {"dtype", NULL, "x.dtype",
     "The kind of a tensor's numbers: \"f32\" or \"f64\", which compute, \"u8\" or \"i32\", which "
     "store.",
     "tensor.zeros(2).dtype  → f32", NULL},
    {"requires_grad", NULL, "x.requires_grad",
     "true when gradients flow to a tensor or through it.",
     "tensor.zeros(2):requires_grad_().requires_grad  → true", NULL},
    {"grad", NULL, "x.grad",
     "The gradient of the last backward pass at a parameter of a network or a tensor made with "
     "requires_grad_; nil before the first.",
     "x = tensor{1, 2}:requires_grad_()\nc = (x * x):sum()\nc:backward()\nx.grad  → 2 4", NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL}};

static const struct field *find_field(const char *name)
{
    for (const struct field *field = fields; field->name; field++)
        if (strcmp(field->name, name) == 0) return field;
    return NULL;
}

/* ---- Reading and writing by key ---- */

enum { IPAIRS_STEP = NBL_METHODS + 1 }; /* upvalue of index_key */

/* The names of fields, then those of methods, for nb_nearest: a C list of what Lua keeps in a
 * table. */
typedef struct name_list {
    lua_State *L;
    int methods;
} name_list;

static const char *name_at(const void *data, size_t i)
{
    const name_list *list = data;
    size_t count = sizeof fields / sizeof *fields - 1;
    if (i < count) return fields[i].name;
    const char *name = NULL;
    lua_pushnil(list->L);
    for (size_t skip = i - count; lua_next(list->L, list->methods); skip--) {
        lua_pop(list->L, 1);
        if (skip > 0) continue;
        name = lua_tostring(list->L, -1);
        lua_pop(list->L, 1);
        break;
    }
    return name;
}

static int unknown_field(lua_State *L, const char *name)
{
    name_list list = {L, lua_upvalueindex(NBL_METHODS)};
    nbl_look_elsewhere(L, "x", "a tensor", 2);
    const nb_foreign *foreign = nb_foreign_find(NB_FOREIGN_NAME, name);
    if (foreign)
        return nbl_error(L, "a tensor has no field '%s'; here that is %s", name, foreign->here);
    const char *nearest = nb_nearest(name, name_at, &list);
    if (!nearest) return nbl_error(L, "a tensor has no field '%s'", name);
    return nbl_error(L, "a tensor has no field '%s'; did you mean '%s'?", name, nearest);
}

static int index_name(lua_State *L)
{
    if (nbl_push_method(L)) return 1;
    const struct field *field = find_field(lua_tostring(L, 2));
    if (!field) return unknown_field(L, lua_tostring(L, 2));
    field->push(L, nbl_check_tensor(L, 1));
    return 1;
}

/* ipairs asks for x[1], x[2], … until nil comes, which a tensor never gives. */
static void refuse_ipairs(lua_State *L)
{
    lua_Debug caller;
    if (!lua_getstack(L, 1, &caller) || !lua_getinfo(L, "f", &caller)) return;
    if (lua_rawequal(L, -1, lua_upvalueindex(IPAIRS_STEP))) {
        luaL_where(L, 2); /* level 1 is ipairs itself */
        lua_pushliteral(L, "ipairs does not walk tensors; write: for i, row in x:each() do");
        lua_concat(L, 2);
        lua_error(L);
    }
    lua_pop(L, 1);
}

static int index_key(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING) return index_name(L);
    if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == 1) refuse_ipairs(L);
    return nbl_tensor_index(L);
}

static int assign_key(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING) return nbl_tensor_assign(L);
    const char *name = lua_tostring(L, 2);
    const struct field *field = find_field(name);
    if (field)
        return nbl_error(L, "the field '%s' of a tensor cannot be set; %s", name, field->instead);
    return nbl_error(L, "a tensor has no field '%s'", name);
}

static int refuse_pairs(lua_State *L)
{
    return nbl_error(L, "pairs does not walk tensors; write: for i, row in x:each() do");
}

/* Pushes the function that ipairs goes on with, nil where there is no ipairs. */
static void push_ipairs_step(lua_State *L)
{
    if (lua_getglobal(L, "ipairs") != LUA_TFUNCTION) return;
    lua_newtable(L);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

/* where and allclose are methods as well as functions. */
static void share_methods(lua_State *L, int module, int methods)
{
    static const char *const shared[] = {"where", "allclose"};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        lua_getfield(L, methods, shared[i]);
        lua_setfield(L, module, shared[i]);
    }
}

/* Pushes the metatable, which stays in the registry, and the table of methods. */
static void push_metatable(lua_State *L)
{
    static const luaL_Reg others[] = {{"__tostring", to_string},
                                      {"__len", length},
                                      {"__pairs", refuse_pairs},
                                      {"__newindex", assign_key},
                                      {NULL, NULL}};
    nbl_new_metatable(L, &nbl_tensor_kind);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, NBL_TENSOR_KEY);
    luaL_setfuncs(L, others, 0);
    /* What Lua's own functions say where they wanted a number. getmetatable gives the other one. */
    lua_pushliteral(L, "tensor; x:item() gives its number");
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    nbl_open_tensor_ops(L);
    nbl_open_tensor_methods(L);
    nbl_open_tensor_tables(L);
    nbl_open_tensor_saving(L);
    nbl_open_tensor_fills(L);
    nbl_open_tensor_cuts(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushvalue(L, -1);
    push_ipairs_step(L);
    lua_pushcclosure(L, index_key, 2);
    lua_setfield(L, -3, "__index");
}

void nbl_open_tensor(lua_State *L)
{
    int top = lua_gettop(L);
    push_metatable(L);
    lua_newtable(L);
    nbl_register(L, "tensor", field_help);
    lua_pop(L, 1);
    nbl_open_tensor_makers(L);
    nbl_add_tensor_random(L);
    nbl_add_tensor_joins(L);
    nbl_add_tensor_files(L);
    share_methods(L, top + 3, top + 2);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}
