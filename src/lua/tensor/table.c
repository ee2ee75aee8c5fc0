/* Nested tables to tensors and back. Tables are read raw, so that nothing of the user's runs
 * meanwhile. */
#include "lua/nbl.h"
#include "lua/tensor/parts.h"

#include "base/arith.h"

#include <string.h>

enum { BETWEEN_LOOKS = 1024 }; /* entries read before Ctrl-C is looked for */

/* Every value of a table as a tensor without dimensions, in row-major order. */
typedef struct values {
    int64_t count, filled;
    nb_tensor *at[];
} values;

/* A table being read: where it goes, and how deep the reader is. */
typedef struct reading {
    nb_ctx *ctx;
    nb_tensor **made, *to;
    nb_dtype dtype;
    int dims;
    int64_t shape[NB_MAX_DIMS];
    int64_t index[NB_MAX_DIMS]; /* from 0 */
    bool truths;                /* booleans, not numbers */
    bool taped;                 /* tensors without dimensions among them are on the tape */
    values *values;             /* at a second look, which is for those; else NULL */
} reading;

/* ---- Tables to tensors ---- */

/* Pushes "[2][1]": the place of the entry at `depth` indices. */
static const char *push_path(lua_State *L, const int64_t *index, int depth)
{
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (int i = 0; i < depth; i++) {
        lua_pushfstring(L, "[%I]", (LUAI_UACINT)(index[i] + 1));
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return lua_tostring(L, -1);
}

/* The shape is that of the first entries all the way down; the table is on the stack's top. */
static void read_shape(lua_State *L, reading *at)
{
    int top = lua_gettop(L);
    luaL_checkstack(L, 3 * NB_MAX_DIMS + 8, NULL);
    at->dims = 0;
    while (lua_istable(L, -1)) {
        if (at->dims == NB_MAX_DIMS)
            nbl_error(L, "tables nested deeper than the %d dimensions of a tensor", NB_MAX_DIMS);
        lua_Unsigned size = lua_rawlen(L, -1);
        at->shape[at->dims++] = (int64_t)size;
        if (size == 0) break;
        lua_rawgeti(L, -1, 1);
    }
    at->truths = lua_isboolean(L, -1);
    lua_settop(L, top);
}

static void look(lua_State *L, const reading *at, int64_t entry)
{
    if (entry % BETWEEN_LOOKS == 0) nbl_poll(L, at->ctx);
}

/* A table of numbers has no names and no holes, which its length would not show. */
static void check_plain(lua_State *L, const reading *at, int depth)
{
    lua_Integer extra = -(lua_Integer)at->shape[depth];
    lua_pushnil(L);
    for (; lua_next(L, -2); lua_pop(L, 1)) {
        look(L, at, ++extra);
        if (lua_type(L, -2) == LUA_TSTRING)
            nbl_error(L, "'%s' among the values of a tensor; options come in a table of their own",
                      lua_tostring(L, -2));
    }
    if (extra > 0)
        nbl_error(L,
                  "the values of a tensor have a hole behind %s[%I]; rows {index = value} of which "
                  "the rest is zeros go through data.set",
                  push_path(L, at->index, depth), (LUAI_UACINT)at->shape[depth]);
}

static void check_row(lua_State *L, const reading *at, int depth)
{
    static const int64_t first[NB_MAX_DIMS] = {0};
    if (!lua_istable(L, -1)) {
        const char *got = nbl_describe(L, -1);
        nbl_error(L, "entry %s must be a table of %I like entry %s, not %s",
                  push_path(L, at->index, depth), (LUAI_UACINT)at->shape[depth],
                  push_path(L, first, depth), got);
    }
    lua_Integer size = (lua_Integer)lua_rawlen(L, -1);
    if (size != at->shape[depth])
        nbl_error(L, "rows of different lengths: entry %s has %I value%s where entry %s has %I",
                  push_path(L, at->index, depth), (LUAI_UACINT)size, size == 1 ? "" : "s",
                  push_path(L, first, depth), (LUAI_UACINT)at->shape[depth]);
    check_plain(L, at, depth);
}

static void refuse_value(lua_State *L, const reading *at)
{
    const char *more = nbl_test_tensor(L, -1) ? "; tensor.stack joins tensors" : "";
    const char *got = nbl_describe(L, -1);
    nbl_error(L, "entry %s must be %s, not %s%s", push_path(L, at->index, at->dims),
              at->truths ? "true or false like the first" : "a number", got, more);
}

/* The value on the stack's top. A tensor without dimensions, x, counts as its number. */
static double check_value(lua_State *L, const reading *at, nb_tensor *x)
{
    double value = 0;
    if (x)
        value = nb_tensor_item(x);
    else if (at->truths ? lua_isboolean(L, -1) : lua_type(L, -1) == LUA_TNUMBER)
        value = at->truths ? lua_toboolean(L, -1) : lua_tonumber(L, -1);
    else
        refuse_value(L, at);
    if (!nb_dtype_holds(at->dtype, value)) {
        const char *got = nbl_describe(L, -1), *dtype = nb_dtype_name(at->dtype);
        if (at->dims == 0) nbl_error(L, "%s does not fit into %s", got, dtype);
        nbl_error(L, "entry %s is %s, which does not fit into %s",
                  push_path(L, at->index, at->dims), got, dtype);
    }
    return value;
}

static void read_value(lua_State *L, reading *at)
{
    nb_tensor *x = at->truths ? NULL : nbl_test_tensor(L, -1);
    if (x && x->dims > 0) refuse_value(L, at);
    nb_tensor_set(at->to, at->index, check_value(L, at, x));
    at->taped |= x && x->link && nbl_ctx(L)->recording;
    if (!at->values) return;
    at->values->at[at->values->filled++] = x ? nb_tensor_retain(x) : NULL;
}

/* The entry at `depth` indices is on the stack's top. */
static void read_entry(lua_State *L, reading *at, int depth)
{
    if (depth == at->dims) {
        read_value(L, at);
        return;
    }
    check_row(L, at, depth);
    for (int64_t i = 0; i < at->shape[depth]; i++) {
        at->index[depth] = i;
        look(L, at, i);
        lua_rawgeti(L, -1, i + 1);
        read_entry(L, at, depth + 1);
        lua_pop(L, 1);
    }
}

static nb_status new_tensor(nb_ctx *ctx, void *data)
{
    reading *at = data;
    *at->made = nb_tensor_new(ctx, at->dtype, at->dims, at->shape);
    return *at->made ? NB_OK : ctx->status;
}

/* ---- Values on the tape ---- */

static void release_values(nb_ctx *ctx, void *value)
{
    values *all = value;
    for (int64_t i = 0; i < all->count; i++) nb_tensor_release(ctx, all->at[i]);
    all->count = 0;
}

/* Value i in the dtype of all: what was a number is taken from where it was written. */
static nb_status fit_value(nb_ctx *ctx, const reading *at, int64_t i)
{
    nb_tensor **value = &at->values->at[i], *fit;
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {*value}, .inputs = 1, .attr.dtype = at->dtype};
    if (*value && (*value)->dtype == at->dtype) return NB_OK;
    fit = *value ? nb_op_call(ctx, &to) : nb_tensor_view(ctx, at->to, 0, NULL, NULL, i);
    if (!fit) return ctx->status;
    nb_tensor_release(ctx, *value);
    *value = fit;
    return NB_OK;
}

