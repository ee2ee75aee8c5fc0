/* What the prompt understands besides Lua. One table: the commands, their help and their functions.
 */
#include "shell/commands.h"

#include "base/option.h"
#include "base/text.h"
#include "shell/about.h"
#include "shell/editor.h"
#include "shell/globals.h"
#include "shell/record.h"
#include "shell/run/errors.h"
#include "shell/run/interrupt.h"
#include "shell/run/source.h"
#include "shell/run/stopwatch.h"
#include "shell/run/tokens.h"
#include "shell/line/history.h"
#include "shell/screen/pager.h"
#include "shell/screen/say.h"
#include "shell/script.h"
#include "shell/session.h"
#include "shell/system.h"

#include <ctype.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
    const char *name;
    const char *usage;
    const char *help;
    void (*run)(sh_shell *shell, const char *argument);
    sh_argument takes;
} command;

static void do_edit(sh_shell *shell, const char *argument);
static void do_help(sh_shell *shell, const char *argument);
static void do_history(sh_shell *shell, const char *argument);
static void do_load(sh_shell *shell, const char *argument);
static void do_quit(sh_shell *shell, const char *argument);
static void do_reset(sh_shell *shell, const char *argument);
static void do_save(sh_shell *shell, const char *argument);
static void do_time(sh_shell *shell, const char *argument);
static void do_trace(sh_shell *shell, const char *argument);
static void do_who(sh_shell *shell, const char *argument);

static const command commands[] = {
    {".edit", ".edit [FILE]", "the last input, or a file, in $EDITOR; then run it", do_edit,
     SH_TAKES_FILE},
    {".exit", ".exit", "leave, as .quit does", do_quit, SH_TAKES_NOTHING},
    {".help", ".help [NAME]", "help on a name; ? and ?NAME do the same", do_help, SH_TAKES_TOPIC},
    {".history", ".history [N]", "what was typed, the last N, the last one first", do_history,
     SH_TAKES_NOTHING},
    {".load", ".load FILE", "run a file in this session", do_load, SH_TAKES_FILE},
    {".quit", ".quit", "leave; Ctrl-D does the same", do_quit, SH_TAKES_NOTHING},
    {".reset", ".reset", "forget the session's variables and inputs", do_reset, SH_TAKES_NOTHING},
    {".save", ".save FILE", "the session so far as a script; -f replaces a file", do_save,
     SH_TAKES_FILE},
    {".time", ".time on|off|CODE", "how long inputs take; CODE over many runs", do_time,
     SH_TAKES_CODE},
    {".trace", ".trace", "all frames of the last error", do_trace, SH_TAKES_NOTHING},
    {".who", ".who", "the session's variables", do_who, SH_TAKES_NOTHING},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- Help ---- */

typedef struct question {
    const char *name; /* "" for the overview */
    size_t length;
    bool source; /* ??name: with the Lua source */
} question;

/* Pushes the value of a chain of names, read raw; nil where it leads nowhere. */
static void push_chain(lua_State *L, const char *name, size_t length)
{
    const char *end = name + length;
    sh_push_globals(L);
    while (name < end) {
        size_t part = 0;
        while (name + part < end && name[part] != '.' && name[part] != ':') part++;
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            lua_pushnil(L);
            return;
        }
        lua_pushlstring(L, name, part);
        lua_rawget(L, -2);
        lua_remove(L, -2);
        name += part + 1;
    }
}

/* Pushes the text that the library has for the value on the stack's top, popped, and whether it
 * knows it; for none the overview. */
static void push_page(lua_State *L)
{
    bool asked = !lua_isnil(L, -1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "nabla");
    lua_getfield(L, -1, "_help");
    lua_getfield(L, -1, "text");
    if (asked) lua_pushvalue(L, -5);
    lua_call(L, asked, 2);
}

/* Pushes the session's own variable that the question names, or a field of it, and what is said of
 * it; false: there is none. */
