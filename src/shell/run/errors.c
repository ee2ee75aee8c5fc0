/* How errors read. */
#include "shell/run/errors.h"

#include "base/foreign.h"
#include "base/option.h"
#include "lua/nbl.h"
#include "shell/globals.h"
#include "shell/run/interrupt.h"
#include "shell/run/source.h"
#include "shell/screen/show.h"
#include "shell/shell.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE  "nabla.shell.trace"
#define FRAMES "nabla.shell.frames"

enum { FRAMES_SHOWN = 4, LEVELS_SEEN = 64, LOWEST_SEEN = 4 };

/* An input of one line stands right above its error; showing it again would tell nothing. */
static bool stands_above(lua_State *L, const sh_shell *shell, const char *source)
{
    char name[sizeof SH_INPUT_CHUNK + 16];
    snprintf(name, sizeof name, SH_INPUT_CHUNK, shell->inputs);
    if (strcmp(name, source) != 0 || !sh_source_lines(L, source, 2, 2))
        return strcmp(name, source) == 0;
    lua_pop(L, 1);
    return false;
}

/* The user's own: what he typed or wrote in a file, not the library that comes with the program. */
static bool is_users(const lua_Debug *ar)
{
    bool typed = strncmp(ar->source + 1, SH_INPUT_NAME, sizeof SH_INPUT_NAME - 1) == 0;
    return ar->currentline > 0 && (*ar->source != '=' || typed);
}

/* Adds a frame's line to the string on the stack's top; false when there is nothing to show. */
static bool add_frame(lua_State *L, const sh_shell *shell, const lua_Debug *ar)
{
    if (!is_users(ar) || stands_above(L, shell, ar->source)) return false;
    if (!sh_source_lines(L, ar->source, ar->currentline, ar->currentline)) return false;
    const char *line = lua_tostring(L, -1);
    line += strspn(line, " \t");
    lua_pushfstring(L, "\n  %s:%d: %s", ar->short_src, ar->currentline, line);
    lua_remove(L, -2);
    lua_concat(L, 2);
    return true;
}

/* A function within the line that calls it, and one that calls itself: the line is shown once. */
static bool is_same_line(const lua_Debug *a, const lua_Debug *b)
{
    return a->source == b->source && a->currentline == b->currentline;
}

/* The number of the lowest frame: each look at one counts from the top. */
static int lowest_level(lua_State *L)
{
    lua_Debug ar;
    int there = 0, beyond = 1;
    while (lua_getstack(L, beyond, &ar)) there = beyond, beyond *= 2;
    while (beyond - there > 1) {
        int middle = there + (beyond - there) / 2;
        if (lua_getstack(L, middle, &ar))
            there = middle;
        else
            beyond = middle;
    }
    return there;
}

/* The line of the input under way that runs; its frame is among the lowest. Takes no memory. */
static void note_line(lua_State *L, sh_shell *shell)
{
    char name[sizeof SH_INPUT_CHUNK + 16];
    lua_Debug ar;
    int lowest = lowest_level(L);
    shell->failed_line = 0;
    snprintf(name, sizeof name, SH_INPUT_CHUNK, shell->inputs);
    for (int level = lowest; level > lowest - LOWEST_SEEN && lua_getstack(L, level, &ar); level--) {
        lua_getinfo(L, "Sl", &ar);
        if (*ar.what == 'm' && strcmp(ar.source, name) == 0) shell->failed_line = ar.currentline;
    }
}

int sh_error_note(lua_State *L)
{
    sh_shell *shell = sh_shell_of(L);
    note_line(L, shell);
    /* What a callback raised was noted where it was raised. */
    if (sh_interrupted() || nbl_was_noted(L, 1)) return 1;
    nb_memory_lend(shell->ctx);
    luaL_traceback(L, L, NULL, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, TRACE);
    lua_Debug ar, above = {.source = NULL};
    lua_pushliteral(L, "");
    for (int level = 1, shown = 0; shown < FRAMES_SHOWN && level < LEVELS_SEEN; level++) {
        if (!lua_getstack(L, level, &ar)) break;
        lua_getinfo(L, "Sl", &ar);
        if (is_same_line(&ar, &above) || !add_frame(L, shell, &ar)) continue;
        above = ar;
        shown++;
    }
    lua_setfield(L, LUA_REGISTRYINDEX, FRAMES);
    return 1;
}