static nb_status join_values(nb_ctx *ctx, void *data)
{
    const reading *at = data;
    nb_call reshape = {.op = nb_ops[NB_OP_reshape], .inputs = 1, .attr.sizes.count = at->dims};
    memcpy(reshape.attr.sizes.at, at->shape, sizeof at->shape);
    for (int64_t i = 0; i < at->values->count; i++)
        if (fit_value(ctx, at, i) != NB_OK) return ctx->status;
    nb_tensor *flat = nb_op_stack(ctx, at->values->at, (size_t)at->values->count, 0);
    reshape.in[0] = flat;
    nb_tensor *out = flat ? nb_op_call(ctx, &reshape) : NULL;
    nb_tensor_release(ctx, flat);
    if (!out) return ctx->status;
    nb_tensor_release(ctx, *at->made);
    *at->made = out;
    return NB_OK;
}

/* The tensor once more, made of its values by ops that record. The table stands at `arg`. */
static void join_taped(lua_State *L, int arg, reading *at)
{
    int64_t count = nb_tensor_count(at->to);
    values *all = nbl_new_box(L, sizeof *all + (size_t)count * sizeof *all->at, release_values);
    int box = lua_gettop(L);
    all->count = count;
    at->values = all;
    lua_pushvalue(L, arg);
    read_entry(L, at, 0);
    nbl_run(L, join_values, at);
    lua_pop(L, 1);
    nbl_close_box(L, box);
    lua_settop(L, box - 1);
}

