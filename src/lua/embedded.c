/* Finding the files of stdlib/: on disk in the folders of NABLA_PATH, else in the program itself.
 * Text only: no file can bring bytecode. */
#include "lua/embedded.h"

#include "lua/nbl.h"
#include "lua/state.h"

#include "base/embed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "nabla."

/* ---- Finding ---- */

/* NABLA_PATH, unless the host was told to leave the environment alone (lua -E). */
static const char *search_path(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    bool ignored = lua_toboolean(L, -1);
    lua_pop(L, 1);
    const char *path = getenv("NABLA_PATH");
    return ignored || !path ? "" : path;
}

/* Opening a pipe to see whether it can be read would wait for who writes it. */
static bool readable(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, R_OK) == 0;
}

/* Pushes the first FOLDER/NAME.lua that can be read, or nothing. */
static bool push_shadow(lua_State *L, const char *name)
{
    for (const char *folder = search_path(L); *folder;) {
        size_t length = strcspn(folder, ":");
        lua_pushlstring(L, folder, length);
        lua_pushfstring(L, "%s/%s.lua", lua_tostring(L, -1), name);
        lua_remove(L, -2);
        if (length && readable(lua_tostring(L, -1))) return true;
        lua_pop(L, 1);
        folder += length + (folder[length] == ':');
    }
    return false;
}

static const nb_embedded *find_embedded(const char *file)
{
    for (const nb_embedded *at = nb_embedded_files; at->name; at++)
        if (strcmp(at->name, file) == 0) return at;
    return NULL;
}

/* A part may be loaded when a session's `table` or `math` is long something else: its globals are
 * those of the start. The chunk is on the stack's top. */
static void give_globals(lua_State *L)
{
    nbl_state_push(L, NBL_GLOBALS);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
}

/* Pushes the chunk of stdlib/NAME.lua and returns true; raises when it does not compile. */
static bool push_chunk(lua_State *L, const char *name)
{
    int outcome;
    if (push_shadow(L, name)) {
        outcome = nbl_load_file(L, lua_tostring(L, -1));
        lua_remove(L, -2);
    } else {
        const char *chunk = lua_pushfstring(L, "=stdlib/%s.lua", name);
        const nb_embedded *file = find_embedded(chunk + 1);
        if (!file) {
            lua_pop(L, 1);
            return false;
        }
        outcome = luaL_loadbufferx(L, (const char *)file->data, file->size, chunk, "t");
        lua_remove(L, -2);
    }
    if (outcome != LUA_OK) lua_error(L);
    give_globals(L);
    return true;
}

/* Pushes the name that require knows stdlib/NAME.lua by: "nabla.plot.given". */
static const char *push_module(lua_State *L, const char *name)
{
    const char *dotted = luaL_gsub(L, name, "/", ".");
    lua_pushfstring(L, PREFIX "%s", dotted);
    lua_remove(L, -2);
    return lua_tostring(L, -1);
}

void nbl_run_embedded(lua_State *L, const char *name)
{
    int argument = lua_gettop(L);
    if (!push_chunk(L, name)) luaL_error(L, "this program was built without stdlib/%s.lua", name);
    const char *module = push_module(L, name);
    lua_pushvalue(L, argument);
    lua_call(L, 2, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, module);
    lua_pop(L, 1);
    lua_replace(L, argument);
}

void nbl_push_embedded(lua_State *L, const char *name)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    push_module(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (!lua_isnil(L, -1)) return;
    lua_pop(L, 1);
    nbl_state_push(L, NBL_MODULE);
    nbl_run_embedded(L, name);
}

int nbl_brief(lua_State *L)
{
    lua_settop(L, 1);
    nbl_push_embedded(L, "brief");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* ---- require ---- */

static int search(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1);
    size_t prefix = strlen(PREFIX);
    if (strncmp(module, PREFIX, prefix) != 0) return 0;
    const char *name = luaL_gsub(L, module + prefix, ".", "/");
    if (push_chunk(L, name)) {
        nbl_state_push(L, NBL_MODULE);
        return 2;
    }
    lua_pushfstring(L, "no embedded file 'stdlib/%s.lua'", name);
    return 1;
}

static void keep_globals(lua_State *L)
{
    nbl_state_push(L, NBL_GLOBALS);
    lua_pushglobaltable(L);
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_settable(L, -5);
    }
    lua_pop(L, 2);
}

/* Behind the searcher for preloaded modules, before those for files. */
void nbl_open_embedded(lua_State *L)
{
    enum { PLACE = 2 };
    int top = lua_gettop(L);
    keep_globals(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "package") == LUA_TTABLE &&
        lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
        for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= PLACE; i--) {
            lua_rawgeti(L, -1, i);
            lua_rawseti(L, -2, i + 1);
        }
        lua_pushcfunction(L, search);
        lua_rawseti(L, -2, PLACE);
    }
    lua_settop(L, top);
}
