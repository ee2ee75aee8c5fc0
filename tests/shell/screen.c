/* What a terminal would show. */
#include "screen.h"

#include "flow.h"
#include "width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { PARAMETERS = 16, STRING_MOST = 1 << 24 };

screen_state screen;

static screen_flow flow_mode;
static screen_hook *hook;

void screen_set_hook(screen_hook *new)
{
    hook = new;
}

void screen_set_flow(screen_flow flow)
{
    flow_mode = flow;
}

/* ---- Lines ---- */

screen_line *screen_line_at(long number)
{
    return &screen.line[number % SCREEN_KEPT];
}

static screen_cell *cursor_cells(void)
{
    return screen_line_at(screen.top + screen.row)->cell;
}

static void erase(screen_cell *cell, int from, int to)
{
    static const screen_cell blank = {.code = ' '};
    /* No half of a wide character stays. */
    if (from > 0 && from < SCREEN_COLUMNS_MOST && cell[from].code == 0) cell[from - 1] = blank;
    if (to > 0 && to < SCREEN_COLUMNS_MOST && cell[to].code == 0) cell[to] = blank;
    for (int i = from; i < to; i++) cell[i] = blank;
}

void screen_line_clear(screen_line *line)
{
    line->wrapped = false;
    line->used = 0;
    for (int i = 0; i < SCREEN_COLUMNS_MOST; i++) line->cell[i] = (screen_cell){.code = ' '};
}

void screen_clear(void)
{
    memset(&screen, 0, sizeof screen);
    screen.rows = SCREEN_ROWS;
    screen.columns = SCREEN_COLUMNS;
    for (int i = 0; i < SCREEN_KEPT; i++) screen_line_clear(&screen.line[i]);
}

static void go_down(void)
{
    if (screen.row + 1 < screen.rows) {
        screen.row++;
        return;
    }
    screen.top++;
    screen_line_clear(screen_line_at(screen.top + screen.row));
}

static void move_to(int row, int column)
{
    screen.row = row < 0 ? 0 : row >= screen.rows ? screen.rows - 1 : row;
    screen.column = column < 0 ? 0 : column >= screen.columns ? screen.columns - 1 : column;
    screen.full = false;
}

/* ---- Characters ---- */

/* With the character that stands before the cursor. */
static void combine(uint32_t code)
{
    int at = screen.full ? screen.column : screen.column - 1;
    screen_cell *cell = cursor_cells();
    if (at > 0 && cell[at].code == 0) at--;
    for (int i = 0; at >= 0 && i < SCREEN_MARKS; i++)
        if (cell[at].mark[i] == 0) {
            cell[at].mark[i] = code;
            return;
        }
}

static void wrap(void)
{
    screen.counts.wraps++;
    if (screen.framed) screen.counts.wraps_framed++;
    screen_line_at(screen.top + screen.row)->wrapped = true;
    move_to(screen.row, 0);
    go_down();
}

static void put(uint32_t code)
{
    int width = width_of(code);
    if (width == 0) {
        combine(code);
        return;
    }
    if (width > screen.columns) width = 1;
    if (screen.full || screen.column + width > screen.columns) wrap();
    screen_cell *cell = cursor_cells();
    erase(cell, screen.column, screen.column + width);
    cell[screen.column] = screen.pen;
    cell[screen.column].code = code;
    if (width == 2) {
        cell[screen.column + 1] = screen.pen;
        cell[screen.column + 1].code = 0;
    }
    screen_line *line = screen_line_at(screen.top + screen.row);
    if (line->used < screen.column + width) line->used = screen.column + width;
    screen.full = screen.column + width == screen.columns;
    screen.column += screen.full ? width - 1 : width;
    if (screen.full && screen.framed) screen.counts.edges_framed++;
}

static void control(uint32_t code)
{
    if (code == '\r')
        move_to(screen.row, 0);
    else if (code == '\n')
        go_down();
    else if (code == '\b')
        move_to(screen.row, screen.column - 1);
    else if (code == '\t')
        move_to(screen.row, (screen.column / 8 + 1) * 8);
    if (screen.framed && code != '\r' && code != '\n') screen.counts.strange_framed++;
}

