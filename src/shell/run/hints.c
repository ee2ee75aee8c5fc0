/* What is written in Lua for the syntax of other languages. */
#include "shell/run/hints.h"

#include "base/foreign.h"
#include "shell/globals.h"
#include "shell/run/tokens.h"

#include <lauxlib.h>
#include <string.h>

/* Does a sign of the table stand in the text so that `place` is in it? The longest one counts. */
static const nb_foreign *find_sign(const char *source, const char *place)
{
    const nb_foreign *entry, *best = NULL;
    size_t before = (size_t)(place - source), most = 0;
    for (size_t i = 0; (entry = nb_foreign_at(i)); i++) {
        size_t length = strlen(entry->word);
        if (entry->kind != NB_FOREIGN_SIGN || length <= most) continue;
        for (size_t back = 0; back < length && back <= before; back++)
            if (strncmp(place - back, entry->word, length) == 0) {
                best = entry;
                most = length;
            }
    }
    return best;
}

/* The words of the table stand alone: `def f`, `elif x`. */
static bool is_word(const nb_foreign *entry)
{
    return entry && *entry->word >= 'a' && *entry->word <= 'z' && !strchr(entry->word, '[');
}

static const nb_foreign *find_token(const sh_token *token)
{
    const nb_foreign *entry;
    for (size_t i = 0; (entry = nb_foreign_at(i)); i++)
        if (entry->kind == NB_FOREIGN_SIGN && sh_token_is(token, entry->word)) return entry;
    return NULL;
}

/* A list in brackets, a range or two indices between them: what Lua trips over is the bracket, the
 * colon, the comma. */
static const nb_foreign *find_brackets(char last, bool in_bracket)
{
    if (last == '[') return nb_foreign_find(NB_FOREIGN_SIGN, "[1,2]");
    if (!in_bracket || !strchr(":,", last)) return NULL;
    return nb_foreign_find(NB_FOREIGN_SIGN, last == ':' ? "x[1:3]" : "x[1,2]");
}

/* ---- Where it stands ---- */

enum { DEPTH_MOST = 64 }; /* brackets deeper than that are not told apart */

typedef struct around {
    sh_token before, token; /* the one that Lua trips over, and that before it */
    sh_token waits;        /* for, while, if or elseif, whose do or then has not come; or no text */
    char open[DEPTH_MOST]; /* brackets: "(" of an expression, "f" of a call */
    int depth, squares;
} around;

static void open_or_close(around *a, const sh_token *token)
{
    bool call =
        sh_token_is(token, "(") && (a->before.kind == SH_NAME || sh_token_is(&a->before, ")"));
    if (token->length != 1 || token->kind != SH_SYMBOL) return;
    if (strchr("([{", *token->text)) {
        if (a->depth < DEPTH_MOST) a->open[a->depth] = call ? 'f' : *token->text;
        a->depth++;
    } else if (strchr(")]}", *token->text) && a->depth > 0) {
        a->depth--;
    }
    a->squares += sh_token_is(token, "[") - sh_token_is(token, "]");
}

static around look_around(const char *source, const char *place)
{
    static const char *const begins[] = {"for", "while", "if", "elseif"};
    around a = {.before = {.text = source}, .token = {.text = source}};
    sh_scanner scanner = sh_scan(source, strlen(source));
    for (; sh_scan_next(&scanner, &a.token) && a.token.text < place; a.before = a.token) {
        open_or_close(&a, &a.token);
        if (sh_token_is(&a.token, "do") || sh_token_is(&a.token, "then")) a.waits.text = NULL;
        for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
            if (sh_token_is(&a.token, begins[i])) a.waits = a.token;
    }
    return a;
}

static const nb_foreign *find_hint(const around *a, const char *source, const char *place)
{
    const nb_foreign *entry = find_token(&a->before);
    if (!is_word(entry)) entry = find_token(&a->token);
    if (is_word(entry)) return entry;
    entry = find_brackets(*place, a->squares > 0);
    if (!entry) entry = find_sign(source, place);
    return is_word(entry) ? NULL : entry;
}

/* ---- What is no word of others ---- */

/* A value that can be called by its bare name, as print and plot are. */
static bool is_callable(lua_State *L, const sh_token *name)
{
    if (name->kind != SH_NAME) return false;
    sh_push_globals(L);
    lua_pushlstring(L, name->text, name->length);
    lua_rawget(L, -2);
    bool callable = lua_isfunction(L, -1);
    if (!callable && luaL_getmetafield(L, -1, "__call") != LUA_TNIL) {
        callable = true;
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return callable;
}

/* `print x`, `f(x, lr = 3)`, `if a = b`, a loop without its do. */
static void push_advice(lua_State *L, const around *a)
{
    const sh_token *before = &a->before, *token = &a->token, *waits = &a->waits;
    bool value = token->kind == SH_NAME || token->kind == SH_NUMBER;
    bool word = token->kind == SH_NAME || token->kind == SH_KEYWORD;
    bool in_call = a->depth > 0 && a->depth <= DEPTH_MOST && a->open[a->depth - 1] == 'f';
    if (sh_token_is(token, "=") && in_call && before->kind == SH_NAME) {
        lua_pushlstring(L, before->text, before->length);
        lua_pushfstring(L, "; options stand in a table: {%s = …}", lua_tostring(L, -1));
        lua_remove(L, -2);
    } else if (sh_token_is(token, "=") && waits->text) {
        lua_pushliteral(L, "; two values are compared by ==");
    } else if (value && is_callable(L, before)) {
        lua_pushlstring(L, before->text, before->length);
        lua_pushlstring(L, token->text, token->length);
        /* Help is on a name, which need be nobody's value. */
        bool help = sh_token_is(before, "help");
        lua_pushfstring(L, help ? "; write %s \"%s\"" : "; a call has brackets: %s(%s)",
                        lua_tostring(L, -2), lua_tostring(L, -1));
        lua_replace(L, -3);
        lua_pop(L, 1);
    } else if (word && waits->text) {
        bool loops = sh_token_is(waits, "for") || sh_token_is(waits, "while");
        lua_pushlstring(L, waits->text, waits->length);
        lua_pushfstring(L, "; it is written %s … %s … end", lua_tostring(L, -1),
                        loops ? "do" : "then");
        lua_remove(L, -2);
    } else {
        lua_pushliteral(L, "");
    }
}

void sh_push_hint(lua_State *L, const char *source, const char *place)
{
    around a = look_around(source, place);
    const nb_foreign *entry = find_hint(&a, source, place);
    bool letter = (unsigned char)*place >= 0x80;
    if (letter) lua_pushliteral(L, "; names take a to z, A to Z, 0 to 9 and _");
    if (entry) lua_pushfstring(L, "; for %s write %s", entry->word, entry->here);
    if (!letter && !entry) push_advice(L, &a);
    if (letter && entry) lua_concat(L, 2);
}