static bool push_own(lua_State *L, const question *q)
{
    size_t first = strcspn(q->name, ".:");
    if (first > q->length) first = q->length;
    if (!sh_session_push_own(L, q->name, first)) return false;
    push_chain(L, q->name, q->length);
    if (lua_isnil(L, -1)) return false;
    lua_pushlstring(L, q->name, q->length);
    lua_pushliteral(L, ": ");
    sh_push_about(L, -3, &sh_shell_of(L)->terminal, q->source);
    lua_concat(L, 3);
    return true;
}

/* A variable comes with the page of what it is: a network's, a function's of the library. */
static int push_help(lua_State *L)
{
    const question *q = sh_work(L);
    bool own = push_own(L, q);
    int about = lua_gettop(L);
    if (own && lua_isstring(L, about - 1)) return 1; /* no name but a value */
    if (own)
        lua_pushvalue(L, about - 1);
    else if (q->length)
        lua_pushlstring(L, q->name, q->length);
    else
        lua_pushnil(L);
    push_page(L);
    bool known = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (own && !known) return lua_settop(L, about), 1;
    if (own) {
        lua_pushfstring(L, "%s\n\n%s", lua_tostring(L, about), lua_tostring(L, -1));
    } else if (q->source) {
        push_chain(L, q->name, q->length);
        lua_insert(L, -2);
        sh_add_source(L, lua_gettop(L) - 1);
    }
    return 1;
}

/* The rest of what is not Lua. */
static const struct sign {
    const char *name, *usage, *help;
} signs[] = {
    {"?", "?NAME  NAME?", "help on a name; ??NAME and NAME?? with its Lua source"},
    {"!", "!COMMAND", "a command of the system; _ is its exit status"},
    {"_", "_  _2 _3 _4", "the last results; _err is the last error"},
    {"_err", "_err", "the last error, as it was raised; .trace shows all its frames"},
    {";", "LINE;", "carried out without showing its value"},
};

enum { SIGNS = sizeof signs / sizeof *signs };

enum { INDENT = 2, BELOW = 4, BESIDE = 19 /* columns */ };

/* Beside one another, where there is room. */
static void add_usage(nb_text *text, const char *usage, const char *help)
{
    bool beside = sh_terminal_columns() > 2 * BESIDE;
    if (beside)
        nb_text_add(text, "  %-16s ", usage);
    else
        nb_text_add(text, "  %s\n%*s", usage, BELOW, "");
    sh_add_words(text, help, beside ? BESIDE : BELOW);
    nb_text_add(text, "\n");
}

static bool add_page(nb_text *text, const char *usage, const char *help)
{
    nb_text_add(text, "%s\n%*s", usage, INDENT, "");
    sh_add_words(text, help, INDENT);
    nb_text_add(text, "\n");
    return true;
}

/* The commands, for the end of the overview. */
static void add_commands(nb_text *text)
{
    nb_text_add(text, "\nAt the prompt:\n");
    for (int i = 0; i < COMMANDS; i++) add_usage(text, commands[i].usage, commands[i].help);
    for (int i = 0; i < SIGNS; i++) add_usage(text, signs[i].usage, signs[i].help);
}

/* Adds the page of what is the prompt's own: a command, a sign. False: `name` is none. */
static bool add_own_page(nb_text *text, const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return add_page(text, commands[i].usage, commands[i].help);
    bool result = name[0] == '_' && name[1] >= '2' && name[1] <= '4' && name[2] == '\0';
    for (int i = 0; i < SIGNS; i++)
        if (strcmp(signs[i].name, result ? "_" : name) == 0)
            return add_page(text, signs[i].usage, signs[i].help);
    return false;
}

static void add_answer(sh_shell *shell, nb_text *text, question q)
{
    sh_push_work(shell, push_help, &q);
    if (sh_call(shell, 1, 1) != SH_OK) return;
    const char *page = lua_tostring(shell->L, -1);
    nb_text_add_escaped(text, page, strlen(page), NB_ESCAPE_LINES);
    nb_text_add(text, "\n");
    if (q.length == 0) add_commands(text);
    lua_pop(shell->L, 1);
}

