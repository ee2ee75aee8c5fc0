/* What could stand where the cursor is: reading the text before it. members.c finds the candidates.
 */
#include "shell/complete/complete.h"

#include "shell/commands.h"
#include "shell/run/interrupt.h"
#include "shell/complete/members.h"
#include "shell/complete/strings.h"

#include <stdlib.h>
#include <string.h>

/* Text further back than this is not looked at. */
enum { TEXT_SEEN = 16 << 10 };

typedef struct task {
    sh_completion *to;
    const char *text, *end;
    sh_token *token; /* those before the word under way */
    int count;
} task;

/* The token `back` places before the word (1: right before), an empty one where there is none. */
static const sh_token *before(const task *t, int back)
{
    static const sh_token none = {.kind = SH_STRANGE, .text = ""};
    return back <= t->count ? &t->token[t->count - back] : &none;
}

static bool is_before(const task *t, int back, const char *text)
{
    return sh_token_is(before(t, back), text);
}

static void read_tokens(lua_State *L, task *t)
{
    sh_scanner scanner = sh_scan(t->text, (size_t)(t->end - t->text));
    /* A token takes at least one byte. */
    t->token = lua_newuserdatauv(L, (size_t)(t->end - t->text + 1) * sizeof *t->token, 0);
    while (sh_scan_next(&scanner, &t->token[t->count])) t->count++;
}

/* Does the text end inside a comment of one line? The scanner skips those. */
static bool in_comment(const task *t)
{
    const char *p = t->count ? before(t, 1)->text + before(t, 1)->length : t->text;
    bool inside = false;
    for (; p < t->end; p++) {
        if (*p == '\n')
            inside = false;
        else if (*p == '-')
            inside = true;
    }
    return inside;
}

/* ---- Chains: a.b[1]:c( ---- */

/* The place of the bracket that opens what the one at `close` closes, -1 when it is not there. */
static int opening_of(const task *t, int close)
{
    int depth = 0;
    for (int i = close; i >= 0; i--) {
        depth -= sh_token_nests(&t->token[i]);
        if (depth == 0) return i;
    }
    return -1;
}

/* The place where the chain begins whose last token is at `last`, -1 when it is no chain of names
 * and indices. */
static int chain_start(const task *t, int last)
{
    for (int i = last; i >= 0; i--) {
        const sh_token *token = &t->token[i];
        if (sh_token_is(token, "]") || sh_token_is(token, ")")) {
            i = opening_of(t, i);
            continue;
        }
        if (token->kind != SH_NAME) return -1;
        bool goes_on = i > 0 && (sh_token_is(token - 1, ".") || sh_token_is(token - 1, ":"));
        if (!goes_on) return i;
        i--;
    }
    return -1;
}

/* Follows tokens first … last from the globals. */
static bool resolve(lua_State *L, const task *t, int first, int last, sh_member *m)
{
    if (first < 0 || !sh_member_global(L, m, &t->token[first])) return false;
    for (int i = first + 1; i <= last; i++) {
        const sh_token *token = &t->token[i];
        bool fine;
        if (sh_token_is(token, ".") || sh_token_is(token, ":")) {
            fine = sh_member_field(L, m, &t->token[++i]);
        } else {
            int close = i + 1;
            while (close <= last && opening_of(t, close) != i) close++;
            bool literal = close == i + 2 && sh_token_is(token, "[");
            fine = sh_token_is(token, "[")
                       ? sh_member_index(L, m, literal ? &t->token[i + 1] : NULL)
                       : sh_member_call(L, m);
            i = close;
        }
        if (!fine) return false;
    }
    return true;
}

static void complete_member(lua_State *L, const task *t, const char *prefix)
{
    sh_member m;
    bool method = is_before(t, 1, ":");
    int last = t->count - 2;
    if (resolve(L, t, chain_start(t, last), last, &m))
        sh_list_members(L, t->to, &m, method, prefix);
}

/* ---- Options: f{…, name ---- */

/* The place of the `{` or `(` around the word, -1 when it is at the top. */
static int bracket_around(const task *t)
{
    int depth = 0;
    for (int i = t->count - 1; i >= 0; i--) {
        depth += sh_token_nests(&t->token[i]);
        if (depth > 0) return i;
    }
    return -1;
}

/* In a table that is an argument: offers the options of the function that is called. */
static void complete_options(lua_State *L, task *t, const char *prefix)
{
    int brace = bracket_around(t);
    bool at_key = is_before(t, 1, "{") || is_before(t, 1, ",") || is_before(t, 1, ";");
    if (brace < 1 || !at_key || !sh_token_is(&t->token[brace], "{")) return;
    int last = brace - 1;
    if (t->token[last].kind != SH_NAME) {
        task outer = *t;
        outer.count = brace;
        int call = bracket_around(&outer);
        if (call < 1 || !sh_token_is(&t->token[call], "(")) return;
        last = call - 1;
    }
    if (t->token[last].kind == SH_NAME) sh_list_options(L, t->to, &t->token[last], prefix);
}

/* ---- Strings ---- */

/* In the notation of networks the word is only what follows the last sign or blank; behind the
 * colon stands a cost, behind init= an initialiser, behind other names of options nothing that is
 * known. */
