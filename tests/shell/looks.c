/* A screen with its colours as a text. */
#include "looks.h"

#include "screen.h"

#include <stdbool.h>
#include <string.h>

enum { LOOKS_MOST = 26 };

typedef struct legend {
    screen_cell look[LOOKS_MOST];
    int count;
} legend;

static bool is_plain(const screen_cell *cell)
{
    return !cell->foreground && !cell->background && !cell->attributes;
}

static bool same_look(const screen_cell *a, const screen_cell *b)
{
    return a->foreground == b->foreground && a->background == b->background &&
           a->attributes == b->attributes;
}

/* ' ' for what is plain, '?' where there are too many. */
static char letter_of(legend *l, const screen_cell *cell)
{
    int i = 0;
    /* Of a blank only what shows without a letter counts. */
    bool shows = cell->background || cell->attributes & (SCREEN_UNDERLINE | SCREEN_REVERSE);
    if (is_plain(cell) || (cell->code == ' ' && !shows)) return ' ';
    while (i < l->count && !same_look(&l->look[i], cell)) i++;
    if (i == LOOKS_MOST) return '?';
    if (i == l->count) l->look[l->count++] = *cell;
    return (char)('a' + i);
}

static void write_line(FILE *to, legend *l, long number)
{
    char letters[SCREEN_COLUMNS_MOST + 1] = "";
    int last = 0;
    for (int i = 0; i <= screen_columns() - 1; i++) {
        letters[i] = letter_of(l, screen_at(number, i));
        if (letters[i] != ' ') last = i + 1;
    }
    letters[last] = '\0';
    fprintf(to, "|%s\n", screen_text(number));
    if (last > 0) fprintf(to, ":%s\n", letters);
}

static void write_colour(FILE *to, const char *before, uint32_t colour)
{
    if (colour & SCREEN_PALETTE)
        fprintf(to, "%s%u", before, (unsigned)(colour & 255));
    else if (colour & SCREEN_RGB)
        fprintf(to, "%s#%06x", before, (unsigned)(colour & 0xFFFFFF));
}

static void write_look(FILE *to, char letter, const screen_cell *look)
{
    static const char *const names[] = {" bold", " dim", " italic", " underline", " reverse"};
    fprintf(to, "%c", letter);
    for (int i = 0; i < 5; i++)
        if (look->attributes & 1u << i) fprintf(to, "%s", names[i]);
    write_colour(to, " ", look->foreground);
    write_colour(to, " on ", look->background);
    fprintf(to, "\n");
}

void looks_write(FILE *to)
{
    legend l = {.count = 0};
    long last = screen_last();
    while (last > screen_cursor() && !*screen_text(last)) last--;
    for (long i = screen_first(); i <= last; i++) write_line(to, &l, i);
    fprintf(to, "cursor %ld %d\n", screen_cursor() - screen_first(), screen_column());
    for (int i = 0; i < l.count; i++) write_look(to, (char)('a' + i), &l.look[i]);
}
