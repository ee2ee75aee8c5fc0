/* The metatables of results. */
#include "lua/result.h"

#include "lua/names.h"

#include <string.h>

/* Upvalues of index_result: its kind, what messages call it, its methods, the names of fields that
 * may be lacking as a set. */
enum { KIND = 1, WHOSE, METHODS, MAY_LACK, UPVALUES = MAY_LACK };

/* ---- Reading by key ---- */

/* Copies the names of the table at `from` into the one on the stack's top. */
static void add_names(lua_State *L, int from)
{
    if (!lua_istable(L, from)) return;
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue;
        lua_pushvalue(L, -2);
        lua_pushboolean(L, true);
        lua_rawset(L, -5);
    }
}

static int unknown_field(lua_State *L)
{
    const char *whose = lua_tostring(L, lua_upvalueindex(WHOSE));
    nbl_look_elsewhere(L, lua_tostring(L, lua_upvalueindex(KIND)), whose, 2);
    lua_newtable(L);
    add_names(L, 1);
    add_names(L, lua_upvalueindex(METHODS));
    add_names(L, lua_upvalueindex(MAY_LACK));
    return nbl_unknown_field(L, whose, 2, lua_gettop(L), NULL);
}

/* What is no name is nil, so that ipairs ends. */
static int index_result(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(METHODS)) != LUA_TNIL) return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(MAY_LACK)) != LUA_TNIL) return 0;
    return unknown_field(L);
}

/* ---- Metatables ---- */

static void push_set(lua_State *L, const char *const *names)
{
    lua_newtable(L);
    for (; names && *names; names++) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, *names);
    }
}

/* The table of methods of the metatable on the stack's top: that of a kind of handles or of
 * results. */
static void push_methods(lua_State *L)
{
    if (lua_getfield(L, -1, "methods") == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "methods");
}

/* Pushes the __index of what `whose` calls so: its methods and the names that may be lacking are
 * the two tables on the stack's top, which it takes. */
static void push_index(lua_State *L, const char *kind, const char *whose)
{
    lua_pushstring(L, kind);
    lua_pushstring(L, whose);
    lua_rotate(L, -UPVALUES, 2);
    lua_pushcclosure(L, index_result, UPVALUES);
}

/* Pushes the metatable of a kind. Methods may have come before. */
static void push_metatable(lua_State *L, const nbl_result *kind)
{
    luaL_newmetatable(L, kind->name);
    lua_pushliteral(L, "__tostring");
    bool complete = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
    if (complete) return;
    push_methods(L);
    push_set(L, kind->may_lack);
    push_index(L, kind->name + strlen("nabla."), kind->whose);
    lua_setfield(L, -2, "__index");
    if (kind->brief) lua_pushcfunction(L, kind->brief);
    if (kind->brief) lua_setfield(L, -2, "__brief");
    lua_pushcfunction(L, kind->text);
    lua_setfield(L, -2, "__tostring");
}

void nbl_dress(lua_State *L, const nbl_result *kind)
{
    push_metatable(L, kind);
    lua_setmetatable(L, -2);
}

int nbl_own_field(lua_State *L, int at, const char *name)
{
    at = lua_absindex(L, at);
    lua_pushstring(L, name);
    return lua_rawget(L, at);
}

void nbl_give_methods(lua_State *L, const nbl_result *kind, const char *prefix,
                      const nbl_entry *entries)
{
    push_metatable(L, kind);
    push_methods(L);
    nbl_register(L, prefix, entries);
    lua_pop(L, 2);
}

/* ---- For stdlib ---- */

int nbl_give_method(lua_State *L)
{
    const char *kind = luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    luaL_newmetatable(L, kind);
    push_methods(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

int nbl_fields(lua_State *L)
{
    const char *whose = luaL_checkstring(L, 1);
    lua_settop(L, 3);
    if (!lua_istable(L, 2)) lua_newtable(L);
    if (lua_gettop(L) > 3) lua_replace(L, 2);
    lua_newtable(L);
    for (lua_Integer i = 1; lua_rawgeti(L, 3, i) == LUA_TSTRING; i++) {
        lua_pushboolean(L, true);
        lua_rawset(L, 4);
    }
    lua_settop(L, 4);
    lua_replace(L, 3);
    push_index(L, "", whose);
    return 1;
}
