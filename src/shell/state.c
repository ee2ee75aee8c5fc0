/* The Lua state's life: its libraries, nabla, and what the command line sets. */
#include "shell/state.h"

#include "base/workers.h"
#include "lua/nbl.h"
#include "shell/colour/colours.h"
#include "shell/globals.h"
#include "shell/print.h"
#include "shell/run/errors.h"
#include "shell/run/interrupt.h"
#include "shell/screen/say.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

typedef struct opening {
    sh_shell *shell;
    const sh_options *options;
    int argc;
    char **argv;
} opening;

/* Only reached when an error rises outside of every protected call. */
static int panic(lua_State *L)
{
    const char *message = lua_tostring(L, -1);
    fputs(SH_PROGRAM ": an error that nothing caught: ", stderr);
    sh_put(stderr, message ? message : "(not a string)", NB_ESCAPE_LINES);
    fputc('\n', stderr);
    return 0;
}

static void warn_off(void *self, const char *message, int more);
static void warn_on(void *self, const char *message, int more);

static bool is_control(const char *message, int more)
{
    return !more && *message == '@';
}

static void control(lua_State *L, const char *message)
{
    if (strcmp(message, "@on") == 0)
        lua_setwarnf(L, warn_on, L);
    else if (strcmp(message, "@off") == 0)
        lua_setwarnf(L, warn_off, L);
}

static void warn_off(void *self, const char *message, int more)
{
    if (is_control(message, more)) control(self, message);
}

/* Later parts of a message: they are no control messages. */
static void warn_on_with(void *self, const char *message, int more)
{
    sh_put(stderr, message, NB_ESCAPE_LINES);
    if (!more) fputc('\n', stderr);
    lua_setwarnf(self, more ? warn_on_with : warn_on, self);
}

static void warn_on(void *self, const char *message, int more)
{
    if (is_control(message, more)) {
        control(self, message);
        return;
    }
    fflush(stdout);
    fputs("warning: ", stderr);
    warn_on_with(self, message, more);
}

/* `arg` as lua has it: the script is arg[0], what stands before it has negative places. */
static void set_arg(lua_State *L, const opening *o)
{
    int script = o->options->script < o->argc ? o->options->script : 0;
    lua_createtable(L, o->argc - script, script);
    for (int i = 0; i < o->argc; i++) {
        lua_pushstring(L, o->argv[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

/* Preloaded too, so that no require ever looks for the module's file. */
static void open_modules(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_nabla);
    lua_setfield(L, -2, "nabla");
    lua_pop(L, 1);
    luaL_requiref(L, "nabla", luaopen_nabla, 1);
    sh_colours_open(L);
    for (int i = 0; sh_modules[i]; i++) {
        lua_getfield(L, -1, sh_modules[i]);
        lua_setglobal(L, sh_modules[i]);
    }
    lua_pop(L, 1);
}

static void heed_options(lua_State *L, nb_ctx *ctx, const sh_options *options)
{
    if (options->has_seed) {
        ctx->seed = (uint64_t)options->seed;
        ctx->draws = 0;
    }
    if (options->has_threads && nb_set_threads(ctx, options->threads) != NB_OK)
        luaL_error(L, "%s", ctx->message);
    if (options->warnings) lua_warning(L, "@on", 0);
}

static int open_state(lua_State *L)
{
    const opening *o = lua_touserdata(L, 1);
    sh_shell *shell = o->shell;
    luaL_checkversion(L);
    if (o->options->no_environment) {
        lua_pushboolean(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    }
    /* As lua(1) has it: of the temporaries of a loop only the young are looked through. */
    lua_gc(L, LUA_GCGEN, 0, 0);
    luaL_openlibs(L);
    nbl_guard_chunks(L);
    sh_print_open(L);
    sh_hook_guard(L);
    set_arg(L, o);
    open_modules(L);
    nbl_guard_debug(L);
    shell->ctx = nbl_ctx(L);
    sh_heap_bind(&shell->heap, shell->ctx);
    shell->ctx->interrupt = sh_interrupt_flag();
    sh_progress_init(&shell->progress, &shell->terminal);
    nbl_set_note(L, sh_error_note);
    nbl_set_progress_shower(L, &shell->progress.shower);
    shell->ctx->meter = &shell->progress.meter;
    heed_options(L, shell->ctx, o->options);
    nbl_push_owner(L);
    return 1;
}

bool sh_shell_open(sh_shell *shell, const sh_options *options, int argc, char **argv)
{
    opening o = {shell, options, argc, argv};
    *shell = (sh_shell){.L = NULL};
    shell->L = lua_newstate(sh_heap_alloc, &shell->heap);
    sh_terminal_look(&shell->terminal);
    if (!shell->L) {
        sh_complain(shell, "not enough memory");
        return false;
    }
    /* Threads are made with a copy of the main thread's. */
    *(sh_shell **)lua_getextraspace(shell->L) = shell;
    lua_atpanic(shell->L, panic);
    lua_setwarnf(shell->L, warn_off, shell->L);
    /* The message handler is not there yet: it is made in here. */
    lua_pushcfunction(shell->L, open_state);
    lua_pushlightuserdata(shell->L, &o);
    /* What it gives stays at the bottom of the stack. */
    if (lua_pcall(shell->L, 1, 1, 0) == LUA_OK) return true;
    const char *message = lua_tostring(shell->L, -1);
    sh_complain(shell, message ? message : "the Lua state cannot be opened");
    sh_shell_close(shell);
    return false;
}

void sh_shell_close(sh_shell *shell)
{
    sh_interrupt_close();
    if (shell->L) lua_close(shell->L);
    shell->L = NULL;
    sh_heap_trim(&shell->heap);
}