void sh_push_trace(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, TRACE);
}

/* Behind one position, or NULL where there is none. */
static const char *skip_one(const char *message)
{
    const size_t known = sizeof SH_INPUT_NAME - 1;
    if (strncmp(message, SH_INPUT_NAME, known) != 0) return NULL;
    const char *p = message + known;
    p += strspn(p, "0123456789");
    if (strncmp(p, "]:", 2) != 0) return NULL;
    p += 2 + strspn(p + 2, "0123456789");
    return strncmp(p, ": ", 2) == 0 ? p + 2 : NULL;
}

const char *sh_skip_position(const char *message)
{
    for (const char *at = message; at; at = skip_one(at)) message = at;
    return message;
}

static void set_last_error(lua_State *L, int index)
{
    sh_push_globals(L);
    lua_pushvalue(L, index);
    lua_pushliteral(L, "_err");
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* ---- Names that were mistyped ---- */

static int by_letters(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all globals in the order of their letters, NULL behind the last, so that of names
 * equally near always the same one is proposed. A block on the stack's top. */
static const char **push_globals(lua_State *L)
{
    size_t count = 0, i = 0;
    sh_push_globals(L);
    int globals = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, globals); lua_pop(L, 1)) count++;
    const char **names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
    for (lua_pushnil(L); lua_next(L, globals); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING) names[i++] = lua_tostring(L, -2);
    names[i] = NULL;
    qsort(names, i, sizeof *names, by_letters);
    lua_remove(L, globals);
    return names;
}

static const char *name_at(const void *list, size_t i)
{
    return ((const char *const *)list)[i];
}

/* The function of math of that name, if there is one: of tensors it is a method. */
static bool is_in_math(lua_State *L, const char *name)
{
    int top = lua_gettop(L);
    sh_push_globals(L);
    lua_pushliteral(L, LUA_MATHLIBNAME);
    bool is = lua_rawget(L, -2) == LUA_TTABLE && (lua_pushstring(L, name), true) &&
              lua_rawget(L, -2) == LUA_TFUNCTION;
    lua_settop(L, top);
    return is;
}

void sh_push_meant(lua_State *L, const char *name, bool called)
{
    static const char *const kinds[] = {"tensor", "net", "set", NULL};
    const int text = lua_gettop(L) + 1;
    const nb_foreign *foreign = nb_foreign_find(NB_FOREIGN_NAME, name);
    const char *usage = called && !foreign ? nbl_push_method_usage(L, kinds, name) : NULL;
    const char *nearest = foreign || usage ? NULL : nb_nearest(name, name_at, push_globals(L));
    if (foreign)
        lua_pushfstring(L, "; here that is %s", foreign->here);
    else if (usage && is_in_math(L, name))
        lua_pushfstring(L, "; it is a method: %s; of numbers math.%s", usage, name);
    else if (usage)
        lua_pushfstring(L, "; it is a method: %s", usage);
    else if (nearest)
        lua_pushfstring(L, "; did you mean '%s'?", nearest);
    else
        lua_pushliteral(L, "");
    if (lua_gettop(L) > text) lua_replace(L, text);
    lua_settop(L, text);
}

/* What to write where something was called that is no function: a field, a tensor. */
static const char *instead_of_call(const char *message, bool tensor)
{
    bool named = strstr(message, "(field '") || strstr(message, "(method '");
    if (tensor && strstr(message, "(for iterator")) return "write: for i, row in x:each() do";
    if (named) return "it is no function: write it without ( )";
    return tensor ? "its elements are x[i]" : NULL;
}

/* Lua's own message of a call, on the stack's top. A tensor's name advises where a number was
 * wanted, which is no advice here. */
static void add_call_advice(lua_State *L)
{
    static const char tensor[] = "call a tensor; x:item() gives its number value";
    int top = lua_gettop(L);
    const char *message = lua_tostring(L, top);
    bool is_tensor = strstr(message, tensor) != NULL;
    const char *advice = instead_of_call(message, is_tensor);
    if (is_tensor) message = luaL_gsub(L, message, tensor, "call a tensor value");
    lua_pushfstring(L, "%s%s%s", message, advice ? "; " : "", advice ? advice : "");
    lua_replace(L, top);
    lua_settop(L, top);
}

