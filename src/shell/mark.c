/* The prompt's text, written and read. */
#include "shell/mark.h"

#include "base/utf8.h"
#include "lua/nn/train/glass/standing.h"

#include <stdio.h>
#include <string.h>

#define NABLA      "∇ "
#define PLAIN      SH_PROGRAM "> "
#define MORE       "· "
#define PLAIN_MORE "     > "

/* Letters of what a stop shows, with ∇ and without. */
#define DELTA       "δ"
#define PLAIN_DELTA "d"
#define DOT         "·"
#define PLAIN_DOT   "."

enum { STANDING_BYTES = 96, LAYER_MOST = 24 };

/* ---- Writing ---- */

/* "3·121 δ2 ", or nothing. Returns the columns that it takes. */
static int write_standing(const sh_shell *shell, char text[STANDING_BYTES])
{
    bool utf8 = shell->terminal.utf8;
    nbl_standing at;
    *text = '\0';
    if (!shell->terminal.input || !nbl_get_standing(shell->L, &at)) return 0;
    const char *back = utf8 ? DELTA : PLAIN_DELTA, *way = at.back ? back : "a";
    int bytes = snprintf(text, STANDING_BYTES, "%lld%s%lld ", (long long)at.epoch,
                         utf8 ? DOT : PLAIN_DOT, (long long)at.step);
    int more = *at.layer ? snprintf(text + bytes, STANDING_BYTES - (size_t)bytes, "%s%.*s ", way,
                                    LAYER_MOST, at.layer)
                         : 0;
    int wide = utf8 ? 1 + (more && at.back) : 0; /* each a byte more than it takes columns */
    return bytes + more - wide;
}

const char *sh_mark_text(const sh_shell *shell, bool first, char text[SH_MARK_BYTES])
{
    const sh_terminal *t = &shell->terminal;
    const char *mark = t->utf8 ? (first ? NABLA : MORE) : (first ? PLAIN : PLAIN_MORE);
    char standing[STANDING_BYTES];
    int columns = write_standing(shell, standing);
    if (!first) snprintf(standing, sizeof standing, "%*s", columns, "");
    snprintf(text, SH_MARK_BYTES, "%s%s%s%s%s%s%s", t->colour ? "\001" : "",
             sh_colour_code(t->colour, SH_PROMPT), t->colour ? "\002" : "", standing, mark,
             t->colour ? "\001" : "", sh_colour_code(t->colour, SH_PLAIN));
    return t->colour ? strcat(text, "\002") : text;
}

/* ---- Reading ---- */

static size_t literal(const char *line, const char *text)
{
    size_t length = strlen(text);
    return strncmp(line, text, length) == 0 ? length : 0;
}

/* The length of one of two texts at the beginning of the line. */
static size_t either(const char *line, const char *one, const char *other)
{
    size_t length = literal(line, one);
    return length ? length : literal(line, other);
}

/* The length of "3·121 δ2 " with its last space, 0 where the line begins otherwise. */
static size_t standing_length(const char *line)
{
    static const char *const digits = "0123456789";
    size_t at = strspn(line, digits), dot = at ? either(line + at, DOT, PLAIN_DOT) : 0;
    size_t step = dot ? strspn(line + at + dot, digits) : 0;
    at += dot + step;
    if (!step || line[at] != ' ') return 0;
    size_t sign = literal(line + ++at, "a");
    if (!sign) sign = either(line + at, DELTA, PLAIN_DELTA);
    size_t path = sign ? strspn(line + at + sign, "0123456789.") : 0;
    return path && line[at + sign + path] == ' ' ? at + sign + path + 1 : at;
}

/* Of a mark behind `skip` bytes that belong to it. `∇ = 5` is no copy of a line: it wants a name
 * that Lua does not take. */
static size_t mark_behind(const char *line, size_t skip, const char *one, const char *other)
{
    size_t length = either(line + skip, one, other);
    if (!length || strncmp(line + skip + length, "= ", 2) == 0) return 0;
    return skip + length;
}

size_t sh_mark_length(const char *line, bool *first, size_t *indent)
{
    size_t standing = standing_length(line), length = mark_behind(line, standing, NABLA, PLAIN);
    *first = length > 0;
    if (*first) *indent = nb_letters(line, standing);
    if (*first || strspn(line, " ") < *indent) return length;
    return mark_behind(line, *indent, MORE, PLAIN_MORE);
}
