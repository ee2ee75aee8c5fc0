/* What is written in Lua for the syntax of other languages. */
#include "shell/run/hints.h"

#include "base/foreign.h"
#include "shell/run/tokens.h"

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

static const nb_foreign *find_hint(const char *source, const char *place)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token = {.text = source}, before = {.text = source};
    int brackets = 0;
    for (; sh_scan_next(&scanner, &token) && token.text < place; before = token)
        brackets += sh_token_is(&token, "[") - sh_token_is(&token, "]");
    const nb_foreign *entry = find_token(&before);
    if (!is_word(entry)) entry = find_token(&token);
    if (is_word(entry)) return entry;
    entry = find_brackets(*place, brackets > 0);
    if (!entry) entry = find_sign(source, place);
    return is_word(entry) ? NULL : entry;
}

void sh_push_hint(lua_State *L, const char *source, const char *place)
{
    const nb_foreign *entry = find_hint(source, place);
    bool letter = (unsigned char)*place >= 0x80;
    if (letter) lua_pushliteral(L, "; names take a to z, A to Z, 0 to 9 and _");
    if (entry) lua_pushfstring(L, "; for %s write %s", entry->word, entry->here);
    if (!letter && !entry) lua_pushliteral(L, "");
    if (letter && entry) lua_concat(L, 2);
}
