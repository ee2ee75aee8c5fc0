/* The door of the debug library. Its functions reach what Lua keeps from scripts: user values,
 * metatables, upvalues of C functions and what those have on the stack. In the program they do not
 * reach ours, so that no binding needs to ask whether what it left there is still there. The Lua
 * module promises nothing of the kind, as Lua's own libraries do not.
 *
 * Each function is one C function in the place of Lua's own, which it runs itself instead of
 * calling it: levels, hooks and messages are those of Lua's. */
#define _GNU_SOURCE
#include "lua/nbl.h"

#include <dlfcn.h>
#include <limits.h>
#include <lualib.h>

/* Upvalues of each. The owner of the context is asked, not the registry, where it can be taken away
 * and put back. */
enum { OWN = 1, OWNER };

static int run_own(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(OWN))(L);
}

static bool object_of(lua_CFunction function, Dl_info *info)
{
    union {
        lua_CFunction function;
        void *address;
    } at = {function};
    return dladdr(at.address, info) != 0;
}

/* Whether the value at `at` is a function of the program's own, not of Lua's library or another. */
static bool is_ours(lua_State *L, int at)
{
    Dl_info its, ours;
    lua_CFunction function = lua_tocfunction(L, at);
    return function && object_of(function, &its) && object_of(run_own, &ours) &&
           its.dli_fbase == ours.dli_fbase;
}

/* getuservalue and setuservalue. */
static int use_user_value(lua_State *L)
{
    if (nbl_is_handle(L, 1, lua_upvalueindex(OWNER)))
        return nbl_error(L, "the user values of %s are its own", nbl_describe(L, 1));
    return run_own(L);
}

static int set_metatable(lua_State *L)
{
    if (nbl_is_handle(L, 1, lua_upvalueindex(OWNER)))
        return nbl_error(L, "the metatable of %s stays its own", nbl_describe(L, 1));
    if (nbl_is_metatable(L, 2, lua_upvalueindex(OWNER)))
        return nbl_error(L, "a metatable of nabla's fits nothing else; %s cannot have it",
                         nbl_describe(L, 1));
    return run_own(L);
}

static int set_upvalue(lua_State *L)
{
    if (is_ours(L, 1)) return nbl_error(L, "the upvalues of a function of nabla's are its own");
    return run_own(L);
}

/* Whether ([thread,] level, …) names a call of ours. The one that asks may see its own. */
static bool names_our_call(lua_State *L, int *level_at)
{
    lua_Debug ar;
    lua_State *of = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    *level_at = lua_isthread(L, 1) ? 2 : 1;
    lua_Integer level = lua_tointeger(L, *level_at);
    if (level < (of == L) || level > INT_MAX || !lua_getstack(of, (int)level, &ar)) return false;
    if (!lua_checkstack(of, 1)) return false;
    lua_getinfo(of, "f", &ar);
    bool ours = is_ours(of, -1);
    lua_pop(of, 1);
    return ours;
}

/* getlocal and setlocal: a call of ours has no locals, whichever is asked for. */
static int use_local(lua_State *L)
{
    int level;
    if (names_our_call(L, &level) && lua_isnumber(L, level + 1)) {
        lua_pushinteger(L, INT_MAX);
        lua_replace(L, level + 1);
    }
    return run_own(L);
}

void nbl_guard_debug(lua_State *L)
{
    static const luaL_Reg guarded[] = {{"getuservalue", use_user_value},
                                       {"setuservalue", use_user_value},
                                       {"setmetatable", set_metatable},
                                       {"setupvalue", set_upvalue},
                                       {"getlocal", use_local},
                                       {"setlocal", use_local},
                                       {NULL, NULL}};
    lua_getglobal(L, LUA_DBLIBNAME);
    for (const luaL_Reg *f = guarded; f->name; f++) {
        lua_getfield(L, -1, f->name);
        nbl_push_owner(L);
        lua_pushcclosure(L, f->func, OWNER);
        lua_setfield(L, -2, f->name);
    }
    lua_pop(L, 1);
}
