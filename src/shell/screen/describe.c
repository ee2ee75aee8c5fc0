/* What a function is called, takes, and where it stands. */
#include "shell/screen/describe.h"

#include "shell/globals.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

enum { STACK_ROOM = 12 };

/* Pushes the name under which the table on the stack's top, popped, holds the value; false, nothing
 * pushed: under none. The first one in the order of the letters, so that it is always the same; the
 * prompt's results begin with an underscore and are no names. */
static bool push_key(lua_State *L, int value)
{
    int table = lua_gettop(L);
    const char *first = NULL;
    for (lua_pushnil(L); lua_istable(L, table) && lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !lua_rawequal(L, -1, value)) continue;
        const char *name = lua_tostring(L, -2);
        if (*name != '_' && (!first || strcmp(name, first) < 0)) first = name;
    }
    if (first) lua_pushstring(L, first);
    if (first) lua_replace(L, table);
    lua_settop(L, first ? table : table - 1);
    return first;
}

/* Pushes "string.rep": the value's name in a library of Lua's own, which are loaded modules. */
static bool push_library_name(lua_State *L, int value)
{
    static const char *const libraries[] = {"string", "table", "math",    "os",        "io",
                                            "utf8",   "debug", "package", "coroutine", NULL};
    for (int i = 0; libraries[i]; i++) {
        luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_pushstring(L, libraries[i]);
        lua_rawget(L, -2);
        lua_remove(L, -2);
        if (!push_key(L, value)) continue;
        lua_pushfstring(L, "%s.%s", libraries[i], lua_tostring(L, -1));
        lua_remove(L, -2);
        return true;
    }
    return false;
}

static bool push_name(lua_State *L, int value)
{
    sh_push_globals(L);
    return push_key(L, value) || push_library_name(L, value);
}

/* Pushes what the book of help says is written to call the function. */
static bool push_usage(lua_State *L, int value)
{
    int top = lua_gettop(L), book = top + 1;
    bool found = false;
    sh_push_book(L);
    for (lua_Integer i = 1; !found && lua_rawgeti(L, book, i) == LUA_TTABLE; i++) {
        lua_pushliteral(L, "value");
        found = lua_rawget(L, -2) != LUA_TNIL && lua_rawequal(L, -1, value);
        if (!found) lua_settop(L, book);
    }
    if (found) lua_getfield(L, book + 1, "usage"); /* a page unfolds itself */
    found = found && lua_isstring(L, -1);
    if (found) lua_replace(L, book);
    lua_settop(L, found ? book : top);
    return found;
}

/* Adds "(a, b, ...)" to the buffer. */
static void add_parameters(lua_State *L, luaL_Buffer *b, int value, const lua_Debug *ar)
{
    luaL_addchar(b, '(');
    for (int i = 1; i <= ar->nparams; i++) {
        lua_pushvalue(L, value);
        const char *name = lua_getlocal(L, NULL, i);
        lua_pop(L, 1); /* the names belong to the function */
        luaL_addstring(b, i > 1 ? ", " : "");
        luaL_addstring(b, name ? name : "?");
    }
    if (ar->isvararg) luaL_addstring(b, ar->nparams ? ", ..." : "...");
    luaL_addchar(b, ')');
}

static void push_written_in_lua(lua_State *L, int value, const lua_Debug *ar)
{
    luaL_Buffer b;
    if (!push_name(L, value)) lua_pushliteral(L, "");
    const char *name = lua_tostring(L, -1);
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "function");
    luaL_addstring(&b, *name ? " " : "");
    luaL_addstring(&b, name);
    add_parameters(L, &b, value, ar);
    luaL_addstring(&b, ", ");
    lua_pushfstring(L, "%s:%d", ar->short_src, ar->linedefined);
    luaL_addvalue(&b);
    luaL_pushresult(&b);
    lua_remove(L, -2);
}

void sh_push_function(lua_State *L, int index)
{
    lua_Debug ar;
    index = lua_absindex(L, index);
    luaL_checkstack(L, STACK_ROOM, NULL);
    if (push_usage(L, index)) {
        lua_pushfstring(L, "function %s", lua_tostring(L, -1));
        lua_remove(L, -2);
        return;
    }
    lua_pushvalue(L, index);
    lua_getinfo(L, ">Su", &ar);
    if (*ar.what != 'C') {
        push_written_in_lua(L, index, &ar);
    } else if (push_name(L, index)) {
        lua_pushfstring(L, "function %s", lua_tostring(L, -1));
        lua_remove(L, -2);
    } else {
        luaL_tolstring(L, index, NULL);
    }
}
