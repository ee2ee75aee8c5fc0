/* x[key] and x[key] = value. A key says for the leading dimensions which entry (a number, which
 * drops the dimension) or which range (a table) is meant. */
#include "lua/tensor/tensor.h"

#include "tensor/shape.h"

/* One entry of a key, counted from 0. */
typedef struct place {
    bool range;
    int64_t start, length, step; /* of an entry: start alone */
} place;

typedef struct key {
    int count;
    place at[NB_MAX_DIMS];
} key;

/* ---- Reading the key ---- */

/* An index at stack slot `slot` into `size` entries of dimension `dim` (from 0), as one from 0. */
static int64_t read_index(lua_State *L, int slot, int64_t size, int dim)
{
    int whole = 0;
    int64_t i = 0;
    if (lua_type(L, slot) == LUA_TNUMBER) i = lua_tointegerx(L, slot, &whole);
    if (!whole)
        nbl_error(L, "an index must be a whole number or a range {first, last}, not %s",
                  nbl_describe(L, slot));
    if (i == 0)
        nbl_error(L, "index 0 in dimension %d: counting starts at 1 (and at -1 from the end)",
                  dim + 1);
    if (i < -size || i > size)
        nbl_error(L, "index %I is outside dimension %d, which has %I", (LUAI_UACINT)i, dim + 1,
                  (LUAI_UACINT)size);
    return i > 0 ? i - 1 : size + i;
}

/* {first, last, step} on the stack's top, read once its ends are known. */
static place stepped(lua_State *L, int range, int64_t first, int64_t last)
{
    int64_t step = 1, width = first < last ? last - first : first - last;
    if (lua_rawgeti(L, range, 3) != LUA_TNIL)
        step = nbl_check_integer(L, -1, "the step of a range");
    lua_pop(L, 1);
    if (step == 0) nbl_error(L, "the step of a range must not be 0");
    if (step > width + (width == 0) || step < -width - (width == 0))
        nbl_error(L,
                  "step %I goes beyond the range {%I, %I}; a range is {first, last, step}, and "
                  "x:index_select takes a list of indices",
                  (LUAI_UACINT)step, (LUAI_UACINT)(first + 1), (LUAI_UACINT)(last + 1));
    if (width && (last > first) != (step > 0))
        nbl_error(L, "the range {%I, %I} does not go by %I; a step of %s goes from %I to %I",
                  (LUAI_UACINT)(first + 1), (LUAI_UACINT)(last + 1), (LUAI_UACINT)step,
                  step > 0 ? "-1" : "1", (LUAI_UACINT)(first + 1), (LUAI_UACINT)(last + 1));
    return (place){true, first, width / (step > 0 ? step : -step) + 1, step};
}

/* The range on the stack's top: {}, {first, last} or {first, last, step}. */
static place read_range(lua_State *L, int64_t size, int dim)
{
    int range = lua_gettop(L);
    lua_Unsigned count = lua_rawlen(L, range);
    if (count == 0) return (place){true, 0, size, 1};
    if (count == 1 || count > 3)
        nbl_error(L, "a range is {}, {first, last} or {first, last, step}, not %I numbers",
                  (LUAI_UACINT)count);
    lua_rawgeti(L, range, 1);
    lua_rawgeti(L, range, 2);
    int64_t first = read_index(L, range + 1, size, dim);
    int64_t last = read_index(L, range + 2, size, dim);
    lua_settop(L, range);
    return stepped(L, range, first, last);
}

static place read_place(lua_State *L, const nb_tensor *x, int dim)
{
    if (lua_istable(L, -1)) return read_range(L, x->shape[dim], dim);
    return (place){.start = read_index(L, lua_gettop(L), x->shape[dim], dim)};
}

static void too_many(lua_State *L, const nb_tensor *x, lua_Unsigned count)
{
    char shape[NB_SHAPE_TEXT];
    if (x->dims == 0)
        nbl_error(L, "a tensor without dimensions has no entries; x:item() is its number");
    nbl_error(L, "%I indices for a tensor of %s; a range is written x[{ {first, last} }]",
              (LUAI_UACINT)count, nb_shape_text(x->dims, x->shape, shape));
}

