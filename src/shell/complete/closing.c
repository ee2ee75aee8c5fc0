/* Closing what is open on a line that is complete but for that. */
#include "shell/complete/closing.h"

#include <string.h>

static const sh_part *last_of(const sh_parts *parts)
{
    return sh_part_before(parts, parts->count);
}

/* May an expression or a statement end with it? */
static bool ends_something(const sh_part *last)
{
    static const char *const words[] = {")", "]", "}", "...", "end", "nil", "true", "false"};
    sh_token_kind kind = last->token.kind;
    if (kind == SH_NAME || kind == SH_NUMBER || kind == SH_STRING) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sh_part_is(last, words[i])) return true;
    return false;
}

/* The bracket before the parameters of the function that opens at `i`. */
static int parameters_of(const sh_parts *parts, int i)
{
    while (++i < parts->count) {
        const sh_part *part = &parts->part[i];
        if (sh_part_is(part, "(")) return i;
        if (part->token.kind != SH_NAME && !sh_part_is(part, ".") && !sh_part_is(part, ":")) break;
    }
    return -1;
}

/* Does each `if` and `elseif` of the block that opens at `i` have its `then`? */
static bool has_thens(const sh_parts *parts, int i)
{
    bool waits = true;
    for (int k = i + 1; k < parts->count; k++) {
        if (parts->part[k].around != i) continue;
        if (sh_part_is(&parts->part[k], "elseif")) waits = true;
        if (sh_part_is(&parts->part[k], "then")) waits = false;
    }
    return !waits;
}

/* Would `end` close the block that opens at `i`, with something in it? */
static bool takes_end(const sh_parts *parts, int i)
{
    const sh_part *opening = &parts->part[i];
    if (sh_part_is(opening, "do")) return true;
    if (sh_part_is(opening, "if")) return has_thens(parts, i);
    if (sh_part_is(opening, "function")) {
        int bracket = parameters_of(parts, i), end = bracket < 0 ? -1 : parts->part[bracket].other;
        return end >= 0 && last_of(parts) != &parts->part[end];
    }
    return opening->has_do;
}

/* What closes the part, NULL: nothing would yet. */
static const char *closer(const sh_parts *parts, int i)
{
    const sh_token *token = &parts->part[i].token;
    if (token->kind == SH_KEYWORD) return takes_end(parts, i) ? " end" : NULL;
    return *token->text == '(' ? ")" : *token->text == '{' ? "}" : "]";
}

/* What closes a string, NULL for one that is closed; empty ones wait for what stands in them. */
static const char *quote_of(const sh_token *token)
{
    const char *text = token->text, *last = text + token->length - 1;
    if (token->kind != SH_STRING || !token->open) return "";
    if (token->length < 2 || *last == '\\') return NULL;
    return *text == '"' ? "\"" : *text == '\'' ? "'" : NULL;
}

static bool is_on_line(const sh_part *part, const char *end)
{
    return !memchr(part->token.text, '\n', (size_t)(end - part->token.text));
}

void sh_closing(const sh_parts *parts, const char *end, char *out, size_t room)
{
    const sh_part *last = last_of(parts);
    size_t used = 0;
    *out = '\0';
    if (!last || !is_on_line(last, end) || !ends_something(last)) return;
    if (parts->part[parts->count - 1].token.kind == SH_COMMENT) return;
    const char *more = quote_of(&last->token);
    for (int i = parts->open; more; i = parts->part[i].around) {
        size_t length = strlen(more);
        bool blank = *more == ' ' && !used && end[-1] == ' ';
        if (used + length >= room) break;
        memcpy(out + used, more + blank, length - blank + 1);
        used += length - blank;
        if (i < 0 || !is_on_line(&parts->part[i], end)) break;
        more = closer(parts, i);
    }
}
