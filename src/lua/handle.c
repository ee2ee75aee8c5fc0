/* Handles: what Lua holds of the core's. */
#include "lua/nbl.h"

#include "lua/state.h"

#include <string.h>

/* Every block of ours begins with its kind, so that no metatable and nothing in the registry makes
 * one kind pass for another. */
typedef struct header {
    const nbl_kind *kind;
} header;

_Static_assert(sizeof(header) == NBL_HEADER, "values stand behind the header");

/* Keeps the metatable on the stack's top and its kind where nbl_is_handle and nbl_is_metatable look
 * for them. */
static void enrol(lua_State *L, const nbl_kind *kind)
{
    nbl_state_push(L, NBL_KINDS);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, kind);
    lua_pushvalue(L, -2);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

bool nbl_new_metatable(lua_State *L, const nbl_kind *kind)
{
    if (!luaL_newmetatable(L, kind->name)) return false;
    enrol(L, kind);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, kind->name);
    lua_setfield(L, -2, "__name");
    lua_setfield(L, -2, "__metatable");
    if (kind->meta) luaL_setfuncs(L, kind->meta, 0);
    return true;
}

void *nbl_new_handle(lua_State *L, const nbl_kind *kind, size_t size)
{
    nbl_collect(L);
    header *block = lua_newuserdatauv(L, sizeof *block + size, kind->values);
    memset(block, 0, sizeof *block + size);
    block->kind = kind;
    nbl_new_metatable(L, kind);
    lua_setmetatable(L, -2);
    return block + 1;
}

/* What is no userdata, or a light one, has no block. */
static header *block_at(lua_State *L, int at)
{
    header *block = lua_touserdata(L, at);
    return block && lua_rawlen(L, at) >= sizeof *block ? block : NULL;
}

void *nbl_test_handle(lua_State *L, int at, const nbl_kind *kind)
{
    header *block = block_at(L, at);
    return block && block->kind == kind ? block + 1 : NULL;
}

void *nbl_check_handle(lua_State *L, int at, const nbl_kind *kind, const char *expected)
{
    void *value = nbl_test_handle(L, at, kind);
    if (!value) nbl_arg_error(L, at, expected);
    return value;
}

bool nbl_is_handle(lua_State *L, int at, int owner)
{
    const header *block = block_at(L, at);
    if (!block) return false;
    lua_getiuservalue(L, owner, NBL_KINDS);
    bool ours = lua_rawgetp(L, -1, block->kind) != LUA_TNIL;
    lua_pop(L, 2);
    return ours;
}

bool nbl_is_metatable(lua_State *L, int at, int owner)
{
    at = lua_absindex(L, at);
    lua_getiuservalue(L, owner, NBL_KINDS);
    lua_pushvalue(L, at);
    bool ours = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 2);
    return ours;
}

void nbl_set_methods(lua_State *L, lua_CFunction index)
{
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
    lua_pushcclosure(L, index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

bool nbl_push_method(lua_State *L)
{
    lua_pushvalue(L, 2);
    return lua_rawget(L, lua_upvalueindex(NBL_METHODS)) != LUA_TNIL;
}

/* ---- Texts ---- */

static int free_text(lua_State *L);

static const luaL_Reg text_meta[] = {{"__gc", free_text}, {NULL, NULL}};
static const nbl_kind text_kind = {"nabla.text", 0, text_meta};

static int free_text(lua_State *L)
{
    nb_text *text = nbl_check_handle(L, 1, &text_kind, "a text");
    if (text->ctx) nb_text_free(text);
    text->ctx = NULL;
    return 0;
}

nb_text *nbl_new_text(lua_State *L)
{
    nb_ctx *ctx = nbl_ctx(L);
    nbl_stress(L);
    nb_text *text = nbl_new_handle(L, &text_kind, sizeof *text);
    nb_text_init(text, ctx);
    return text;
}

void nbl_push_text(lua_State *L, nb_text *text)
{
    if (text->failed) nbl_error(L, "%s", text->ctx->message);
    lua_pushlstring(L, nb_text_get(text), text->length);
}

/* ---- Boxes ---- */

typedef struct box {
    nbl_release *release; /* NULL: released */
    int64_t value[];
} box;

static int box_gc(lua_State *L);

static const luaL_Reg box_meta[] = {{"__gc", box_gc}, {"__close", box_gc}, {NULL, NULL}};
static const nbl_kind box_kind = {"nabla.box", 0, box_meta};

static box *check_box(lua_State *L, int at)
{
    return nbl_check_handle(L, at, &box_kind, "a box");
}

void nbl_close_box(lua_State *L, int at)
{
    box *self = check_box(L, at);
    nbl_release *release = self->release;
    self->release = NULL;
    if (release) release(nbl_ctx(L), self->value);
}

static int box_gc(lua_State *L)
{
    nbl_close_box(L, 1);
    return 0;
}

void *nbl_new_box(lua_State *L, size_t bytes, nbl_release *release)
{
    nbl_stress(L);
    box *self = nbl_new_handle(L, &box_kind, sizeof *self + bytes);
    self->release = release;
    return self->value;
}

/* ---- Tables ---- */

void nbl_set_number(lua_State *L, const char *field, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, field);
}

void nbl_set_integer(lua_State *L, const char *field, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, field);
}
