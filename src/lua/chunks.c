/* Lua as text only. A binary chunk is trusted by Lua's machine as it is: a made-up one reads and
 * writes what it likes, or ends the program. In the program no function loads one: load, loadfile,
 * dofile and require are replaced here, and who loads a file calls nbl_load_file.
 *
 * Lua's own functions are run, not called, where they do the rest: hooks, levels and messages are
 * those of Lua's. They lie in boxes, which the debug library shows but cannot call. */
#include "lua/nbl.h"

#include <lualib.h>
#include <string.h>

enum { OWN = 1, PACKAGE };

static void push_box(lua_State *L, lua_CFunction function)
{
    lua_CFunction *box = lua_newuserdatauv(L, sizeof(lua_CFunction), 0);
    *box = function;
}

static int run_own(lua_State *L)
{
    const lua_CFunction *own = lua_touserdata(L, lua_upvalueindex(OWN));
    return (*own)(L);
}

/* The message on the stack's top says in plain words that the chunk is a binary one, where that is
 * what Lua says. `file`: what to name, or NULL. */
static void explain(lua_State *L, const char *file)
{
    const char *message = lua_tostring(L, -1);
    if (!message || !strstr(message, "attempt to load a binary chunk")) return;
    lua_pushfstring(L, "%s%sa binary chunk is not loaded; Lua is taken as text", file ? file : "",
                    file ? ": " : "");
    lua_remove(L, -2);
}

int nbl_load_file(lua_State *L, const char *path)
{
    int status = luaL_loadfilex(L, path, "t");
    if (status != LUA_OK) explain(L, path ? path : "stdin");
    return status;
}

/* load and loadfile, whose argument `mode` says which chunks may come. */
static int load(lua_State *L, int mode, const char *file)
{
    if (!strchr(luaL_optstring(L, mode, "t"), 't')) {
        lua_pushnil(L);
        lua_pushliteral(L, "attempt to load a binary chunk");
        explain(L, NULL);
        return 2;
    }
    if (lua_gettop(L) < mode) lua_settop(L, mode);
    lua_pushliteral(L, "t");
    lua_replace(L, mode);
    int results = run_own(L);
    if (results == 2) explain(L, file);
    return results;
}

static int load_chunk(lua_State *L)
{
    return lua_isnone(L, 1) ? run_own(L) : load(L, 3, NULL);
}

static int load_file(lua_State *L)
{
    return load(L, 2, lua_tostring(L, 1));
}

static int end_dofile(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L) - 1;
}

static int do_file(lua_State *L)
{
    const char *path = luaL_optstring(L, 1, NULL);
    lua_settop(L, 1);
    if (nbl_load_file(L, path) != LUA_OK) return lua_error(L);
    lua_callk(L, 0, LUA_MULTRET, 0, end_dofile);
    return end_dofile(L, LUA_OK, 0);
}

/* The searcher of require for files in Lua; Lua's own function in the box is package.searchpath. */
static int search(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, lua_upvalueindex(PACKAGE), "path");
    if (!lua_isstring(L, -1)) return luaL_error(L, "'package.path' must be a string");
    if (run_own(L) != 1) return 1; /* where it was looked for */
    const char *file = lua_tostring(L, -1);
    if (nbl_load_file(L, file) != LUA_OK)
        return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, file,
                          lua_tostring(L, -1));
    lua_pushstring(L, file);
    return 2;
}

static void guard_require(lua_State *L)
{
    enum { PLACE = 2 }; /* in package.searchers */
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "searchers");
    lua_getfield(L, -2, "searchpath");
    push_box(L, lua_tocfunction(L, -1));
    lua_pushvalue(L, -4);
    lua_pushcclosure(L, search, PACKAGE);
    lua_rawseti(L, -3, PLACE);
    lua_pop(L, 3);
}

void nbl_guard_chunks(lua_State *L)
{
    static const luaL_Reg guarded[] = {{"load", load_chunk}, {"loadfile", load_file}, {NULL, NULL}};
    for (const luaL_Reg *f = guarded; f->name; f++) {
        lua_getglobal(L, f->name);
        push_box(L, lua_tocfunction(L, -1));
        lua_pushcclosure(L, f->func, OWN);
        lua_setglobal(L, f->name);
        lua_pop(L, 1);
    }
    lua_register(L, "dofile", do_file);
    guard_require(L);
}
