/* One input at the prompt. */
#include "shell/run/eval.h"

#include "base/clock.h"
#include "base/foreign.h"
#include "lua/nbl.h"
#include "shell/globals.h"
#include "shell/run/interrupt.h"
#include "shell/run/locals.h"
#include "shell/run/source.h"
#include "shell/run/stopped.h"
#include "shell/run/tokens.h"
#include "shell/run/unset.h"
#include "shell/screen/say.h"
#include "shell/screen/show.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

static const char *const result_names[SH_RESULTS] = {"_", "_2", "_3", "_4"};

typedef struct input {
    sh_shell *shell;
    const char *source;
    nb_text kept, name; /* the source without its locals, and the first of them */
    char chunk[sizeof SH_INPUT_CHUNK + 16];
    sh_compiled outcome;
    bool silent;
} input;

/* Compiles once more without the locals, where there are any; the first compilation has told every
 * error. */
static void keep_locals(lua_State *L, input *in)
{
    sh_keep_locals(&in->kept, in->source, &in->name);
    if (in->kept.failed || in->name.failed) luaL_error(L, "not enough memory");
    if (in->name.length == 0) return;
    sh_compiled outcome = sh_compile(L, nb_text_get(&in->kept), in->chunk, NULL);
    if (outcome == SH_WHOLE)
        lua_remove(L, -2);
    else if (outcome == SH_WRONG)
        lua_pop(L, 1);
}

/* The function of an input that hands on a name without a value, on the stack's top, becomes the
 * message. */
static void refuse_unset(lua_State *L, input *in)
{
    const char *place;
    if (!sh_push_unset(L, in->source, &place)) return;
    sh_push_mark(L, in->source, place);
    lua_concat(L, 2);
    lua_replace(L, -2);
    in->outcome = SH_WRONG;
}

static int compile_input(lua_State *L)
{
    input *in = sh_work(L);
    in->outcome = sh_compile(L, in->source, in->chunk, NULL);
    if (in->outcome == SH_UNFINISHED) return 0;
    sh_source_keep(L, in->shell->inputs + 1, in->source);
    if (in->outcome == SH_WHOLE) keep_locals(L, in);
    if (in->outcome == SH_WHOLE) refuse_unset(L, in);
    return 1;
}

static void tell_locals(sh_shell *shell, const input *in)
{
    if (in->name.length == 0 || shell->told_locals) return;
    shell->told_locals = true;
    sh_remark(shell, "(%s is kept for the session, as a global; a local would end with its line)",
              nb_text_get(&in->name));
}

sh_compiled sh_eval_compile(sh_shell *shell, const char *source)
{
    input in = {.shell = shell, .source = source, .outcome = SH_WRONG};
    nb_text_init(&in.kept, shell->ctx);
    nb_text_init(&in.name, shell->ctx);
    snprintf(in.chunk, sizeof in.chunk, SH_INPUT_CHUNK, shell->inputs + 1);
    if (sh_protect(shell, compile_input, &in, 1) != SH_OK) {
        in.outcome = SH_WRONG;
    } else if (in.outcome == SH_WHOLE) {
        tell_locals(shell, &in);
    } else {
        if (in.outcome == SH_WRONG) sh_complain(shell, lua_tostring(shell->L, -1));
        lua_pop(shell->L, 1);
    }
    if (in.outcome != SH_UNFINISHED) shell->inputs++;
    nb_text_free(&in.kept);
    nb_text_free(&in.name);
    return in.outcome;
}

static int look_at_end(lua_State *L)
{
    const char *source = sh_work(L);
    lua_pushboolean(L, sh_compile(L, source, SH_PROGRAM, NULL) == SH_UNFINISHED);
    return 1;
}

bool sh_eval_goes_on(sh_shell *shell, const char *source)
{
    if (sh_protect(shell, look_at_end, (void *)(uintptr_t)source, 1) != SH_OK) return false;
    bool goes_on = lua_toboolean(shell->L, -1);
    lua_pop(shell->L, 1);
    return goes_on;
}

/* Raw writes: what the user hangs on his globals does not see them. */
static void remember(lua_State *L, int value)
{
    if (lua_isnil(L, value)) return;
    sh_push_globals(L);
    for (int i = SH_RESULTS - 1; i >= 0; i--) {
        lua_pushstring(L, result_names[i]);
        if (i == 0) {
            lua_pushvalue(L, value);
        } else {
            lua_pushstring(L, result_names[i - 1]);
            lua_rawget(L, -3);
        }
        lua_rawset(L, -3);
    }
    lua_pop(L, 1);
}

