/* From text to a Lua function. */
#include "shell/run/compile.h"

#include "base/utf8.h"
#include "shell/run/errors.h"
#include "shell/run/hints.h"
#include "shell/run/tokens.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The text in pieces; `return ` goes before the byte at `cut`. Read one by one, the bytes that were
 * asked for say how far Lua had come when it gave up. */
typedef struct feed {
    const char *piece[4];
    size_t length[4];
    int next;
    bool bytewise;
    size_t consumed;
} feed;

static const char prefix[] = "return ";

static feed make_feed(const char *source, bool with_return, size_t cut)
{
    feed f = {.piece = {source, with_return ? prefix : "", source + cut, "\n"}};
    f.length[0] = cut;
    f.length[1] = strlen(f.piece[1]);
    f.length[2] = strlen(f.piece[2]);
    f.length[3] = 1;
    return f;
}

static const char *read_feed(lua_State *L, void *self, size_t *size)
{
    feed *f = self;
    (void)L;
    while (f->next < 4 && f->length[f->next] == 0) f->next++;
    if (f->next == 4) return NULL;
    const char *piece = f->piece[f->next];
    *size = f->bytewise ? 1 : f->length[f->next];
    f->piece[f->next] += *size;
    f->length[f->next] -= *size;
    f->consumed += *size;
    return piece;
}

/* Pushes the function or the message. */
static bool load(lua_State *L, feed f, const char *name)
{
    int status = lua_load(L, read_feed, &f, name, "t");
    if (status == LUA_ERRMEM) lua_error(L);
    return status == LUA_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Lua puts the tokens that it quotes from the text between apostrophes, but not this one. */
static bool wants_more(const char *message)
{
    return ends_with(message, "near <eof>");
}

/* How many bytes of the source Lua had seen at the end of the token where it gave up. */
static size_t place_of_error(lua_State *L, const char *source, bool with_return, const char *name)
{
    feed f = make_feed(source, with_return, 0);
    f.bytewise = true;
    lua_load(L, read_feed, &f, name, "t");
    lua_pop(L, 1);
    size_t before = (with_return ? strlen(prefix) : 0) + 1; /* one byte is read ahead */
    size_t seen = f.consumed > before ? f.consumed - before : 0;
    return seen < strlen(source) ? seen : strlen(source);
}

/* Where the token begins that ends at or around byte `end`. */
static const char *token_at(const char *source, size_t end)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token = {.text = source};
    while (sh_scan_next(&scanner, &token))
        if ((size_t)(token.text + token.length - source) >= end) return token.text;
    return source + end;
}

void sh_push_mark(lua_State *L, const char *source, const char *place)
{
    const char *start = place, *p;
    while (start > source && start[-1] != '\n') start--;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "\n  ");
    luaL_addlstring(&b, start, strcspn(start, "\n"));
    luaL_addstring(&b, "\n  ");
    for (p = start; p < place; p++)
        if (*p == '\t' || !nb_is_tail(*p)) luaL_addchar(&b, *p == '\t' ? '\t' : ' ');
    luaL_addchar(&b, '^');
    luaL_pushresult(&b);
}

/* Lua tells the first byte of a letter that it does not take; the message on the stack's top gets
 * the letter. */
