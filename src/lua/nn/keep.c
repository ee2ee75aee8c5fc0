/* From an address in the core to the handle that lives there, and what keeps handles alive. */
#include "lua/nn/keep.h"

#include "lua/state.h"

void nbl_remember_as(lua_State *L, const void *address)
{
    nbl_state_push(L, NBL_FUNCTIONS);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, address);
    lua_pop(L, 1);
}

void nbl_remember(lua_State *L)
{
    nbl_remember_as(L, (char *)lua_touserdata(L, -1) + NBL_HEADER);
}

bool nbl_find(lua_State *L, const void *address)
{
    nbl_state_push(L, NBL_FUNCTIONS);
    bool found = lua_rawgetp(L, -1, address) == LUA_TUSERDATA;
    lua_remove(L, -2);
    if (!found) lua_pop(L, 1);
    return found;
}

void *nbl_find_of(lua_State *L, const void *address, const nbl_kind *kind)
{
    if (!nbl_find(L, address)) return NULL;
    void *found = nbl_test_handle(L, -1, kind);
    if (!found) lua_pop(L, 1);
    return found;
}

void nbl_recall(lua_State *L, const void *address)
{
    if (!nbl_find(L, address)) luaL_error(L, "this function was released");
}

void nbl_hold(lua_State *L, int held, int arg)
{
    if (!lua_isuserdata(L, arg)) return;
    held = lua_absindex(L, held);
    lua_pushvalue(L, arg);
    lua_pushboolean(L, true);
    lua_rawset(L, held);
}
