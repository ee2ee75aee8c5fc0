/* The table of globals. */
#include "shell/globals.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stddef.h>

const char *const sh_modules[] = {"tensor", "nn", "data", "plot", "learn", "help", NULL};

void sh_push_globals(lua_State *L)
{
    lua_pushglobaltable(L);
    if (!lua_istable(L, -1)) luaL_error(L, "the table of globals is gone");
}

void sh_push_book(lua_State *L)
{
    int top = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushliteral(L, "nabla");
    bool found = lua_rawget(L, -2) == LUA_TTABLE;
    if (found) lua_pushliteral(L, "_book");
    found = found && lua_rawget(L, -2) == LUA_TTABLE;
    if (!found) lua_newtable(L);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}