static void answer(sh_shell *shell, question q)
{
    nb_text text, name;
    nb_text_init(&text, shell->ctx);
    nb_text_init(&name, shell->ctx);
    nb_text_add_bytes(&name, q.name, q.length);
    if (!add_own_page(&text, nb_text_get(&name))) add_answer(shell, &text, q);
    sh_page(shell, nb_text_get(&text), text.length);
    nb_text_free(&name);
    nb_text_free(&text);
}

static void do_help(sh_shell *shell, const char *argument)
{
    answer(shell, (question){argument, strlen(argument), false});
}

/* ---- The others ---- */

static void do_history(sh_shell *shell, const char *argument)
{
    nb_text text;
    char *end;
    long most = *argument ? strtol(argument, &end, 10) : LONG_MAX;
    if (*argument && (*end || most < 1)) {
        sh_complain(shell, ".history wants how many of the last inputs, or nothing");
        return;
    }
    nb_text_init(&text, shell->ctx);
    for (size_t i = sh_history_count(); i > 0 && most > 0; i--, most--) {
        const char *entry = sh_history_entry(i - 1);
        nb_text_add(&text, "%5zu  ", i);
        nb_text_add_escaped(&text, entry, strlen(entry), NB_ESCAPE_LINES);
        nb_text_add(&text, "\n");
    }
    if (text.failed) sh_complain(shell, "not enough memory for the whole history");
    sh_page(shell, nb_text_get(&text), text.length);
    nb_text_free(&text);
}

/* Runs a file; the script of the session does so too. */
static void load_file(sh_shell *shell, const char *path)
{
    nb_text line;
    bool failed = sh_run_file(shell, path) != SH_OK;
    nb_text_init(&line, shell->ctx);
    nb_text_add(&line, "dofile [==[%s]==]", path);
    if (!line.failed)
        sh_record_add(shell, nb_text_get(&line), failed ? SH_RECORD_FAILED : SH_RECORD_PLAIN);
    nb_text_free(&line);
}

static void do_load(sh_shell *shell, const char *argument)
{
    if (*argument)
        load_file(shell, argument);
    else
        sh_complain(shell, ".load wants the name of a file");
}

static void do_save(sh_shell *shell, const char *argument)
{
    bool replace = strncmp(argument, "-f ", 3) == 0;
    if (replace) argument += 3 + strspn(argument + 3, " \t");
    if (*argument && strcmp(argument, "-f") != 0)
        sh_record_save(shell, argument, replace);
    else
        sh_complain(shell, ".save wants the name of a file");
}

/* The last input that was Lua. */
static const char *last_input(void)
{
    for (size_t i = sh_history_count(); i > 0; i--)
        if (!sh_is_command(sh_history_entry(i - 1))) return sh_history_entry(i - 1);
    return "";
}

/* What comes out of the editor is an input like any other, which the prompt carries out. */
static void do_edit(sh_shell *shell, const char *argument)
{
    if (*argument) {
        if (sh_editor_open(shell, argument)) load_file(shell, argument);
        return;
    }
    free(shell->edited);
    shell->edited = sh_editor_run(shell, last_input());
}

static void do_quit(sh_shell *shell, const char *argument)
{
    (void)argument;
    shell->leaving = true;
}

static void do_reset(sh_shell *shell, const char *argument)
{
    (void)argument;
    /* One that raises would let nothing else be typed. */
    sh_hook_take(shell->L);
    sh_session_reset(shell);
    sh_record_clear(shell);
}

static void do_time(sh_shell *shell, const char *argument)
{
    bool on = strcmp(argument, "on") == 0, off = strcmp(argument, "off") == 0;
    if (!*argument)
        sh_complain(shell, ".time wants on, off, or what is to be timed");
    else if (on || off)
        shell->timing = on;
    else
        sh_stopwatch(shell, argument);
}

