/* How the bytes of an input look. What can be told of the text alone is written first; then, in a
 * protected call, what needs Lua's tables, so that when memory ends there the rest stands. */
#include "shell/colour/colour.h"

#include "shell/colour/known.h"
#include "shell/colour/notation.h"
#include "shell/commands.h"
#include "shell/globals.h"
#include "shell/run/eval.h"
#include "shell/run/quiet.h"
#include "shell/session.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

typedef struct task {
    const char *text, *end;
    const char *cursor; /* NULL: there is none */
    unsigned char *style;
    char *copy; /* of the text, for what reads up to a NUL */
    sh_parts parts;
    sh_names names;
} task;

static void put(task *t, const char *from, size_t length, int style)
{
    memset(t->style + (from - t->text), style, length);
}

static void add(task *t, const sh_token *token, int flag)
{
    for (size_t i = 0; i < token->length; i++)
        t->style[token->text - t->text + (ptrdiff_t)i] |= (unsigned char)flag;
}

/* ---- What the text says alone --------------------------------------------------------------- */

static void put_tokens(task *t)
{
    static const sh_style styles[] = {
        [SH_NAME] = SH_STYLE_PLAIN,    [SH_KEYWORD] = SH_STYLE_KEYWORD,
        [SH_NUMBER] = SH_STYLE_NUMBER, [SH_STRING] = SH_STYLE_STRING,
        [SH_SYMBOL] = SH_STYLE_PLAIN,  [SH_COMMENT] = SH_STYLE_COMMENT,
        [SH_STRANGE] = SH_STYLE_PLAIN};
    for (int i = 0; i < t->parts.count; i++) {
        const sh_token *token = &t->parts.part[i].token;
        put(t, token->text, token->length, (int)styles[token->kind]);
    }
}

/* The bracket or block word that ends or begins at the cursor, and its other; what was typed last
 * comes first. */
static void mark_match(task *t)
{
    const sh_part *found = NULL;
    for (int i = 0; i < t->parts.count && t->cursor; i++) {
        const sh_part *part = &t->parts.part[i];
        const char *start = part->token.text, *end = start + part->token.length;
        if (part->other < 0 || start > t->cursor || end < t->cursor) continue;
        if (!found || end == t->cursor) found = part;
    }
    if (!found) return;
    add(t, &found->token, SH_STYLE_MATCH);
    add(t, &t->parts.part[found->other].token, SH_STYLE_MATCH);
}

/* ---- Strings -------------------------------------------------------------------------------- */

/* Bytes of the quotes or the long bracket before a string's text. */
static size_t quote_length(const sh_token *token)
{
    size_t length = 1;
    if (token->text[0] != '[') return 1;
    while (token->text[length] == '=') length++;
    return length + 1;
}

/* Escapes of blanks are blanks, as Lua reads them. */
static void blank_escapes(char *text)
{
    for (; (text = strchr(text, '\\')); text += 2) {
        if (!text[1]) return;
        if (strchr("nrtvfz\n", text[1])) text[0] = text[1] = ' ';
    }
}

