/* Calls into Lua. */
#include "shell/run/call.h"

#include "lua/pictures.h"
#include "shell/run/errors.h"
#include "shell/run/interrupt.h"
#include "shell/run/speaker.h"
#include "shell/line/keys.h"
#include "shell/screen/say.h"

#include <lauxlib.h>
#include <stdio.h>

/* Ctrl-C drops what the terminal has not taken yet; where that was half of a picture it would take
 * all that follows for the rest. */
static void end_picture(const sh_shell *shell)
{
    const nb_picture_way *way = nbl_pictures_way(nbl_pictures_get(shell->L));
    fputs(way->mend, stdout);
    fflush(stdout);
}

static sh_status tell_interrupted(const sh_shell *shell)
{
    end_picture(shell);
    sh_fresh_line(shell);
    if (sh_ranks_tell_interrupted(shell)) fputs(NB_INTERRUPTED "\n", stderr);
    return SH_STOPPED;
}

/* The error object on the stack's top, popped. Its __tostring is the user's code; his hook, which
 * may be what fails, rests. */
static sh_status report(sh_shell *shell)
{
    lua_State *L = shell->L;
    nb_memory_lend(shell->ctx);
    lua_pushcfunction(L, sh_error_describe);
    lua_insert(L, -2);
    sh_hook users = sh_hook_take(L);
    sh_interrupt_begin();
    int status = lua_pcall(L, 1, 1, 0);
    bool interrupted = sh_interrupt_end();
    sh_hook_give(L, users);
    interrupted = interrupted && status != LUA_OK;
    const char *text = status == LUA_OK ? lua_tostring(L, -1) : "an error that cannot be shown";
    if (status == LUA_OK && sh_ranks_was_interrupted(shell, text)) interrupted = true;
    if (!interrupted) sh_ranks_complain(shell, text);
    lua_pop(L, 1);
    return interrupted ? tell_interrupted(shell) : SH_FAILED;
}

/* Calls with the message handler below. */
static int call(sh_shell *shell, int arguments, int results)
{
    lua_State *L = shell->L;
    nb_memory_lend(shell->ctx);
    int handler = lua_gettop(L) - arguments;
    lua_pushcfunction(L, sh_error_note); /* needs no memory */
    lua_insert(L, handler);
    int status = lua_pcall(L, arguments, results, handler);
    lua_remove(L, handler);
    return status;
}

sh_status sh_call(sh_shell *shell, int arguments, int results)
{
    if (shell->at_prompt) sh_keys_take(&shell->terminal);
    sh_interrupt_begin();
    int status = call(shell, arguments, results);
    bool interrupted = sh_interrupt_end();
    if (interrupted) sh_keys_drop();
    if (status == LUA_OK) return SH_OK;
    if (!interrupted) return report(shell);
    lua_pop(shell->L, 1);
    return tell_interrupted(shell);
}

sh_status sh_protect(sh_shell *shell, lua_CFunction work, void *data, int results)
{
    sh_hook users = sh_hook_take(shell->L);
    sh_push_work(shell, work, data);
    int status = call(shell, 1, results);
    sh_hook_give(shell->L, users);
    return status == LUA_OK ? SH_OK : report(shell);
}

void sh_push_work(sh_shell *shell, lua_CFunction work, void *data)
{
    lua_pushcfunction(shell->L, work);
    lua_pushlightuserdata(shell->L, data);
    shell->work = data;
}

void *sh_work(lua_State *L)
{
    sh_shell *shell = sh_shell_of(L);
    void *data = shell->work;
    if (!data || lua_touserdata(L, 1) != data) luaL_error(L, "this function is the prompt's own");
    shell->work = NULL;
    return data;
}
