/* See schema.h. */
#include "lua/data/schema.h"

#include "lua/embedded.h"
#include "lua/result.h"

#include <string.h>

void nbl_push_class(lua_State *L, const nb_classes *classes, int64_t number)
{
    if (!classes || number > classes->count) {
        lua_pushinteger(L, number);
        return;
    }
    const char *name = classes->name[number - 1];
    if (strcmp(name, NB_NUL_NAME) == 0) {
        lua_pushlstring(L, "", 1);
        return;
    }
    /* Leaves the string where it is no number that an integer holds. */
    if (!classes->numbers || !lua_stringtonumber(L, name)) lua_pushstring(L, name);
}

bool nbl_number_of_class(lua_State *L, const nb_classes *classes)
{
    lua_Integer whole;
    if (lua_type(L, -1) == LUA_TNUMBER && lua_numbertointeger(lua_tonumber(L, -1), &whole)) {
        lua_pushinteger(L, whole);
        lua_replace(L, -2);
    }
    lua_pushvalue(L, -1);
    const char *name = lua_tostring(L, -1);
    for (int64_t k = 0; k < classes->count; k++) {
        if (strcmp(classes->name[k], name) != 0) continue;
        lua_pushinteger(L, k + 1);
        lua_replace(L, -3);
        lua_pop(L, 1);
        return true;
    }
    lua_pop(L, 1);
    return false;
}

static void push_classes(lua_State *L, const nb_classes *classes)
{
    lua_createtable(L, classes ? (int)classes->count : 0, 0);
    for (int64_t k = 1; classes && k <= classes->count; k++) {
        nbl_push_class(L, classes, k);
        lua_rawseti(L, -2, k);
    }
}

static void push_names(lua_State *L, const nb_names *names)
{
    lua_createtable(L, names ? (int)names->count : 0, 0);
    for (int64_t i = 0; names && i < names->count; i++) {
        lua_pushstring(L, names->name[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* ---- Scales ---- */

typedef struct copy_job {
    nb_tensor *from, **to;
} copy_job;

/* A copy: who changes it changes no scale. */
static nb_status copy(nb_ctx *ctx, void *data)
{
    copy_job *work = data;
    *work->to = nb_tensor_clone(ctx, work->from);
    return *work->to ? NB_OK : ctx->status;
}

static void push_copy(lua_State *L, nb_tensor *from)
{
    copy_job work = {from, nbl_new_tensor(L)};
    nbl_run(L, copy, &work);
}

static const nbl_result scale_kind = {.name = "nabla.scale", .whose = "a scale", .text = nbl_brief};

static void push_scale(lua_State *L, const nb_scale *scale)
{
    lua_createtable(L, 0, 2);
    push_copy(L, scale->offset);
    lua_setfield(L, -2, "offset");
    push_copy(L, scale->factor);
    lua_setfield(L, -2, "factor");
    nbl_dress(L, &scale_kind);
}

typedef struct scale_job {
    nb_tensor *offset, *factor;
    nb_scale **out;
} scale_job;

/* As f64, in one piece. */
static nb_tensor *as_list(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *real = nb_tensor_convert(ctx, t, NB_F64, 1);
    nb_tensor *whole = real ? nb_tensor_contiguous(ctx, real) : NULL;
    nb_tensor_release(ctx, real);
    return whole;
}

static nb_status make_scale(nb_ctx *ctx, void *data)
{
    scale_job *work = data;
    const int64_t count = nb_tensor_count(work->factor);
    if (count < 1 || work->offset->dims > 1 || !nb_tensor_same_shape(work->offset, work->factor))
        return nb_fail(ctx, NB_ESHAPE,
                       "a scale's offset and factor are one number, or as many in two lists");
    nb_tensor *offset = as_list(ctx, work->offset), *factor = NULL;
    if (offset) factor = as_list(ctx, work->factor);
    if (factor)
        *work->out = nb_scale_new(ctx, count, nb_tensor_data(offset), nb_tensor_data(factor));
    nb_tensor_release(ctx, offset);
    nb_tensor_release(ctx, factor);
    return *work->out ? NB_OK : ctx->status;
}

/* The tensor of a field of the table at `arg`, which is pushed. */
static nb_tensor *read_part(lua_State *L, int arg, const char *field)
{
    if (lua_getfield(L, arg, field) == LUA_TNIL)
        nbl_error(L, "a scale is {offset = …, factor = …}; %s is missing", field);
    return nbl_to_tensor(L, lua_gettop(L), NB_F64);
}

void nbl_read_scale(lua_State *L, int arg, nb_scale **scale)
{
    scale_job work = {.out = scale};
    *scale = NULL;
    if (lua_isnoneornil(L, arg)) return;
    if (!lua_istable(L, arg))
        nbl_error(L, "a scale is {offset = …, factor = …} or nil, not %s", nbl_describe(L, arg));
    work.offset = read_part(L, arg, "offset");
    work.factor = read_part(L, arg, "factor");
    nbl_run(L, make_scale, &work);
}

/* ---- Fields ---- */

bool nbl_push_schema_field(lua_State *L, const nb_schema *schema, const char *field)
{
    static const char *const names[] = {NBL_SCHEMA_FIELDS};
    enum { CLASSES, COLUMNS, TARGETS, WORDS, SCALE, FIELDS };
    const void *const has[] = {schema->classes, schema->columns, schema->targets, schema->words,
                               schema->scale};
    int at = 0;
    while (at < FIELDS && strcmp(names[at], field) != 0) at++;
    if (at == FIELDS) return false;
    if (!has[at])
        lua_pushnil(L);
    else if (at == SCALE)
        push_scale(L, schema->scale);
    else if (at == CLASSES || at == WORDS)
        push_classes(L, has[at]);
    else
        push_names(L, has[at]);
    return true;
}
