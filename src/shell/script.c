/* Code that does not come from the prompt. Text only: no file can hand the program a binary chunk.
 */
#include "shell/script.h"

#include "lua/nbl.h"
#include "shell/globals.h"
#include "shell/run/interrupt.h"
#include "shell/screen/say.h"
#include <lauxlib.h>
#include <string.h>

typedef struct source {
    const char *file; /* NULL: standard input */
    const char *code; /* not NULL: this, instead of a file */
    const char *module;
    int argc;
    char **argv;
} source;

/* Loads and leaves the function; what is wrong with it is raised. */
static int load(lua_State *L)
{
    const source *from = sh_work(L);
    int status = from->code
                     ? luaL_loadbufferx(L, from->code, strlen(from->code), "=(command line)", "t")
                     : nbl_load_file(L, from->file);
    return status == LUA_OK ? 1 : lua_error(L);
}

static sh_status run(sh_shell *shell, source *from)
{
    lua_State *L = shell->L;
    sh_hook users = sh_hook_take(L);
    sh_push_work(shell, load, from);
    /* With Ctrl-C let in: a file may be a pipe that nobody writes. */
    sh_status status = sh_call(shell, 1, 1);
    sh_hook_give(L, users);
    if (status != SH_OK) return status;
    if (!lua_checkstack(L, from->argc + LUA_MINSTACK)) {
        lua_pop(L, 1);
        sh_complain(shell, "too many arguments");
        return SH_FAILED;
    }
    for (int i = 0; i < from->argc; i++) lua_pushstring(L, from->argv[i]);
    return sh_call(shell, from->argc, 0);
}

sh_status sh_run_file(sh_shell *shell, const char *path)
{
    return run(shell, &(source){.file = path});
}

sh_status sh_run_script(sh_shell *shell, int argc, char **argv, int script)
{
    const char *name = strcmp(argv[script], "-") == 0 ? NULL : argv[script];
    return run(shell,
               &(source){.file = name, .argc = argc - script - 1, .argv = argv + script + 1});
}

sh_status sh_run_input(sh_shell *shell)
{
    return run(shell, &(source){.file = NULL});
}

/* -l name, or -l global=name: require, as a global. */
static int require(lua_State *L)
{
    const source *from = sh_work(L);
    const char *is = strchr(from->module, '=');
    lua_getglobal(L, "require");
    lua_pushstring(L, is ? is + 1 : from->module);
    lua_call(L, 1, 1);
    if (is)
        lua_pushlstring(L, from->module, (size_t)(is - from->module));
    else
        lua_pushstring(L, from->module);
    lua_insert(L, -2);
    sh_push_globals(L);
    lua_insert(L, -3);
    lua_settable(L, -3);
    return 0;
}

static sh_status run_module(sh_shell *shell, const char *module)
{
    source from = {.module = module};
    sh_push_work(shell, require, &from);
    return sh_call(shell, 1, 0);
}

sh_status sh_run_actions(sh_shell *shell, const sh_options *options)
{
    sh_status status = SH_OK;
    for (int i = 0; i < options->action_count && status == SH_OK; i++) {
        const sh_action *action = &options->actions[i];
        status = action->is_code ? run(shell, &(source){.code = action->text})
                                 : run_module(shell, action->text);
    }
    return status;
}