static void read_key(lua_State *L, const nb_tensor *x, int slot, key *out)
{
    out->count = 0;
    if (!lua_istable(L, slot)) {
        if (nbl_test_tensor(L, slot))
            nbl_error(
                L,
                "a tensor is no index; an index is a number, or a range in x[{ {first, last} }]");
        if (x->dims == 0) too_many(L, x, 1);
        out->at[out->count++] = (place){.start = read_index(L, slot, x->shape[0], 0)};
        return;
    }
    lua_Unsigned count = lua_rawlen(L, slot);
    if (count > (lua_Unsigned)x->dims) too_many(L, x, count);
    luaL_checkstack(L, 4, NULL);
    for (int i = 0; i < (int)count; i++) {
        lua_rawgeti(L, slot, i + 1);
        out->at[out->count++] = read_place(L, x, i);
        lua_pop(L, 1);
    }
}

/* True where the key names one element. */
static bool names_one(const nb_tensor *x, const key *of)
{
    if (of->count != x->dims || x->dims == 0) return false;
    for (int i = 0; i < of->count; i++)
        if (of->at[i].range) return false;
    return true;
}

/* ---- Reading ---- */

/* The call that takes one place of `x`, whose dimensions before `dim` are done. */
static nb_call call_of(nb_tensor *x, int dim, const place *at)
{
    if (at->range)
        return (nb_call){.op = nb_ops[NB_OP_narrow],
                         .in = {x},
                         .inputs = 1,
                         .attr = {.list = {dim, at->start, at->length, at->step}, .length = 4}};
    return (nb_call){.op = nb_ops[NB_OP_select],
                     .in = {x},
                     .inputs = 1,
                     .attr = {.list = {dim, at->start}, .length = 2}};
}

/* The view that a key names; a key that names everything gives x itself. */
static nb_tensor *view_of(nb_ctx *ctx, nb_tensor *x, const key *of)
{
    nb_tensor *view = nb_tensor_retain(x);
    for (int i = 0, dim = 0; i < of->count && view; i++) {
        const place *at = &of->at[i];
        bool whole = at->range && at->start == 0 && at->step == 1 && at->length == view->shape[dim];
        if (!whole) {
            nb_call call = call_of(view, dim, at);
            nb_tensor *next = nb_op_call(ctx, &call);
            nb_tensor_release(ctx, view);
            view = next;
        }
        dim += at->range;
    }
    return view;
}

static void push_element(lua_State *L, const nb_tensor *x, const key *of)
{
    int64_t index[NB_MAX_DIMS];
    for (int i = 0; i < of->count; i++) index[i] = of->at[i].start;
    double value = nb_tensor_get(x, index);
    if (nb_dtype_computes(x->dtype))
        lua_pushnumber(L, value);
    else
        lua_pushinteger(L, (lua_Integer)value);
}

int nbl_tensor_index(lua_State *L)
{
    key of;
    nb_tensor *x = nbl_check_tensor(L, 1);
    read_key(L, x, 2, &of);
    if (names_one(x, &of)) {
        push_element(L, x, &of);
        return 1;
    }
    nb_tensor **view = nbl_new_tensor(L);
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (!(*view = view_of(stay.ctx, x, &of)) && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    return 1;
}

/* ---- Writing ---- */

/* Elements may overlap only where they are the same; what may overlap is copied first. */
nb_status nbl_write(nb_ctx *ctx, nb_tensor *to, nb_tensor *from)
{
    if (to->storage != from->storage) return nb_tensor_copy(ctx, to, from);
    nb_tensor *copy = nb_tensor_clone(ctx, from);
    if (!copy) return ctx->status;
    nb_status status = nb_tensor_copy(ctx, to, copy);
    nb_tensor_release(ctx, copy);
    return status;
}

static nb_status write_value(nb_ctx *ctx, nb_tensor *x, const key *of, nb_tensor *value)
{
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *view = view_of(ctx, x, of);
    nb_status status = view ? nbl_write(ctx, view, value) : ctx->status;
    nb_tensor_release(ctx, view);
    ctx->recording = recording;
    return status;
}

int nbl_tensor_assign(lua_State *L)
{
    key of;
    nb_tensor *x = nbl_check_tensor(L, 1);
    read_key(L, x, 2, &of);
    nbl_check_change(L, x, "an assignment");
    nb_tensor *value = nbl_to_tensor(L, 3, nbl_test_tensor(L, 3) ? -1 : (int)x->dtype);
    nbl_check_lost(L, value, "an assignment");
    nbl_stay stay;
    int tries = 0;
    nbl_enter(L, &stay);
    while (write_value(stay.ctx, x, &of, value) != NB_OK && nbl_fail(&stay, &tries)) continue;
    nbl_leave(&stay);
    return 0;
}