static void complete_notation(lua_State *L, task *t, const char *word)
{
    static const char init[] = "init=";
    const size_t length = sizeof init - 1;
    const char *start = t->end;
    while (start > word && !strchr(" \n\t-:*[|=", start[-1])) start--;
    t->to->wanted = SH_WANT_ITEM;
    if (start == word || start[-1] != '=')
        sh_list_kinds(L, t->to,
                      memchr(word, ':', (size_t)(start - word)) ? "cost" : "layer activation",
                      start);
    else if ((size_t)(start - word) >= length && !memcmp(start - length, init, length))
        sh_list_kinds(L, t->to, "initialiser", start);
}

/* What stands before the word, and before the bracket around it. */
static sh_before all_before(const task *t)
{
    sh_before all;
    int bracket = bracket_around(t);
    for (int i = 0; i < SH_TOKENS_BEFORE; i++) {
        all.last[i] = *before(t, i + 1);
        all.around[i] = *before(t, bracket < 0 ? t->count + 1 : t->count - bracket + i);
    }
    return all;
}

static void complete_string(lua_State *L, task *t)
{
    const char *kind, *word = t->token[--t->count].text;
    word += *word == '[' ? 2 : 1;
    t->to->wanted = SH_WANT_WORD;
    const sh_before all = all_before(t);
    switch (sh_string_holds(&all, &kind)) {
    case SH_HOLDS_MODULE:
        sh_list_modules(L, t->to, word);
        break;
    case SH_HOLDS_NET:
    case SH_HOLDS_LAYERS:
        complete_notation(L, t, word);
        break;
    case SH_HOLDS_TOPIC:
        sh_list_kinds(L, t->to, NULL, word);
        break;
    case SH_HOLDS_KIND:
        sh_list_kinds(L, t->to, kind, word);
        break;
    case SH_HOLDS_TEXT:
        t->to->wanted = SH_WANT_PATH;
        break;
    }
}

/* ---- Commands ---- */

/* Where the word under way begins, when words end at blanks alone. */
static const char *last_word(const task *t)
{
    const char *word = t->end;
    while (word > t->text && !strchr(" \t", word[-1])) word--;
    return word;
}

/* What a command takes behind it; Lua is left to the others, without the command. */
static bool complete_argument(lua_State *L, task *t, const char *behind, sh_argument takes)
{
    t->to->wanted = SH_WANT_NOTHING;
    if (takes == SH_TAKES_FILE) t->to->wanted = SH_WANT_FILE;
    if (takes == SH_TAKES_TOPIC) {
        t->to->wanted = SH_WANT_TOPIC;
        sh_list_topics(L, t->to, last_word(t));
    }
    if (takes != SH_TAKES_CODE) return true;
    t->text = behind;
    return false;
}

/* True when the text is a command or a question, so that it is no Lua. */
static bool complete_command(lua_State *L, task *t)
{
    const char *start = t->text + strspn(t->text, " \t");
    size_t length = strcspn(start, " \t");
    const char *behind = start + length;
    if (*start == '?') {
        t->to->wanted = SH_WANT_TOPIC;
        sh_list_topics(L, t->to, start + strspn(start, "? \t"));
        return true;
    }
    if (*start == '!') return complete_argument(L, t, behind, SH_TAKES_FILE);
    if (*start != '.' || (length > 1 && !sh_is_command(start))) return false;
    if (behind < t->end) return complete_argument(L, t, behind, sh_command_takes(start, length));
    t->to->wanted = SH_WANT_COMMAND;
    t->to->suffix = " ";
    sh_list_commands(t->to, start);
    return true;
}

/* ---- All of it ---- */

static void complete_code(lua_State *L, task *t)
{
    const sh_token *last = before(t, 1);
    bool under_way = t->count > 0 && last->text + last->length == t->end &&
                     (last->kind == SH_NAME || last->kind == SH_KEYWORD);
    const char *prefix = under_way ? last->text : t->end;
    if (under_way) t->count--;
    t->to->wanted = SH_WANT_NAME;
    if (is_before(t, 1, ".") || is_before(t, 1, ":")) {
        complete_member(L, t, prefix);
        return;
    }
    complete_options(L, t, prefix);
    if (t->to->count > 0) {
        t->to->suffix = " = ";
        return;
    }
    sh_list_globals(L, t->to, prefix);
}

static int complete(lua_State *L)
{
    task *t = lua_touserdata(L, 1);
    if (complete_command(L, t)) return 0;
    read_tokens(L, t);
    const sh_token *last = before(t, 1);
    if (t->count > 0 && last->kind == SH_STRING && last->open)
        complete_string(L, t);
    else if (!(t->count > 0 && last->open) && !in_comment(t))
        complete_code(L, t);
    return 0;
}

/* The collector and debug hooks rest meanwhile: finalisers and hooks are the user's code too. */
void sh_complete(sh_shell *shell, const char *text, sh_completion *completion)
{
    lua_State *L = shell->L;
    size_t length = strlen(text), skipped = length > TEXT_SEEN ? length - TEXT_SEEN : 0;
    task t = {.to = completion, .text = text + skipped, .end = text + length};
    *completion = (sh_completion){.wanted = SH_WANT_NOTHING, .suffix = ""};
    bool collects = lua_gc(L, LUA_GCISRUNNING);
    sh_hook users = sh_hook_take(L);
    lua_gc(L, LUA_GCSTOP);
    lua_pushcfunction(L, complete);
    lua_pushlightuserdata(L, &t);
    /* Whatever fails here fails in silence: there is nothing to offer. */
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    if (collects) lua_gc(L, LUA_GCRESTART);
    sh_hook_give(L, users);
}