/* Fields of ours that may be nil, and what gives them; of somebody else's table it is true too. */
static const char *const may_lack[][2] = {
    {"mask", "a layer has none until net[l].mask = {w = t} gives it one"},
    {"flow", "a history has it of a run with {flow = true}"},
    {"metrics", "a history has it of a run with {metrics = …}"},
    {"history", "a network has it once it was trained"},
    {"grad", "a tensor that requires_grad has it behind c:backward()"},
};

/* Of "… a nil value (field 'mask')" what gives that field, or NULL. */
static const char *what_gives(const char *message)
{
    static const char field[] = "a nil value (field '";
    const char *name = strstr(message, field);
    if (!name) return NULL;
    name += sizeof field - 1;
    for (size_t i = 0; i < sizeof may_lack / sizeof *may_lack; i++) {
        size_t length = strlen(may_lack[i][0]);
        if (strcspn(name, "'") == length && memcmp(name, may_lack[i][0], length) == 0)
            return may_lack[i][1];
    }
    return NULL;
}

/* What Lua itself says of a value that is none, on the stack's top, gets an advice. */
static void add_advice(lua_State *L)
{
    static const char global[] = "a nil value (global '", index[] = " (field 'integer index')";
    int top = lua_gettop(L);
    const char *message = lua_tostring(L, top), *found;
    bool called = strstr(message, "attempt to call a ") != NULL;
    if ((found = strstr(message, global)) != NULL) {
        found += sizeof global - 1;
        const char *name = lua_pushlstring(L, found, strcspn(found, "'"));
        sh_push_meant(L, name, called);
        lua_pushfstring(L, "%s%s", message, lua_tostring(L, -1));
    } else if (strstr(message, "a nil value (") && (found = strstr(message, index)) != NULL) {
        lua_pushlstring(L, message, (size_t)(found - message));
        lua_pushfstring(L, "%s: nothing stands at that number%s", lua_tostring(L, -1),
                        found + sizeof index - 1);
    } else if (!called && what_gives(message)) {
        lua_pushfstring(L, "%s; %s", message, what_gives(message));
    } else if (called && !strstr(message, "a nil value")) {
        add_call_advice(L);
    }
    if (lua_gettop(L) > top) lua_replace(L, top);
    lua_settop(L, top);
}

/* Lua's own message of memory that ended, on the stack's top, says where the memory is. What was
 * garbage is given back now: a buffer that finds no room fails without asking the collector. */
static void add_memory(lua_State *L, const sh_shell *shell)
{
    char limit[NB_SIZE_TEXT_MAX], lua[NB_SIZE_TEXT_MAX], tensors[NB_SIZE_TEXT_MAX];
    const nb_memory *memory = &shell->ctx->memory;
    if (strcmp(lua_tostring(L, -1), "not enough memory") != 0) return;
    lua_pop(L, 1);
    lua_pushfstring(L, "not enough memory (limit %s; Lua holds %s, tensors hold %s)",
                    memory->limit ? nb_size_text(memory->limit, limit) : "none",
                    nb_size_text(shell->heap.held, lua), nb_size_text(memory->live, tensors));
    lua_gc(L, LUA_GCCOLLECT);
}

int sh_error_describe(lua_State *L)
{
    const sh_shell *shell = sh_shell_of(L);
    luaL_checkany(L, 1);
    if (shell->at_prompt) set_last_error(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING)
        lua_pushvalue(L, 1); /* its metatable is the user's */
    else if (luaL_getmetafield(L, 1, "__tostring"))
        luaL_tolstring(L, 1, NULL);
    else
        sh_show_push(L, 1, &shell->terminal);
    const char *message = lua_tostring(L, -1);
    lua_pushstring(L, shell->at_prompt ? sh_skip_position(message) : message);
    add_advice(L);
    add_memory(L, shell);
    if (lua_getfield(L, LUA_REGISTRYINDEX, FRAMES) != LUA_TSTRING)
        lua_pop(L, 1);
    else
        lua_concat(L, 2);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, FRAMES);
    return 1;
}
