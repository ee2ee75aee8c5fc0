/* Brackets and blocks: what opens is kept until something closes it. `while` and `for` open what
 * the `end` of their `do` closes, `if` what its last `end` does. */
#include "shell/colour/parts.h"

#include <stdlib.h>
#include <string.h>

/* Where brackets do not match, what closes is looked for that many levels down: so a text of
 * nothing but brackets takes no longer than another. */
enum { LEVELS_SEEN = 32, FIRST_ROOM = 64 };

/* What closes, and all that it may close. */
static const struct {
    const char *closes, *opens[6];
} pairs[] = {
    {")", {"("}},
    {"}", {"{"}},
    {"]", {"["}},
    {"until", {"repeat"}},
    {"end", {"function", "if", "do", "while", "for"}},
};

enum { PAIRS = sizeof pairs / sizeof *pairs };

static bool is_code(const sh_token *token)
{
    return token->kind == SH_KEYWORD || token->kind == SH_SYMBOL;
}

static bool is_one_of(const sh_token *token, const char *const *words)
{
    for (; *words; words++)
        if (sh_token_is(token, *words)) return true;
    return false;
}

static const char *const *closed_by(const sh_token *token)
{
    for (int i = 0; i < PAIRS && is_code(token); i++)
        if (sh_token_is(token, pairs[i].closes)) return pairs[i].opens;
    return NULL;
}

static bool opens(const sh_token *token)
{
    bool found = false;
    for (int i = 0; i < PAIRS && is_code(token) && !found; i++)
        found = is_one_of(token, pairs[i].opens);
    return found;
}

/* The `do` that belongs to the `while` or `for` around it opens nothing of its own. */
static bool is_second(sh_parts *parts, const sh_part *part)
{
    sh_part *loop = part->around < 0 ? NULL : &parts->part[part->around];
    if (!loop || loop->has_do || !sh_token_is(&part->token, "do")) return false;
    loop->has_do = sh_token_is(&loop->token, "while") || sh_token_is(&loop->token, "for");
    return loop->has_do;
}

/* The open part that the words name, from `from` outward; -1: none is near. */
static int find_open(const sh_parts *parts, int from, const char *const *words)
{
    for (int level = 0; from >= 0 && level < LEVELS_SEEN; level++) {
        if (is_one_of(&parts->part[from].token, words)) return from;
        from = parts->part[from].around;
    }
    return -1;
}

/* Gives each part what is around it and what belongs to it. */
static void join(sh_parts *parts)
{
    int around = -1;
    for (int i = 0; i < parts->count; i++) {
        sh_part *part = &parts->part[i];
        const char *const *words = closed_by(&part->token);
        int open = words ? find_open(parts, around, words) : -1;
        part->around = around;
        part->other = open;
        if (open >= 0) {
            parts->part[open].other = i;
            part->around = around = parts->part[open].around;
        } else if (!words && opens(&part->token) && !is_second(parts, part)) {
            around = i;
        }
    }
    parts->open = around;
}

static bool grow(sh_parts *parts, int *room)
{
    int wanted = *room ? 2 * *room : FIRST_ROOM;
    sh_part *part = realloc(parts->part, (size_t)wanted * sizeof *part);
    if (!part) return false;
    parts->part = part;
    *room = wanted;
    return true;
}

bool sh_parts_read(sh_parts *parts, const char *text, size_t length, bool comments)
{
    sh_scanner scanner = sh_scan(text, length);
    sh_token token;
    int room = 0;
    *parts = (sh_parts){.open = -1};
    scanner.comments = comments;
    while (sh_scan_next(&scanner, &token)) {
        if (parts->count == room && !grow(parts, &room)) {
            sh_parts_free(parts);
            return false;
        }
        parts->part[parts->count++] = (sh_part){.token = token};
    }
    join(parts);
    return true;
}

void sh_parts_free(sh_parts *parts)
{
    free(parts->part);
    *parts = (sh_parts){.open = -1};
}

const sh_part *sh_part_next(const sh_parts *parts, int i)
{
    while (++i < parts->count)
        if (parts->part[i].token.kind != SH_COMMENT) return &parts->part[i];
    return NULL;
}

const sh_part *sh_part_before(const sh_parts *parts, int i)
{
    while (--i >= 0)
        if (parts->part[i].token.kind != SH_COMMENT) return &parts->part[i];
    return NULL;
}

bool sh_part_is(const sh_part *part, const char *text)
{
    return part && sh_token_is(&part->token, text);
}

bool sh_part_begins(const sh_parts *parts, int i)
{
    static const char *const before[] = {")",   "]",    "}",     ";",      "::",  "...",
                                         "do",  "then", "else",  "repeat", "end", "break",
                                         "nil", "true", "false", NULL};
    const sh_part *last = sh_part_before(parts, i);
    return !last || !is_code(&last->token) || is_one_of(&last->token, before);
}