/* ---- Erasing ---- */

static void erase_in_line(int how)
{
    erase(cursor_cells(), how == 0 ? screen.column : 0,
          how == 1 ? screen.column + 1 : SCREEN_COLUMNS_MOST);
    long number = screen.top + screen.row;
    screen_line *line = screen_line_at(number);
    if (how != 1) line->wrapped = false;
    if (how != 1 && line->used > (how == 0 ? screen.column : 0))
        line->used = how == 0 ? screen.column : 0;
    /* A line whose beginning is gone goes on with nothing. */
    if (number > 0 && (how > 0 || screen.column == 0)) screen_line_at(number - 1)->wrapped = false;
}

static void erase_in_screen(int how)
{
    for (int i = 0; i < screen.rows; i++)
        if (how == 2 || (how == 0 && i > screen.row) || (how == 1 && i < screen.row))
            screen_line_clear(screen_line_at(screen.top + i));
    erase_in_line(how);
}

/* Characters at the cursor come in (count > 0) or go. */
static void shift(int count)
{
    screen_cell *cell = cursor_cells();
    int rest = screen.columns - screen.column, away = count < 0 ? -count : count;
    if (away > rest) away = rest;
    screen_cell *here = cell + screen.column;
    size_t bytes = (size_t)(rest - away) * sizeof *here;
    memmove(count > 0 ? here + away : here, count > 0 ? here : here + away, bytes);
    screen_line *line = screen_line_at(screen.top + screen.row);
    if (count > 0 && line->used > screen.column) line->used += away;
    if (line->used > screen.columns) line->used = screen.columns;
    if (count > 0)
        erase(cell, screen.column, screen.column + away);
    else
        erase(cell, screen.columns - away, screen.columns);
}

/* ---- Styles ---- */

/* A colour of 38 or 48, whose numbers begin at `at`; returns the last of them. */
static int extended_colour(const int *number, int count, int at, uint32_t *colour)
{
    if (at < count && number[at] == 5 && at + 1 < count) {
        *colour = SCREEN_PALETTE | (uint32_t)number[at + 1];
        return at + 1;
    }
    if (at < count && number[at] == 2 && at + 3 < count) {
        *colour = SCREEN_RGB | (uint32_t)(number[at + 1] & 255) << 16 |
                  (uint32_t)(number[at + 2] & 255) << 8 | (uint32_t)(number[at + 3] & 255);
        return at + 3;
    }
    return count;
}

static void set_attribute(int number)
{
    static const uint32_t on[] = {0, SCREEN_BOLD, SCREEN_DIM,    SCREEN_ITALIC, SCREEN_UNDERLINE,
                                  0, 0,           SCREEN_REVERSE};
    screen_cell *pen = &screen.pen;
    if (number == 0)
        *pen = (screen_cell){.code = ' '};
    else if (number < 8)
        pen->attributes |= on[number];
    else if (number == 22)
        pen->attributes &= ~(uint32_t)(SCREEN_BOLD | SCREEN_DIM);
    else if (number > 22 && number < 28)
        pen->attributes &= ~on[number - 20];
    else if (number >= 30 && number < 38)
        pen->foreground = SCREEN_PALETTE | (uint32_t)(number - 30);
    else if (number == 39)
        pen->foreground = 0;
    else if (number >= 40 && number < 48)
        pen->background = SCREEN_PALETTE | (uint32_t)(number - 40);
    else if (number == 49)
        pen->background = 0;
    else if (number >= 90 && number < 98)
        pen->foreground = SCREEN_PALETTE | (uint32_t)(number - 90 + 8);
    else if (number >= 100 && number < 108)
        pen->background = SCREEN_PALETTE | (uint32_t)(number - 100 + 8);
}

static void set_style(const int *number, int count)
{
    for (int i = 0; i < count; i++)
        if (number[i] == 38 || number[i] == 48)
            i = extended_colour(number, count, i + 1,
                                number[i] == 38 ? &screen.pen.foreground : &screen.pen.background);
        else
            set_attribute(number[i]);
    if (number[0] > 0) screen.coloured = true;
}