static void put_string(lua_State *L, task *t, int i)
{
    const char *kind;
    const sh_token *token = &t->parts.part[i].token;
    const sh_before all = sh_before_part(&t->parts, i);
    sh_holds holds = sh_string_holds(&all, &kind);
    if (holds != SH_HOLDS_NET && holds != SH_HOLDS_LAYERS && holds != SH_HOLDS_KIND) return;
    size_t quote = quote_length(token), at = (size_t)(token->text - t->text) + quote;
    char *text = t->copy + at;
    text[token->length - quote - (token->open ? 0 : quote)] = '\0';
    if (quote == 1) blank_escapes(text);
    sh_colour_notation(L, holds, kind, text, t->cursor ? t->copy + (t->cursor - t->text) : NULL,
                       t->style + at);
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* What a name is that is read as a global. */
enum { NOT_LOOKED, IS_UNKNOWN, IS_OWN, IS_GIVEN };

/* Replaces the key on the stack's top by its value among the globals or, raw too, in the tables
 * that stand behind them. */
static bool push_global(lua_State *L, int globals)
{
    enum { BEHIND_MOST = 16 };
    int key = lua_gettop(L);
    lua_pushvalue(L, globals);
    for (int i = 0; i < BEHIND_MOST && lua_istable(L, -1); i++) {
        lua_pushvalue(L, key);
        if (lua_rawget(L, -2) != LUA_TNIL) break;
        lua_pop(L, 1);
        if (!lua_getmetatable(L, -1)) break;
        lua_pushliteral(L, "__index");
        lua_rawget(L, -2);
        lua_replace(L, key + 1);
        lua_settop(L, key + 1);
    }
    bool found = lua_gettop(L) == key + 2;
    if (!found) lua_pushnil(L);
    lua_replace(L, key);
    lua_settop(L, key);
    return found;
}

/* Leaves the value on the stack. */
static int look_up(lua_State *L, const sh_name *name, int globals, int before)
{
    const char *key = lua_pushlstring(L, name->text, name->length);
    bool is_result = sh_is_result(key);
    lua_pushvalue(L, -1);
    bool found = push_global(L, globals);
    if (is_result) return IS_GIVEN;
    if (!found) return name->assigned ? IS_OWN : IS_UNKNOWN;
    lua_pushvalue(L, -2);
    lua_rawget(L, before);
    bool given = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return given ? IS_GIVEN : IS_OWN;
}

/* Fields behind a name that is given, as far as they are there: nn.net. The value is on the
 * stack's top. */
static void put_fields(lua_State *L, task *t, int i)
{
    for (; lua_istable(L, -1); i += 2) {
        const sh_part *part = &t->parts.part[i];
        if (i + 2 >= t->parts.count || !sh_part_is(part + 1, ".")) return;
        const sh_token *field = &part[2].token;
        if (field->kind != SH_NAME) return;
        lua_pushlstring(L, field->text, field->length);
        if (lua_rawget(L, -2) == LUA_TNIL) return;
        luaL_checkstack(L, LUA_MINSTACK, NULL);
        put(t, field->text, field->length, SH_STYLE_NAME);
    }
}

/* The name at the cursor may become another; one that begins a statement, with nothing behind it
 * yet, may be given a value. */
static bool is_under_way(const task *t, int i)
{
    const sh_part *part = &t->parts.part[i];
    bool last = i == t->parts.count - 1 && t->cursor == t->end;
    if (part->token.text + part->token.length == t->cursor) return true;
    return last && sh_part_begins(&t->parts, i);
}

static void put_name(lua_State *L, task *t, int i, int globals, int before)
{
    const sh_token *token = &t->parts.part[i].token;
    sh_name *name = &t->names.name[t->names.of[i]];
    if (name->place == NOT_LOOKED || name->place == IS_GIVEN)
        name->place = look_up(L, name, globals, before);
    if (name->place == IS_GIVEN) {
        put(t, token->text, token->length, SH_STYLE_NAME);
        put_fields(L, t, i);
    }
    if (name->place == IS_UNKNOWN && !is_under_way(t, i)) add(t, token, SH_STYLE_UNKNOWN);
    lua_settop(L, before);
}

/* With an _ENV of its own an input reads other globals. */
static bool has_environment(const task *t)
{
    for (int i = 0; i < t->names.count; i++) {
        const sh_name *name = &t->names.name[i];
        if (name->length == 4 && memcmp(name->text, "_ENV", 4) == 0) return true;
    }
    return false;
}

static int put_known(lua_State *L)
{
    task *t = lua_touserdata(L, 1);
    sh_push_globals(L);
    sh_session_push_before(L);
    int before = lua_gettop(L);
    bool known = !t->names.name || has_environment(t); /* all of them, as far as can be told */
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    for (int i = 0; i < t->parts.count; i++) {
        if (t->parts.part[i].token.kind == SH_STRING) put_string(L, t, i);
        if (!known && t->names.of[i] >= 0) put_name(L, t, i, before - 1, before);
    }
    return 0;
}

/* ---- Commands ------------------------------------------------------------------------------- */

/* Is the word a command, or on its way to one? */
static bool is_known(const task *t, const char *word, size_t length)
{
    const char *name;
    bool typed = t->cursor == t->text + (word - t->copy) + length;
    for (size_t i = 0; (name = sh_command_name(i)); i++)
        if (strncmp(name, word, length) == 0 && (typed || !name[length])) return true;
    return false;
}

/* The bytes at the beginning that are a command; what stands behind them may be Lua. */
static size_t put_command(task *t)
{
    const char *line = t->copy + strspn(t->copy, " \t");
    size_t length = strcspn(line, "\n"), word = strcspn(line, " \t\n");
    size_t indent = (size_t)(line - t->copy), all = (size_t)(t->end - t->text);
    if (!sh_is_command(t->copy)) return 0;
    if (*line == '?' || *line == '!') {
        memset(t->style + indent, SH_STYLE_COMMAND, strspn(line, *line == '?' ? "?" : "!"));
        return all;
    }
    if (*line != '.') { /* name? */
        while (length > 0 && strchr("? \t", line[length - 1])) length--;
        memset(t->style + indent + length, SH_STYLE_COMMAND, all - indent - length);
        return all;
    }
    bool known = is_known(t, line, word);
    memset(t->style + indent, SH_STYLE_COMMAND | (known ? 0 : SH_STYLE_UNKNOWN), word);
    return sh_command_takes(line, word) == SH_TAKES_CODE ? indent + word : all;
}

/* ---- All of it ------------------------------------------------------------------------------ */

static void put_code(sh_shell *shell, task *t, const char *code)
{
    if (!sh_parts_read(&t->parts, code, (size_t)(t->end - code), true)) return;
    put_tokens(t);
    /* Without memory for the names the rest is told all the same. */
    sh_names_read(&t->names, &t->parts);
    sh_quietly(shell, put_known, t);
    mark_match(t);
    sh_names_free(&t->names);
    sh_parts_free(&t->parts);
}

void sh_colour_text(sh_shell *shell, const char *text, size_t length, size_t cursor,
                    unsigned char *style)
{
    if (length == 0) return;
    task t = {.text = text,
              .end = text + length,
              .cursor = cursor <= length ? text + cursor : NULL,
              .style = style,
              .copy = malloc(length + 1)};
    memset(style, SH_STYLE_PLAIN, length);
    if (!t.copy) return;
    memcpy(t.copy, text, length);
    t.copy[length] = '\0';
    size_t command = put_command(&t);
    if (command < length) put_code(shell, &t, text + command);
    free(t.copy);
}