static void new_in_place(lua_State *L, int arg, reading *at)
{
    at->made = nbl_new_tensor(L);
    nbl_run(L, new_tensor, at);
    at->to = *at->made;
    lua_pushvalue(L, arg);
    read_entry(L, at, 0);
    lua_pop(L, 1);
    if (at->taped) join_taped(L, arg, at);
    lua_replace(L, arg);
}

nb_tensor *nbl_to_tensor(lua_State *L, int arg, int dtype)
{
    reading at;
    arg = lua_absindex(L, arg);
    nb_tensor *x = nbl_test_tensor(L, arg);
    if (x) return x;
    int type = lua_type(L, arg);
    if (type != LUA_TNUMBER && type != LUA_TBOOLEAN && type != LUA_TTABLE)
        nbl_arg_error(L, arg, "a tensor, a number or a table of numbers");
    lua_pushvalue(L, arg);
    read_shape(L, &at);
    lua_pop(L, 1);
    at.ctx = nbl_ctx(L);
    if (dtype < 0) dtype = at.truths ? NB_U8 : (int)at.ctx->dtype;
    at.dtype = (nb_dtype)dtype;
    at.taped = false;
    at.values = NULL;
    new_in_place(L, arg, &at);
    return *at.made;
}

/* ---- Tensors to tables ---- */

static void push_entries(lua_State *L, nb_ctx *ctx, const nb_tensor *x, int64_t *index, int depth)
{
    if (depth == x->dims) {
        double value = nb_tensor_get(x, index);
        if (nb_dtype_computes(x->dtype))
            lua_pushnumber(L, value);
        else
            lua_pushinteger(L, (lua_Integer)value);
        return;
    }
    int64_t size = x->shape[depth];
    lua_createtable(L, (int)nb_least_i64(size, NBL_LIST_ROOM), 0);
    for (int64_t i = 0; i < size; i++) {
        index[depth] = i;
        nbl_poll(L, ctx);
        push_entries(L, ctx, x, index, depth + 1);
        lua_rawseti(L, -2, i + 1);
    }
}

static int to_table(lua_State *L)
{
    int64_t index[NB_MAX_DIMS];
    nb_tensor *x = nbl_check_tensor(L, 1);
    nbl_no_more(L, 1);
    luaL_checkstack(L, NB_MAX_DIMS + 4, NULL);
    push_entries(L, nbl_ctx(L), x, index, 0);
    return 1;
}

static const nbl_entry methods[] = {{":totable", to_table, "x:totable()",
                                     "The elements in nested tables; a number for no dimensions.",
                                     "tensor{{1, 2}, {3, 4}}:totable()[2][1]  → 3.0", NULL},
                                    {NULL, NULL, NULL, NULL, NULL, NULL}};

void nbl_open_tensor_tables(lua_State *L)
{
    nbl_register(L, "tensor", methods);
}
