/* x[key] and x[key] = value: a key of Lua as a key of the core (grad/key.h), which does the rest.
 */
#include "lua/tensor/index.h"

#include "lua/nbl.h"

#include "grad/key.h"
#include "tensor/shape.h"

/* ---- Reading the key ---- */

/* An index at stack slot `slot` into `size` entries of dimension `dim` (from 0), as one from 0. */
static int64_t read_index(lua_State *L, int slot, int64_t size, int dim)
{
    int whole = 0;
    int64_t i = 0;
    if (lua_type(L, slot) == LUA_TNUMBER) i = lua_tointegerx(L, slot, &whole);
    if (!whole)
        nbl_error(L,
                  "an index must be a whole number, a range {first, last}, a tensor of indices or "
                  "a mask, not %s",
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
static nb_place stepped(lua_State *L, int range, int64_t first, int64_t last)
{
    int64_t step = 1, width = first < last ? last - first : first - last;
    if (lua_rawgeti(L, range, 3) != LUA_TNIL)
        step = nbl_check_integer(L, -1, "the step of a range");
    lua_pop(L, 1);
    if (step == 0) nbl_error(L, "the step of a range must not be 0");
    if (width && (last > first) != (step > 0))
        nbl_error(L, "the range {%I, %I} does not go by %I; a step of %s goes from %I to %I",
                  (LUAI_UACINT)(first + 1), (LUAI_UACINT)(last + 1), (LUAI_UACINT)step,
                  step > 0 ? "-1" : "1", (LUAI_UACINT)(first + 1), (LUAI_UACINT)(last + 1));
    /* A step beyond the range gives the first; INT64_MIN has no positive. */
    bool beyond = step > width || step < -width;
    int64_t length = beyond ? 1 : width / (step > 0 ? step : -step) + 1;
    if (beyond) step = 1;
    return (nb_place){.kind = NB_PLACE_RANGE, .start = first, .length = length, .step = step};
}

/* The range on the stack's top: {}, {first, last} or {first, last, step}. */
static nb_place read_range(lua_State *L, int64_t size, int dim)
{
    int range = lua_gettop(L);
    lua_Unsigned count = lua_rawlen(L, range);
    if (count == 0) return (nb_place){.kind = NB_PLACE_RANGE, .length = size, .step = 1};
    if (count == 1 && lua_rawgeti(L, range, 1) == LUA_TNUMBER) {
        const char *one = luaL_tolstring(L, -1, NULL);
        nbl_error(L, "a range has two ends: {%s, %s} takes entry %s alone", one, one, one);
    }
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

/* The entry of a key at `slot`, for dimension `dim` of x. */
static nb_place read_place(lua_State *L, int slot, const nb_tensor *x, int dim)
{
    nb_tensor *tensor = nbl_test_tensor(L, slot);
    if (tensor) {
        nb_place_kind kind = tensor->dtype == NB_U8 ? NB_PLACE_MASK : NB_PLACE_INDICES;
        return (nb_place){.kind = kind, .tensor = tensor};
    }
    if (lua_istable(L, slot)) return read_range(L, x->shape[dim], dim);
    return (nb_place){.start = read_index(L, slot, x->shape[dim], dim)};
}

static void too_many(lua_State *L, const nb_tensor *x, lua_Unsigned count)
{
    char shape[NB_SHAPE_TEXT];
    if (x->dims == 0)
        nbl_error(L, "a tensor without dimensions has no entries; x:item() is its number");
    nbl_error(L, "%I indices for a tensor of %s; a range is written x[{ {first, last} }]",
              (LUAI_UACINT)count, nb_shape_text(x->dims, x->shape, shape));
}

/* How many dimensions of x an entry is about. */
static int span_of(const nb_place *place)
{
    return place->kind == NB_PLACE_MASK ? place->tensor->dims : 1;
}

/* Tensors in the key stay on the stack, since the user's table may change before they are used. */
static void read_key(lua_State *L, const nb_tensor *x, int slot, nb_key *out)
{
    out->count = 0;
    if (!lua_istable(L, slot)) {
        if (x->dims == 0) too_many(L, x, 1);
        out->at[out->count++] = read_place(L, slot, x, 0);
        return;
    }
    lua_Unsigned count = lua_rawlen(L, slot);
    if (count > (lua_Unsigned)x->dims) too_many(L, x, count);
    luaL_checkstack(L, NB_MAX_DIMS + 4, NULL);
    for (int i = 0, dim = 0; i < (int)count; i++) {
        if (dim >= x->dims) too_many(L, x, count - (lua_Unsigned)i + (lua_Unsigned)dim);
        lua_rawgeti(L, slot, i + 1);
        out->at[i] = read_place(L, lua_gettop(L), x, dim);
        dim += span_of(&out->at[i]);
        if (!out->at[i].tensor) lua_pop(L, 1);
    }
    out->count = (int)count;
}

/* True where the key names one element. */
static bool names_one(const nb_tensor *x, const nb_key *key)
{
    if (key->count != x->dims || x->dims == 0) return false;
    for (int i = 0; i < key->count; i++)
        if (key->at[i].kind != NB_PLACE_ENTRY) return false;
    return true;
}

/* ---- Reading ---- */

/* One element is a number, unless that would take it off the tape. */
static bool is_plain(lua_State *L, const nb_tensor *x)
{
    return !x->link || !nbl_ctx(L)->recording;
}

static void push_element(lua_State *L, const nb_tensor *x, const nb_key *key)
{
    int64_t index[NB_MAX_DIMS];
    for (int i = 0; i < key->count; i++) index[i] = key->at[i].start;
    double value = nb_tensor_get(x, index);
    if (nb_dtype_computes(x->dtype))
        lua_pushnumber(L, value);
    else
        lua_pushinteger(L, (lua_Integer)value);
}

/* One use of a key: `out` takes what it reads, `value` is what it writes. */
typedef struct access {
    nb_tensor *x, **out, *value;
    nb_key key;
} access;

static nb_status read(nb_ctx *ctx, void *data)
{
    access *work = data;
    *work->out = nb_key_read(ctx, work->x, &work->key);
    return *work->out ? NB_OK : ctx->status;
}

int nbl_tensor_index(lua_State *L)
{
    access work;
    work.x = nbl_check_tensor(L, 1);
    read_key(L, work.x, 2, &work.key);
    if (names_one(work.x, &work.key) && is_plain(L, work.x)) {
        push_element(L, work.x, &work.key);
        return 1;
    }
    work.out = nbl_new_tensor(L);
    nbl_run(L, read, &work);
    return 1;
}

/* ---- Writing ---- */

static nb_status write(nb_ctx *ctx, void *data)
{
    access *work = data;
    return nb_key_write(ctx, work->x, &work->key, work->value);
}

int nbl_tensor_assign(lua_State *L)
{
    access work;
    work.x = nbl_check_tensor(L, 1);
    read_key(L, work.x, 2, &work.key);
    work.value = nbl_to_tensor(L, 3, nbl_test_tensor(L, 3) ? -1 : (int)work.x->dtype);
    nbl_check_change(L, work.x, &work.value, 1, "an assignment");
    nbl_run(L, write, &work);
    nbl_changed(L, work.x, "an assignment");
    return 0;
}
