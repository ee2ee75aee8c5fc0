/* See fold.h. */
#include "shell/screen/fold.h"

#include "base/escape.h"
#include "base/utf8.h"
#include "shell/line/display/layout.h"

#include <stdbool.h>
#include <string.h>

static void break_line(size_t indent, sh_take_piece *take, void *self)
{
    take(self, "\n", 1);
    for (size_t i = 0; i < indent; i++) take(self, " ", 1);
}

static void fold_line(const char *line, size_t length, size_t at, const sh_lie *lie,
                      sh_take_piece *take, void *self)
{
    for (size_t i = 0; i < length;) {
        size_t from = i, word;
        while (i < length && line[i] == ' ') i++;
        for (word = i; i < length && line[i] != ' ';) i++;
        bool fits = at + nb_letters(line + from, i - from) <= lie->width;
        bool would = lie->indent + nb_letters(line + word, i - word) <= lie->width;
        if (!fits && at > lie->indent && would) {
            break_line(lie->indent, take, self);
            from = word;
            at = lie->indent;
        }
        take(self, line + from, i - from);
        at += nb_letters(line + from, i - from);
    }
}

/* ---- Lines with a mark ---- */

enum { MARKED_INDENT = 2, MARKED_LEAST = 12 }; /* columns; in less there is no room to cut in */

/* A line and the byte of it that is marked. */
typedef struct marked {
    const char *line;
    size_t length, place;
    const sh_lie *lie;
} marked;

/* Columns of the character at byte i, as it will be shown, where it begins at `column`; *taken: its
 * bytes. */
static size_t columns_of(const marked *m, size_t i, size_t column, size_t *taken)
{
    char shown[NB_ESCAPE_MAX];
    *taken = nb_escape(m->line + i, m->length - i, NB_ESCAPE_LINES, shown);
    return (size_t)sh_width_of(true, shown, strlen(shown), (int)column);
}

/* The column of byte `to` where byte `from` has that one; any beyond the window are as good. */
static size_t column_of(const marked *m, size_t from, size_t to, size_t column)
{
    size_t taken;
    for (size_t i = from; i < to && column <= m->lie->width; i += taken)
        column += columns_of(m, i, column, &taken);
    return column;
}

/* Whether all from byte `from` on stands in the window, also a mark behind it: below its end, or
 * below a letter there that takes no column. */
static bool all_fits(const marked *m, size_t from, size_t column)
{
    const size_t width = m->lie->width;
    bool mark_fits = column_of(m, from, m->place, column) < width;
    return mark_fits && column_of(m, from, m->length, column) <= width;
}

/* Columns before what is shown from this byte on. */
static size_t before(const marked *m, size_t from)
{
    return from ? MARKED_INDENT + nb_letters(m->lie->cut, strlen(m->lie->cut)) : 0;
}

static size_t letter_before(const char *line, size_t at)
{
    do at--;
    while (at > 0 && nb_is_tail(line[at]));
    return at;
}

/* The first byte that is shown: as much as there is room for before the mark, which stands in the
 * window's first two thirds where more follows than fits. */
static size_t first_shown(const marked *m)
{
    const size_t most = m->lie->width - m->lie->width / 3;
    size_t from = m->place, taken;
    if (all_fits(m, 0, 0) || column_of(m, 0, m->place, 0) < most) return 0;
    for (size_t letters = 0; letters < m->lie->width && from > 0; letters++)
        from = letter_before(m->line, from);
    for (; from < m->place; from += taken) {
        size_t column = before(m, from);
        bool drawn = columns_of(m, from, column, &taken) > 0; /* over the letter before it: no */
        bool fits = all_fits(m, from, column) || column_of(m, from, m->place, column) < most;
        if (drawn && fits) return from;
    }
    return from;
}

static void give_blanks(size_t count, sh_take_piece *take, void *self)
{
    for (; count > 0; count--) take(self, " ", 1);
}

static void give_marked(const marked *m, sh_take_piece *take, void *self)
{
    const char *cut = m->lie->cut;
    size_t from = first_shown(m), column = before(m, from), taken, end;
    size_t mark = column_of(m, from, m->place, column);
    bool whole = all_fits(m, from, column);
    size_t most = m->lie->width - (whole ? 0 : nb_letters(cut, strlen(cut)));
    if (from) give_blanks(MARKED_INDENT, take, self);
    if (from) take(self, cut, strlen(cut));
    for (end = from; end < m->length; end += taken) {
        size_t columns = columns_of(m, end, column, &taken);
        if (column + columns > most) break;
        column += columns;
    }
    take(self, m->line + from, end - from);
    if (!whole) take(self, cut, strlen(cut));
    take(self, "\n", 1);
    give_blanks(mark, take, self);
    take(self, "^", 1);
}

/* Gives a line and the mark below it on; the bytes of both. 0: there is no mark below it. */
static size_t take_marked(const char *text, const sh_lie *lie, sh_take_piece *take, void *self)
{
    size_t length = strcspn(text, "\n"), place = 0;
    if (!text[length] || !lie->cut || lie->width < MARKED_LEAST) return 0;
    const char *below = text + length + 1;
    size_t blanks = strspn(below, " \t");
    bool marks = below[blanks] == '^' && strchr("\n", below[blanks + 1]);
    if (!marks) return 0;
    for (size_t letters = 0; place < length; place++)
        if (!nb_is_tail(text[place]) && letters++ == blanks) break;
    give_marked(&(marked){text, length, place, lie}, take, self);
    return length + 1 + blanks + 1;
}

void sh_fold(const char *text, const sh_lie *lie, sh_take_piece *take, void *self)
{
    for (size_t column = lie->column;; column = 0) {
        size_t length = strcspn(text, "\n"), both = 0;
        if (*text == ' ') both = take_marked(text, lie, take, self);
        if (both)
            length = both;
        else if (*text == ' ')
            take(self, text, length);
        else
            fold_line(text, length, column, lie, take, self);
        text += length;
        if (!*text) return;
        take(self, text++, 1);
    }
}
