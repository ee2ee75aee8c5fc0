/* The table of globals. */
#include "shell/globals.h"

#include <lauxlib.h>
#include <stddef.h>

const char *const sh_modules[] = {"tensor", "nn", "data", "plot", "help", NULL};

void sh_push_globals(lua_State *L)
{
    lua_pushglobaltable(L);
    if (!lua_istable(L, -1)) luaL_error(L, "the table of globals is gone");
}