static void name_letter(lua_State *L, const char *token)
{
    char byte[16];
    size_t length = 1;
    if (((unsigned char)*token & 0xC0) != 0xC0) return;
    while (nb_is_tail(token[length])) length++;
    snprintf(byte, sizeof byte, "<\\%d>", (unsigned char)*token);
    lua_pushlstring(L, token, length);
    luaL_gsub(L, lua_tostring(L, -2), byte, lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Replaces the messages on the stack's top, of the text as it is and with `return`, by the one of
 * the attempt that came further. */
static void choose_message(lua_State *L, const char *source, const char *name)
{
    size_t plain = place_of_error(L, source, false, name);
    size_t returned = place_of_error(L, source, true, name);
    size_t place = plain < returned ? returned : plain;
    if (plain < returned) lua_copy(L, -1, -2);
    lua_pop(L, 1);
    const char *message = sh_skip_position(lua_tostring(L, -1));
    /* A token is only at fault where Lua names one. */
    bool has_place = strstr(message, " near ");
    luaL_gsub(L, message, "<eof> expected near", "unexpected symbol near");
    lua_remove(L, -2);
    if (!has_place) return;
    const char *token = token_at(source, place);
    name_letter(L, token);
    sh_push_hint(L, source, token);
    sh_push_mark(L, source, token);
    lua_concat(L, 3);
}

/* ---- The last statement ---- */

static bool is_one_of(const sh_token *token, const char *const *words)
{
    for (; *words; words++)
        if (sh_token_is(token, *words)) return true;
    return false;
}

/* Can a statement end here? */
static bool ends_statement(const sh_token *token)
{
    static const char *const words[] = {"end", "nil", "true", "false", "break", ")",
                                        "]",   "}",   ";",    "...",   "::",    NULL};
    if (token->kind == SH_KEYWORD || token->kind == SH_SYMBOL) return is_one_of(token, words);
    return token->kind == SH_NAME || token->kind == SH_NUMBER || token->kind == SH_STRING;
}

/* Could the token go on with what stands before it: a call, a subtraction? */
static bool may_go_on(const sh_token *token)
{
    static const char *const words[] = {"(", "{", "-", "~", NULL};
    return token->kind == SH_STRING || is_one_of(token, words);
}

static bool begins_expression(const sh_token *token)
{
    static const char *const words[] = {"nil",      "true", "false", "not",
                                        "function", "#",    "...",   NULL};
    if (token->kind == SH_NAME || token->kind == SH_NUMBER || may_go_on(token)) return true;
    return is_one_of(token, words);
}

/* Does the text from `cut` on give values, and what stands before it run without them? Leaves the
 * function. */
static bool load_split(lua_State *L, const char *source, const char *name, size_t cut)
{
    bool tail = load(L, make_feed(source + cut, true, 0), name);
    lua_pop(L, 1);
    if (tail && load(L, make_feed(source, true, cut), name)) return true;
    if (tail) lua_pop(L, 1);
    return false;
}

/* Statements of which the last is an expression: `x = 5; x`, a block from the clipboard. *shown is
 * its place. `whole`: Lua takes the text as it is, and reads on from line to line where it can. */
static bool load_last(lua_State *L, const char *source, const char *name, bool whole, size_t *shown)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token, before = {.kind = SH_COMMENT};
    int depth = 0;
    for (; sh_scan_next(&scanner, &token); before = token) {
        bool first = depth == 0 && ends_statement(&before) && begins_expression(&token) &&
                     (!whole || !may_go_on(&token) || sh_token_is(&before, ";"));
        *shown = (size_t)(token.text - source);
        if (first && load_split(L, source, name, *shown)) return true;
        depth += sh_token_nests(&token);
    }
    return false;
}

/* Is there nothing but a method's name behind the last colon? Pushes what is to be written. */
static bool lacks_call(lua_State *L, const char *source)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token, last[2] = {{.kind = SH_COMMENT}, {.kind = SH_COMMENT}};
    int depth = 0;
    for (; sh_scan_next(&scanner, &token); last[0] = last[1], last[1] = token)
        depth += sh_token_nests(&token);
    if (depth != 0 || !sh_token_is(&last[0], ":") || last[1].kind != SH_NAME) return false;
    const char *method = lua_pushlstring(L, last[1].text, last[1].length);
    size_t length = (size_t)(last[1].text + last[1].length - source);
    const char *call =
        strchr(lua_pushlstring(L, source, length), '\n') ? method : lua_tostring(L, -1);
    lua_pushfstring(L, "%s is a method, which is called: %s%s()", method, call == method ? ":" : "",
                    call);
    lua_insert(L, -3);
    lua_pop(L, 2);
    return true;
}

/* Neither the text nor an expression of it is whole: their messages are on the stack's top, and one
 * is left where it is wrong. */
static sh_compiled judge(lua_State *L, const char *source, const char *name, bool unfinished)
{
    if (!unfinished) {
        choose_message(L, source, name);
        return SH_WRONG;
    }
    lua_pop(L, 2);
    return lacks_call(L, source) ? SH_WRONG : SH_UNFINISHED;
}

sh_compiled sh_compile(lua_State *L, const char *source, const char *name, size_t *shown)
{
    size_t ignored, *place = shown ? shown : &ignored;
    *place = 0;
    if (load(L, make_feed(source, true, 0), name)) return SH_WHOLE;
    bool unfinished = wants_more(lua_tostring(L, -1));
    bool whole = load(L, make_feed(source, false, 0), name);
    if (load_last(L, source, name, whole, place)) {
        lua_replace(L, -3);
        lua_pop(L, 1);
        return SH_WHOLE;
    }
    *place = strlen(source);
    if (whole) {
        lua_remove(L, -2);
        return SH_WHOLE;
    }
    unfinished = unfinished || wants_more(lua_tostring(L, -1));
    lua_insert(L, -2);
    return judge(L, source, name, unfinished);
}
