/* The state's life, and where it is found: in the registry. */
#include "lua/state.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* Its address marks the state, as a kind marks a handle. */
static const char mark;

static nbl_state *check_state(lua_State *L, int at)
{
    nbl_state *state = lua_touserdata(L, at);
    bool whole = state && lua_rawlen(L, at) == sizeof *state && state->mark == &mark;
    return whole ? state : NULL;
}

static bool called_by_collector(lua_State *L)
{
    lua_Debug ar;
    return lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name &&
           strcmp(ar.namewhat, "metamethod") == 0 && strcmp(ar.name, "__gc") == 0;
}

static int state_close(lua_State *L)
{
    nbl_state *state = check_state(L, 1);
    if (!state || !called_by_collector(L)) return 0;
    nb_ctx_free(state->ctx);
    state->ctx = NULL;
    return 0;
}

/* Lua tells its mode only to who sets one. */
static bool is_generational(lua_State *L)
{
    if (lua_gc(L, LUA_GCGEN, 0, 0) == LUA_GCGEN) return true;
    lua_gc(L, LUA_GCINC, 0, 0, 0);
    return false;
}

/* One of the tables does not keep its keys ("k") or its values ("v"). */
static void make_weak(lua_State *L, int which, const char *mode)
{
    nbl_state_push(L, which);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

void nbl_state_open(lua_State *L)
{
    nbl_state *state = lua_newuserdatauv(L, sizeof *state, NBL_STATE_VALUES);
    *state = (nbl_state){.mark = &mark};
    lua_newtable(L);
    lua_pushcfunction(L, state_close);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    state->ctx = nb_ctx_new();
    if (!state->ctx) luaL_error(L, "not enough memory");
    state->generational = is_generational(L);
    const char *stress = getenv("NABLA_STRESS");
    if (stress) state->stress = strtoul(stress, NULL, 10);
    state->ctx->memory.poison = state->stress > 0;
    lua_rawseti(L, LUA_REGISTRYINDEX, NBL_STATE_KEY);
    for (int which = NBL_BOOK; which < NBL_UNDER_WAY; which++) {
        lua_newtable(L);
        nbl_state_set(L, which);
    }
    nbl_state_push(L, NBL_KINDS);
    lua_pushboolean(L, true);
    lua_rawsetp(L, -2, &mark);
    lua_pop(L, 1);
    make_weak(L, NBL_FUNCTIONS, "v");
    make_weak(L, NBL_EXAMPLES, "k");
}

nbl_state *nbl_state_find(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, NBL_STATE_KEY);
    nbl_state *state = check_state(L, -1);
    lua_pop(L, 1);
    return state;
}

nbl_state *nbl_state_get(lua_State *L)
{
    nbl_state *state = nbl_state_find(L);
    if (!state || !state->ctx) luaL_error(L, "nabla is not open in this Lua state");
    return state;
}

void nbl_state_push(lua_State *L, int which)
{
    nbl_state_get(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, NBL_STATE_KEY);
    lua_getiuservalue(L, -1, which);
    lua_remove(L, -2);
}

void nbl_state_set(lua_State *L, int which)
{
    nbl_state_get(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, NBL_STATE_KEY);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, which);
    lua_pop(L, 1);
}