static void do_trace(sh_shell *shell, const char *argument)
{
    (void)argument;
    sh_push_trace(shell->L);
    const char *trace = lua_tostring(shell->L, -1);
    sh_put(stdout, trace ? trace : "no error yet", NB_ESCAPE_LINES);
    putchar('\n');
    fflush(stdout);
    lua_pop(shell->L, 1);
}

static void do_who(sh_shell *shell, const char *argument)
{
    (void)argument;
    sh_session_who(shell);
}

/* ---- The system ---- */

static int set_last(lua_State *L)
{
    const int *status = sh_work(L);
    sh_push_globals(L);
    lua_pushliteral(L, "_");
    lua_pushinteger(L, *status);
    lua_rawset(L, -3);
    return 0;
}

static void call_system(sh_shell *shell, const char *line)
{
    int status = sh_system(shell, line);
    if (status >= 0) sh_protect(shell, set_last, &status, 0);
}

/* ---- Telling them apart ---- */

static const char *skip_space(const char *line)
{
    return line + strspn(line, " \t");
}

/* The length of a name, dotted or with a method, that a "?", or "??" for its source, and nothing
 * else follows; 0: there is none. */
static size_t asked_behind(const char *line, bool *source)
{
    size_t length = 0;
    while (isalnum((unsigned char)line[length]) || strchr("_.:", line[length])) {
        if (line[length] == '\0') return 0;
        length++;
    }
    const char *rest = line + length;
    *source = rest[0] == '?' && rest[1] == '?';
    bool asked = *rest == '?' && *skip_space(rest + 1 + *source) == '\0';
    return asked && (isalpha((unsigned char)*line) || *line == '_') ? length : 0;
}

bool sh_is_command(const char *line)
{
    bool source;
    line = skip_space(line);
    if (*line == '.') return isalpha((unsigned char)line[1]);
    return *line == '?' || *line == '!' || asked_behind(line, &source) > 0;
}

const char *sh_command_name(size_t i)
{
    return i < COMMANDS ? commands[i].name : NULL;
}

sh_argument sh_command_takes(const char *name, size_t length)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strlen(commands[i].name) == length && memcmp(commands[i].name, name, length) == 0)
            return commands[i].takes;
    return SH_TAKES_NOTHING;
}

static const char *command_name(const void *list, size_t i)
{
    (void)list;
    return sh_command_name(i);
}

static void unknown(sh_shell *shell, const char *name)
{
    char text[128];
    const char *near = nb_nearest(name, command_name, NULL);
    snprintf(text, sizeof text, "there is no command %.40s; %s%s%s", name,
             near ? "did you mean '" : "? lists them", near ? near : "", near ? "'?" : "");
    sh_complain(shell, text);
}

/* `line` without the space at its end, in a buffer of the caller's. */
static bool run_command(sh_shell *shell, char *line)
{
    for (size_t n = strlen(line); n && isspace((unsigned char)line[n - 1]); n--) line[n - 1] = '\0';
    char *argument = line + strcspn(line, " \t");
    if (*argument) *argument++ = '\0';
    argument += strspn(argument, " \t");
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(line, commands[i].name) == 0) {
            commands[i].run(shell, argument);
            return true;
        }
    unknown(shell, line);
    return false;
}

static void ask_before(sh_shell *shell, const char *line)
{
    bool source = line[1] == '?';
    line = skip_space(line + 1 + source);
    size_t length = strlen(line);
    while (length && isspace((unsigned char)line[length - 1])) length--;
    answer(shell, (question){line, length, source});
}

bool sh_command(sh_shell *shell, const char *line)
{
    line = skip_space(line);
    bool source, there = true;
    size_t behind = asked_behind(line, &source);
    if (*line == '?') {
        ask_before(shell, line);
    } else if (*line == '!') {
        call_system(shell, line + 1);
    } else if (behind) {
        answer(shell, (question){line, behind, source});
    } else {
        char *copy = strdup(line);
        if (copy)
            there = run_command(shell, copy);
        else
            sh_complain(shell, "not enough memory");
        free(copy);
    }
    return there;
}
