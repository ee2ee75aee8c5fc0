/* Lua's tables read without a sound. */
#include "shell/run/quiet.h"

#include "shell/run/interrupt.h"

void sh_quietly(sh_shell *shell, lua_CFunction work, void *data)
{
    lua_State *L = shell->L;
    bool collects = lua_gc(L, LUA_GCISRUNNING);
    sh_hook users = sh_hook_take(L);
    lua_gc(L, LUA_GCSTOP);
    if (lua_checkstack(L, 2)) {
        lua_pushcfunction(L, work);
        lua_pushlightuserdata(L, data);
        if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    }
    if (collects) lua_gc(L, LUA_GCRESTART);
    sh_hook_give(L, users);
}