/* Values of one line share one; all of them together are no longer than a single one may be. */
static void show_values(lua_State *L, const sh_shell *shell, int first, int last)
{
    size_t length, printed = 0;
    bool had_lines = false;
    for (int i = first; i <= last; i++) {
        if (printed >= SH_SHOW_BYTES) {
            printf("\n%d more values", last - i + 1);
            break;
        }
        sh_show_push(L, i, &shell->terminal);
        const char *text = lua_tolstring(L, -1, &length);
        bool has_lines = memchr(text, '\n', length);
        if (i > first) putchar(had_lines || has_lines ? '\n' : '\t');
        fwrite(text, 1, length, stdout);
        printed += length + 1;
        had_lines = has_lines;
        lua_pop(L, 1);
    }
    if (last >= first) putchar('\n');
}

/* A word of other tools that is nobody's name here, alone on its line, gives nil, and the answer.
 */
static void answer_foreign(lua_State *L, const input *in, int last)
{
    sh_scanner scanner = sh_scan(in->source, strlen(in->source));
    sh_token token, more;
    bool alone = sh_scan_next(&scanner, &token) && !sh_scan_next(&scanner, &more);
    if (!alone || token.kind != SH_NAME || last != 2 || !lua_isnil(L, last)) return;
    lua_pushlstring(L, token.text, token.length);
    const nb_foreign *foreign = nb_foreign_find(NB_FOREIGN_NAME, lua_tostring(L, -1));
    if (foreign) sh_remark(in->shell, "(here %s is %s)", foreign->word, foreign->here);
    lua_pop(L, 1);
}

static int run_input(lua_State *L)
{
    const input *in = sh_work(L);
    lua_call(L, 0, LUA_MULTRET);
    int last = lua_gettop(L);
    nb_memory_lend(in->shell->ctx);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (last >= 2) remember(L, 2);
    /* What was called last in an expression has no instruction of Lua behind it that would stop. */
    if (sh_interrupted()) return luaL_error(L, "interrupted");
    if (!in->silent) show_values(L, in->shell, 2, last);
    answer_foreign(L, in, last);
    return 0;
}

/* Says of a module's name that was given away where the module still is, once a name. */
static int check_modules(lua_State *L)
{
    sh_shell *shell = sh_work(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushliteral(L, "nabla");
    /* The user may have taken it away. */
    if (lua_rawget(L, -2) != LUA_TTABLE) return 0;
    sh_push_globals(L);
    for (int i = 0; sh_modules[i]; i++) {
        unsigned bit = 1u << i;
        lua_pushstring(L, sh_modules[i]);
        lua_rawget(L, -2);
        lua_pushstring(L, sh_modules[i]);
        lua_rawget(L, -4);
        if (!(shell->told_modules & bit) && !lua_rawequal(L, -1, -2)) {
            shell->told_modules |= bit;
            sh_remark(shell, "(%s is yours now; the module is still nabla.%s)", sh_modules[i],
                      sh_modules[i]);
        }
        lua_pop(L, 2);
    }
    return 0;
}

/* What a training that was cut off recorded is the result of this input. */
static int keep_stopped(lua_State *L)
{
    const input *in = sh_work(L);
    if (!nbl_push_stopped(L)) return 0;
    remember(L, lua_gettop(L));
    sh_stopped_tell(L, in->source, in->shell->failed_line);
    return 0;
}

sh_status sh_eval_run(sh_shell *shell, const char *source)
{
    lua_State *L = shell->L;
    input in = {.shell = shell, .source = source, .silent = sh_ends_silent(source)};
    double start = nb_clock();
    shell->ctx->columns = sh_terminal_columns();
    nbl_forget_stopped(L);
    sh_push_work(shell, run_input, &in);
    lua_rotate(L, -3, 2);
    sh_status status = sh_call(shell, 2, 0);
    if (status != SH_OK) sh_protect(shell, keep_stopped, &in, 0);
    fflush(stdout);
    if (ferror(stdout)) clearerr(stdout);
    if (shell->timing) sh_remark(shell, "%.3g s", nb_clock() - start);
    sh_protect(shell, check_modules, shell, 0);
    return status;
}

bool sh_is_result(const char *name)
{
    for (int i = 0; i < SH_RESULTS; i++)
        if (strcmp(name, result_names[i]) == 0) return true;
    return strcmp(name, "_err") == 0;
}
