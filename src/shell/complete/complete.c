/* What could stand where the cursor is: reading the text before it. members.c finds the candidates.
 */
#include "shell/complete/complete.h"

#include "shell/commands.h"
#include "shell/run/quiet.h"
#include "shell/complete/members.h"
#include "shell/complete/strings.h"

#include <stdlib.h>
#include <string.h>

/* Text further back than this is not looked at. */
enum { TEXT_SEEN = 16 << 10 };

typedef struct task {
    sh_completion *to;
    const char *text, *end;
    sh_parts parts;
    int count; /* of the parts before the word under way */
    bool sure; /* options and notation alone */
} task;

static const sh_token *token_at(const task *t, int i)
{
    return &t->parts.part[i].token;
}

/* The token `back` places before the word (1: right before), an empty one where there is none. */
static const sh_token *before(const task *t, int back)
{
    static const sh_token none = {.kind = SH_STRANGE, .text = ""};
    return back <= t->count ? token_at(t, t->count - back) : &none;
}

static bool is_before(const task *t, int back, const char *text)
{
    return sh_token_is(before(t, back), text);
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

/* The place where the chain begins whose last token is at `last`, -1 when it is no chain of names
 * and indices. */
static int chain_start(const task *t, int last)
{
    for (int i = last; i >= 0; i--) {
        const sh_token *token = token_at(t, i), *sign = i > 0 ? token_at(t, i - 1) : NULL;
        if (sh_token_is(token, "]") || sh_token_is(token, ")")) {
            i = t->parts.part[i].other;
            continue;
        }
        if (token->kind != SH_NAME) return -1;
        if (!sign || (!sh_token_is(sign, ".") && !sh_token_is(sign, ":"))) return i;
        i--;
    }
    return -1;
}

/* Follows tokens first … last from the globals. */
static bool resolve(lua_State *L, const task *t, int first, int last, sh_member *m)
{
    if (first < 0 || !sh_member_global(L, m, token_at(t, first))) return false;
    for (int i = first + 1; i <= last; i++) {
        const sh_token *token = token_at(t, i);
        bool fine;
        if (sh_token_is(token, ".") || sh_token_is(token, ":")) {
            fine = sh_member_field(L, m, token_at(t, ++i));
        } else {
            int close = t->parts.part[i].other;
            if (close <= i || close > last) return false;
            bool literal = close == i + 2 && sh_token_is(token, "[");
            fine = sh_token_is(token, "[")
                       ? sh_member_index(L, m, literal ? token_at(t, i + 1) : NULL)
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

/* What opens the bracket or block around the word, -1 when it is at the top. */
static int bracket_around(const task *t)
{
    return t->count < t->parts.count ? t->parts.part[t->count].around : t->parts.open;
}

/* In a table that is an argument: offers the options of the function that is called. */
static void complete_options(lua_State *L, task *t, const char *prefix)
{
    int brace = bracket_around(t);
    bool at_key = is_before(t, 1, "{") || is_before(t, 1, ",") || is_before(t, 1, ";");
    if (brace < 1 || !at_key || !sh_token_is(token_at(t, brace), "{")) return;
    int last = brace - 1;
    if (token_at(t, last)->kind != SH_NAME) {
        int call = t->parts.part[brace].around;
        if (call < 1 || !sh_token_is(token_at(t, call), "(")) return;
        last = call - 1;
    }
    if (token_at(t, last)->kind == SH_NAME) sh_list_options(L, t->to, token_at(t, last), prefix);
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

static void complete_string(lua_State *L, task *t)
{
    const char *kind, *word = token_at(t, --t->count)->text;
    word += *word == '[' ? 2 : 1;
    t->to->wanted = SH_WANT_WORD;
    const sh_before all = sh_before_part(&t->parts, t->count);
    switch (sh_string_holds(&all, &kind)) {
    case SH_HOLDS_MODULE:
        if (t->sure) break;
        sh_list_modules(L, t->to, word);
        break;
    case SH_HOLDS_NET:
    case SH_HOLDS_LAYERS:
        complete_notation(L, t, word);
        break;
    case SH_HOLDS_TOPIC:
        if (t->sure) break;
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
    bool member = is_before(t, 1, ".") || is_before(t, 1, ":");
    if (!member) complete_options(L, t, prefix);
    if (t->to->count > 0)
        t->to->suffix = " = ";
    else if (!t->sure && member)
        complete_member(L, t, prefix);
    else if (!t->sure)
        sh_list_globals(L, t->to, prefix);
}

static int complete(lua_State *L)
{
    task *t = lua_touserdata(L, 1);
    if (t->sure ? sh_is_command(t->text) : complete_command(L, t)) return 0;
    if (!sh_parts_read(&t->parts, t->text, (size_t)(t->end - t->text), false)) return 0;
    t->count = t->parts.count;
    const sh_token *last = before(t, 1);
    if (t->count > 0 && last->kind == SH_STRING && last->open)
        complete_string(L, t);
    else if (!(t->count > 0 && last->open) && !in_comment(t))
        complete_code(L, t);
    return 0;
}

static void run(sh_shell *shell, const char *text, sh_completion *completion, bool sure)
{
    size_t length = strlen(text), skipped = length > TEXT_SEEN ? length - TEXT_SEEN : 0;
    task t = {.to = completion, .text = text + skipped, .end = text + length, .sure = sure};
    *completion = (sh_completion){.wanted = SH_WANT_NOTHING, .suffix = ""};
    /* What fails there leaves nothing to offer. */
    sh_quietly(shell, complete, &t);
    sh_parts_free(&t.parts);
}

void sh_complete(sh_shell *shell, const char *text, sh_completion *completion)
{
    run(shell, text, completion, false);
}

void sh_complete_sure(sh_shell *shell, const char *text, sh_completion *completion)
{
    run(shell, text, completion, true);
}
