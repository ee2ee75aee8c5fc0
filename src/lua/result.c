/* The metatables of results. */
#include "lua/result.h"

#include "lua/names.h"

#include <string.h>

/* Upvalues of index_result: its kind, what messages call it, its methods, the names of fields that
 * may be lacking as a set. */
enum { KIND = 1, WHOSE, METHODS, MAY_LACK, UPVALUES = MAY_LACK };

/* ---- Reading by key ---- */

/* Sets the names of the table at `from` in the one on the stack's top: whether they are there. */
static void add_names(lua_State *L, int from, bool there)
{
    if (!lua_istable(L, from)) return;
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue;
        lua_pushvalue(L, -2);
        lua_pushboolean(L, there);
        lua_rawset(L, -5);
    }
}

static int unknown_field(lua_State *L)
{
    const char *whose = lua_tostring(L, lua_upvalueindex(WHOSE));
    nbl_look_elsewhere(L, lua_tostring(L, lua_upvalueindex(KIND)), whose, 2);
    lua_newtable(L);
    int names = lua_gettop(L);
    add_names(L, lua_upvalueindex(MAY_LACK), false);
    add_names(L, lua_upvalueindex(METHODS), true);
    add_names(L, 1, true);
    lua_pushnil(L);
    if (lua_next(L, names)) {
        lua_settop(L, names);
        return nbl_unknown_field(L, whose, 2, names, NULL);
    }
    lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
    if (length == 0)
        return nbl_error(L, "%s has no field %s; it is empty", whose, nbl_describe(L, 2));
    return nbl_error(L, "%s has no field %s; it is a list of %I", whose, nbl_describe(L, 2),
                     length);
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

/* The field of the part at `path` that "cures[i].to" names, or NULL: it is one of another part. */
static const char *field_at(const char *name, const char *path)
{
    size_t length = strlen(path);
    const char *dot = strrchr(name, '.');
    size_t before = dot ? (size_t)(dot - name) : 0;
    if (before != length || memcmp(name, path, length) != 0) return NULL;
    return dot ? dot + 1 : name;
}

/* Pushes what the part at `path` may lack, as a set. */
static void push_lacking(lua_State *L, const nbl_result *kind, const char *path)
{
    lua_newtable(L);
    for (const char *const *name = kind->may_lack; name && *name; name++) {
        const char *field = field_at(*name, path);
        if (!field) continue;
        lua_pushboolean(L, true);
        lua_setfield(L, -2, field);
    }
}

/* The table `name` of the metatable on the stack's top, that of a kind of handles or of results:
 * its methods, the metatables of parts by their paths. */
static void push_own(lua_State *L, const char *name)
{
    luaL_getsubtable(L, -1, name);
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
    lua_pushliteral(L, "__index");
    bool complete = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
    if (complete) return;
    push_own(L, "methods");
    push_lacking(L, kind, "");
    push_index(L, kind->name + strlen("nabla."), kind->whose);
    lua_setfield(L, -2, "__index");
    if (kind->brief) lua_pushcfunction(L, kind->brief);
    if (kind->brief) lua_setfield(L, -2, "__brief");
    if (kind->text)
        lua_pushcfunction(L, kind->text);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, kind->text ? "__tostring" : "__name");
}

/* ---- Parts ---- */

/* Whether the part at `path` is somebody else's, "figures.*", or holds what it likes. */
static bool is_open(const nbl_result *kind, const char *path)
{
    bool open = false;
    for (const char *const *name = kind->may_lack; name && *name && !open; name++) {
        const char *field = field_at(*name, path);
        open = field && strcmp(field, "*") == 0;
    }
    return open;
}

/* Pushes the path of what stands under the key at `key` in the part at `path`. Lists in a list are
 * one part, so that depth makes no more of them. */
static const char *push_path(lua_State *L, const char *path, int key)
{
    static const char item[] = "[i]";
    size_t length = strlen(path), own = sizeof item - 1;
    if (lua_type(L, key) == LUA_TSTRING)
        return lua_pushfstring(L, "%s%s%s", path, *path ? "." : "", lua_tostring(L, key));
    bool in_list = length >= own && strcmp(path + length - own, item) == 0;
    return lua_pushfstring(L, "%s%s", path, in_list ? "" : item);
}

/* Pushes the metatable of the part at `path`: it has no name, so that the part is shown, and its
 * type told, as the plain table that it is else. */
static void push_part_metatable(lua_State *L, const nbl_result *kind, const char *path)
{
    const int at = lua_gettop(L) + 1;
    push_metatable(L, kind);
    push_own(L, "parts");
    if (lua_getfield(L, -1, path) == LUA_TNIL) {
        const char *whose =
            lua_pushfstring(L, "%s%s of %s", *path == '[' ? "" : ".", path, kind->whose);
        const char *name = lua_pushfstring(L, "%s.%s", kind->name + strlen("nabla."), path);
        lua_createtable(L, 0, 1);
        lua_newtable(L); /* no methods */
        push_lacking(L, kind, path);
        push_index(L, name, whose);
        lua_setfield(L, -2, "__index");
        lua_pushvalue(L, -1);
        lua_setfield(L, at + 1, path);
    }
    lua_replace(L, at);
    lua_settop(L, at);
}

/* Of the table on the stack's top, the part at `path`, all tables that are not dressed, and what
 * stands in them. */
static void dress_parts(lua_State *L, const nbl_result *kind, const char *path)
{
    const int table = lua_gettop(L), key = table + 1;
    luaL_checkstack(L, LUA_MINSTACK, "results too deep");
    for (lua_pushnil(L); lua_next(L, table); lua_settop(L, key)) {
        if (!lua_istable(L, -1) || lua_getmetatable(L, -1)) continue;
        const char *own = push_path(L, path, key);
        if (is_open(kind, own)) continue;
        lua_insert(L, -2);
        push_part_metatable(L, kind, own);
        lua_setmetatable(L, -2);
        dress_parts(L, kind, own);
    }
}

void nbl_dress(lua_State *L, const nbl_result *kind)
{
    push_metatable(L, kind);
    lua_setmetatable(L, -2);
    dress_parts(L, kind, "");
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
    push_own(L, "methods");
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
    push_own(L, "methods");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

int nbl_fields(lua_State *L)
{
    enum { KIND_NAME = 1, OWNER, OWN_METHODS, LACKING, SET };
    const char *kind = luaL_checkstring(L, KIND_NAME), *whose = luaL_checkstring(L, OWNER);
    lua_settop(L, LACKING);
    for (int i = OWN_METHODS; i <= LACKING; i++) {
        if (!lua_isnil(L, i)) continue;
        lua_newtable(L);
        lua_replace(L, i);
    }
    lua_newtable(L);
    for (lua_Integer i = 1; lua_rawgeti(L, LACKING, i) == LUA_TSTRING; i++) {
        lua_pushboolean(L, true);
        lua_rawset(L, SET);
    }
    lua_settop(L, SET);
    lua_replace(L, LACKING);
    push_index(L, kind, whose);
    return 1;
}