/* ---- Sequences ---- */

static void mode(bool on, int number)
{
    if (number != 2026) return;
    screen.framed = on;
    if (on)
        screen.counts.frames++;
    else
        screen.counts.ended++;
}

/* A sequence without a '?' or the like before its numbers. */
static void sequence(char final, const int *number, int count)
{
    int first = number[0] > 0 ? number[0] : 1;
    if (screen.framed && !strchr("ABCKJm", final)) screen.counts.strange_framed++;
    switch (final) {
    case 'A':
        move_to(screen.row - first, screen.column);
        break;
    case 'B':
        move_to(screen.row + first, screen.column);
        break;
    case 'C':
        move_to(screen.row, screen.column + first);
        break;
    case 'D':
        move_to(screen.row, screen.column - first);
        break;
    case 'G':
        move_to(screen.row, first - 1);
        break;
    case 'H':
        move_to(first - 1, number[1] > 0 ? number[1] - 1 : 0);
        break;
    case 'J':
        erase_in_screen(number[0]);
        break;
    case 'K':
        erase_in_line(number[0]);
        break;
    case 'm':
        set_style(number, count);
        break;
    case 'P':
        shift(-first);
        break;
    case '@':
        shift(first);
        break;
    default:
        break;
    }
}

/* The parameters of a sequence are in `text`, which ends with the final letter. */
static void take_sequence(const char *text, size_t length)
{
    int number[PARAMETERS] = {0}, count = 1;
    char final = text[length - 1];
    bool private = *text >= '<' && *text <= '?';
    for (size_t i = private; i + 1 < length; i++) {
        if (text[i] >= '0' && text[i] <= '9' && number[count - 1] < 100000)
            number[count - 1] = number[count - 1] * 10 + (text[i] - '0');
        else if ((text[i] == ';' || text[i] == ':') && count < PARAMETERS)
            count++;
    }
    if (private && (final == 'h' || final == 'l'))
        mode(final == 'h', number[0]);
    else if (!private)
        sequence(final, number, count);
    if (hook && strchr("cntpqx", final)) hook('[', text, length);
}

/* ---- Bytes ---- */

/* What has come of a sequence, of a string or of a letter of UTF-8. */
static struct {
    enum { PLAIN, ESCAPE, CSI, CHARSET, STRING, STRING_ESCAPE } state;
    char kind; /* of a string */
    char *text;
    size_t length, room;
    int left;
    uint32_t code, least;
} parser;

static void gather(unsigned char byte)
{
    if (parser.length >= parser.room) {
        size_t room = 2 * parser.room + 256;
        char *wider = room > STRING_MOST ? NULL : realloc(parser.text, room);
        if (!wider) return;
        parser.text = wider;
        parser.room = room;
    }
    parser.text[parser.length++] = (char)byte;
}

static void begin_escape(unsigned char c)
{
    parser.length = 0;
    parser.kind = (char)c;
    parser.state = c == '['                  ? CSI
                   : strchr("()*+#%", c)     ? CHARSET
                   : c && strchr("]P_^X", c) ? STRING
                                             : PLAIN;
    if (c == '7') {
        screen.kept_row = screen.row;
        screen.kept_column = screen.column;
    }
    if (c == '8') move_to(screen.kept_row, screen.kept_column);
    if (screen.framed && c != '[') screen.counts.strange_framed++;
}

static void end_string(void)
{
    if (hook) hook(parser.kind, parser.text ? parser.text : "", parser.length);
    parser.state = PLAIN;
}

static void take_in_string(unsigned char c)
{
    if (parser.state == STRING_ESCAPE) {
        end_string();
        if (c != '\\') begin_escape(c);
    } else if (c == 033) {
        parser.state = STRING_ESCAPE;
    } else if (c == '\a' && parser.kind == ']') {
        end_string();
    } else {
        gather(c);
    }
}

