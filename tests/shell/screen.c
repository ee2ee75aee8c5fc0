/* What a terminal would show. */
#include "screen.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { KEPT = 2048 };

static struct {
    uint32_t cell[KEPT][SCREEN_COLUMNS_MOST];
    long top; /* the number of the window's first line, from 0; its cells are cell[number % KEPT] */
    int rows, columns, row, column;
    bool coloured;
    bool full; /* a character stands in the last column: the next one goes on to a new line */
} screen;

static uint32_t *line_at(long number)
{
    return screen.cell[number % KEPT];
}

static uint32_t *cursor_line(void)
{
    return line_at(screen.top + screen.row);
}

static void erase(uint32_t *line, int from, int to)
{
    for (int i = from; i < to; i++) line[i] = ' ';
}

void screen_clear(void)
{
    memset(&screen, 0, sizeof screen);
    screen.rows = SCREEN_ROWS;
    screen.columns = SCREEN_COLUMNS;
    for (int i = 0; i < KEPT; i++) erase(screen.cell[i], 0, SCREEN_COLUMNS_MOST);
}

static void go_down(void)
{
    if (screen.row + 1 < screen.rows) {
        screen.row++;
        return;
    }
    screen.top++;
    erase(cursor_line(), 0, SCREEN_COLUMNS_MOST);
}

static void move_to(int row, int column)
{
    screen.row = row < 0 ? 0 : row >= screen.rows ? screen.rows - 1 : row;
    screen.column = column < 0 ? 0 : column >= screen.columns ? screen.columns - 1 : column;
    screen.full = false;
}

static void put(uint32_t code)
{
    if (screen.full) {
        move_to(screen.row, 0);
        go_down();
    }
    cursor_line()[screen.column] = code;
    if (screen.column + 1 < screen.columns)
        screen.column++;
    else
        screen.full = true;
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
}

static void erase_in_line(int how)
{
    erase(cursor_line(), how == 0 ? screen.column : 0,
          how == 1 ? screen.column + 1 : SCREEN_COLUMNS_MOST);
}

static void erase_in_screen(int how)
{
    for (int i = 0; i < screen.rows; i++)
        if (how == 2 || (how == 0 && i > screen.row) || (how == 1 && i < screen.row))
            erase(line_at(screen.top + i), 0, SCREEN_COLUMNS_MOST);
    erase_in_line(how);
}

/* Characters at the cursor come in (count > 0) or go. */
static void shift(int count)
{
    uint32_t *line = cursor_line();
    int rest = screen.columns - screen.column, away = count < 0 ? -count : count;
    if (away > rest) away = rest;
    uint32_t *here = line + screen.column;
    size_t bytes = (size_t)(rest - away) * sizeof *here;
    memmove(count > 0 ? here + away : here, count > 0 ? here : here + away, bytes);
    if (count > 0)
        erase(line, screen.column, screen.column + away);
    else
        erase(line, screen.columns - away, screen.columns);
}

static void sequence(char final, int first, int second)
{
    int count = first > 0 ? first : 1;
    switch (final) {
    case 'A':
        move_to(screen.row - count, screen.column);
        break;
    case 'B':
        move_to(screen.row + count, screen.column);
        break;
    case 'C':
        move_to(screen.row, screen.column + count);
        break;
    case 'D':
        move_to(screen.row, screen.column - count);
        break;
    case 'G':
        move_to(screen.row, count - 1);
        break;
    case 'H':
        move_to(count - 1, second > 0 ? second - 1 : 0);
        break;
    case 'J':
        erase_in_screen(first);
        break;
    case 'K':
        erase_in_line(first);
        break;
    case 'm':
        if (first > 0) screen.coloured = true;
        break;
    case 'P':
        shift(-count);
        break;
    case '@':
        shift(count);
        break;
    default:
        break; /* modes */
    }
}

/* One byte of output; the state between bytes is what has come of a sequence or of a letter of
 * UTF-8. */
void screen_take(unsigned char c)
{
    static enum { PLAIN, ESCAPE, CSI, CHARSET } state;
    static int number[2], which, left;
    static uint32_t code;
    if (state == CSI) {
        if (c >= '0' && c <= '9' && which < 2)
            number[which] = number[which] * 10 + (c - '0');
        else if (c == ';')
            which++;
        if (c < 0x40 || c > 0x7e) return;
        sequence((char)c, number[0], number[1]);
        state = PLAIN;
    } else if (state == ESCAPE) {
        number[0] = number[1] = which = 0;
        state = c == '[' ? CSI : c == '(' ? CHARSET : PLAIN;
    } else if (state == CHARSET) {
        state = PLAIN;
    } else if (c == 033) {
        state = ESCAPE;
    } else if (c < ' ') {
        control(c);
    } else if (c < 0x80 || (c < 0xC0 && left == 0)) {
        put(c);
    } else if (c >= 0xC0) {
        left = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
        code = c & (0x3Fu >> left);
    } else {
        code = code << 6 | (c & 0x3F);
        if (--left == 0) put(code);
    }
}

/* The line's text without the blanks at its end. */
const char *screen_text(long number)
{
    static char text[SCREEN_TEXT_BYTES];
    char *to = text;
    const uint32_t *line = line_at(number);
    int last = SCREEN_COLUMNS_MOST;
    while (last > 0 && line[last - 1] == ' ') last--;
    for (int i = 0; i < last; i++) {
        uint32_t c = line[i];
        if (c >= 0x800) *to++ = (char)(0xE0 | c >> 12);
        if (c >= 0x800)
            *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        else if (c >= 0x80)
            *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    }
    *to = '\0';
    return text;
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

int screen_coloured(void)
{
    return screen.coloured;
}

/* Nothing flows anew: Readline draws its line again, the rest stays. */
void screen_resize(int rows, int columns)
{
    screen.rows = rows;
    screen.columns = columns;
    if (screen.row >= rows) {
        screen.top += screen.row - rows + 1;
        screen.row = rows - 1;
    }
    move_to(screen.row, screen.column);
}
