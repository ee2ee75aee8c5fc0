/* The session's own variables. */
#include "shell/session.h"

#include "lua/nbl.h"
#include "shell/about.h"
#include "shell/globals.h"
#include "shell/run/eval.h"
#include "shell/screen/say.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#define BEFORE "nabla.shell.before"
#define SORT   "nabla.shell.sort"

static int begin(lua_State *L)
{
    sh_work(L);
    lua_newtable(L);
    sh_push_globals(L);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, BEFORE);
    /* Kept here: the user may take his own away. */
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_setfield(L, LUA_REGISTRYINDEX, SORT);
    return 0;
}

void sh_session_begin(sh_shell *shell)
{
    sh_protect(shell, begin, shell, 0);
}

void sh_session_push_before(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, BEFORE);
}

/* Is the pair on the stack's top a variable of the session? */
static bool is_own(lua_State *L, int before)
{
    if (lua_type(L, -2) != LUA_TSTRING || sh_is_result(lua_tostring(L, -2))) return false;
    lua_pushvalue(L, -2);
    lua_rawget(L, before);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return !same;
}

bool sh_session_push_own(lua_State *L, const char *name, size_t length)
{
    int top = lua_gettop(L);
    sh_session_push_before(L);
    sh_push_globals(L);
    lua_pushlstring(L, name, length);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    bool own = !lua_isnil(L, -1) && is_own(L, top + 1);
    if (own) lua_replace(L, top + 1);
    lua_settop(L, own ? top + 1 : top);
    return own;
}

/* A table of the names, sorted, on the stack's top. */
static void push_names(lua_State *L)
{
    lua_Integer count = 0;
    lua_newtable(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, BEFORE);
    int names = lua_gettop(L) - 1;
    sh_push_globals(L);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!is_own(L, names + 1)) continue;
        lua_pushvalue(L, -2);
        lua_rawseti(L, names, ++count);
    }
    lua_settop(L, names);
    lua_getfield(L, LUA_REGISTRYINDEX, SORT);
    lua_pushvalue(L, names);
    lua_call(L, 1, 0);
    lua_settop(L, names);
}

/* Pushes name i of the list and, above it, how it is shown; returns the place of that. */
static int push_shown(lua_State *L, int names, lua_Integer i)
{
    lua_rawgeti(L, names, i);
    nbl_escape(L, -1, NB_ESCAPE_WORD);
    return lua_gettop(L);
}

/* A variable's line, on a terminal in as many as the window makes of it, behind or below its name.
 */
static void say_who(const sh_shell *shell, const char *name, int widest, const char *brief)
{
    enum { GAP = 2, BELOW = 4 };
    nb_text text;
    bool beside = 2 * (widest + GAP) < sh_terminal_columns();
    nb_text_init(&text, shell->ctx);
    if (beside)
        nb_text_add(&text, "%-*s  ", widest, name);
    else
        nb_text_add(&text, "%s\n%*s", name, BELOW, "");
    sh_add_words(&text, brief, beside ? widest + GAP : BELOW);
    if (shell->terminal.output && !text.failed)
        puts(nb_text_get(&text));
    else
        printf("%-*s  %s\n", widest, name, brief);
    nb_text_free(&text);
}

static int who(lua_State *L)
{
    const sh_shell *shell = sh_work(L);
    push_names(L);
    int names = lua_gettop(L);
    lua_Integer count = luaL_len(L, names);
    size_t widest = 0;
    for (lua_Integer i = 1; i <= count; i++, lua_settop(L, names)) {
        size_t width = lua_rawlen(L, push_shown(L, names, i));
        if (width > widest) widest = width;
    }
    for (lua_Integer i = 1; i <= count; i++, lua_settop(L, names)) {
        int shown = push_shown(L, names, i);
        sh_push_globals(L);
        lua_rawgeti(L, names, i);
        lua_rawget(L, -2);
        sh_push_brief(L, -1, &shell->terminal);
        say_who(shell, lua_tostring(L, shown), (int)widest, lua_tostring(L, -1));
    }
    if (count == 0) puts("nothing yet");
    return 0;
}

void sh_session_who(sh_shell *shell)
{
    sh_push_work(shell, who, shell);
    sh_call(shell, 1, 0);
    fflush(stdout);
}

static int reset(lua_State *L)
{
    sh_work(L);
    sh_session_push_before(L);
    sh_push_globals(L);
    int before = lua_gettop(L) - 1, globals = before + 1;
    for (lua_pushnil(L); lua_next(L, globals); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -1);
        lua_rawget(L, before);
        /* Assigning to a field that is there is allowed while the table is walked. */
        lua_rawset(L, globals);
    }
    for (lua_pushnil(L); lua_next(L, before);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, globals);
    }
    lua_gc(L, LUA_GCCOLLECT, 0);
    return 0;
}

void sh_session_reset(sh_shell *shell)
{
    sh_protect(shell, reset, shell, 0);
    shell->told_modules = 0;
}