static void take_plain(unsigned char c)
{
    if (c >= 0x80 && c < 0xC0 && parser.left > 0) {
        parser.code = parser.code << 6 | (c & 0x3F);
        if (--parser.left == 0) put(parser.code < parser.least ? 0xFFFD : parser.code);
        return;
    }
    if (parser.left > 0) put(0xFFFD); /* a letter that was not ended */
    parser.left = 0;
    if (c == 033)
        parser.state = ESCAPE;
    else if (c < ' ')
        control(c);
    else if (c < 0x7f)
        put(c);
    else if (c >= 0xC2 && c < 0xF5) {
        parser.left = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
        parser.code = c & (0x3Fu >> parser.left);
        parser.least = c >= 0xF0 ? 0x10000 : c >= 0xE0 ? 0x800 : 0x80;
    } else if (c != 0x7f)
        put(0xFFFD);
}

void screen_take(unsigned char c)
{
    if (parser.state == STRING || parser.state == STRING_ESCAPE) {
        take_in_string(c);
    } else if (parser.state == CSI) {
        gather(c);
        if (c < 0x40 || c > 0x7e) return;
        parser.state = PLAIN;
        take_sequence(parser.text, parser.length);
    } else if (parser.state == ESCAPE) {
        begin_escape(c);
    } else if (parser.state == CHARSET) {
        parser.state = PLAIN;
    } else {
        take_plain(c);
    }
}

ssize_t screen_take_stream(void *unused, const char *bytes, size_t count)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') screen_take('\r');
        screen_take((unsigned char)bytes[i]);
    }
    return (ssize_t)count;
}

/* ---- Looking at it ---- */

static char *add_code(char *to, uint32_t c)
{
    if (c >= 0x10000) *to++ = (char)(0xF0 | c >> 18);
    if (c >= 0x10000)
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
    else if (c >= 0x800)
        *to++ = (char)(0xE0 | c >> 12);
    if (c >= 0x800)
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    else if (c >= 0x80)
        *to++ = (char)(0xC0 | c >> 6);
    *to++ = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    return to;
}

static char *add_cell(char *to, const screen_cell *cell)
{
    if (cell->code) to = add_code(to, cell->code);
    for (int k = 0; k < SCREEN_MARKS; k++)
        if (cell->mark[k]) to = add_code(to, cell->mark[k]);
    return to;
}

/* The line's text without the blanks at its end. */
const char *screen_text(long number)
{
    static char text[SCREEN_TEXT_BYTES];
    char *to = text;
    const screen_cell *cell = screen_line_at(number)->cell;
    int last = screen_line_at(number)->used;
    while (last > 0 && cell[last - 1].code == ' ' && cell[last - 1].mark[0] == 0) last--;
    for (int i = 0; i < last; i++) to = add_cell(to, &cell[i]);
    *to = '\0';
    return text;
}

size_t screen_bytes_before_cursor(void)
{
    char text[SCREEN_TEXT_BYTES], *to = text;
    for (int i = 0; i < screen.column; i++) to = add_cell(to, &cursor_cells()[i]);
    return (size_t)(to - text);
}

const screen_cell *screen_at(long number, int column)
{
    return &screen_line_at(number)->cell[column];
}

void screen_print(const char *name, const screen_cell *cell, int width)
{
    printf("  %-6s |", name);
    for (int i = 0; i < width; i++)
        if (cell[i].code) printf("%lc", (wint_t)cell[i].code);
    printf("|\n");
}

long screen_cursor(void)
{
    return screen.top + screen.row;
}

long screen_first(void)
{
    return screen.top;
}

long screen_last(void)
{
    return screen.top + screen.rows - 1;
}

int screen_column(void)
{
    return screen.column;
}

int screen_columns(void)
{
    return screen.columns;
}

int screen_coloured(void)
{
    return screen.coloured;
}

const screen_counts *screen_count(void)
{
    return &screen.counts;
}

void screen_resize(int rows, int columns)
{
    flow_forget();
    if (flow_mode != SCREEN_STAYS) {
        flow_lines(rows, columns);
        return;
    }
    screen.rows = rows;
    screen.columns = columns;
    if (screen.row >= rows) {
        screen.top += screen.row - rows + 1;
        screen.row = rows - 1;
    }
    move_to(screen.row, screen.column);
}
