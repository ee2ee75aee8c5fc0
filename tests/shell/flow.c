/* Lines flow anew at another width. */
#include "flow.h"

#include "width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ABOVE_MOST = 200, /* lines above the window that flow too */
    LINES_MOST = 8000
};

static struct {
    long from;  /* lines before this one stay */
    long count; /* of those that flowed */
    long went[SCREEN_KEPT];
    screen_line *out;
    long lines; /* that have come of them */
    int at;     /* column */
    long row;   /* the cursor's */
    int column;
} flow;

void flow_forget(void)
{
    flow.from = flow.count = 0;
}

long screen_moved(long number)
{
    bool flowed = number >= flow.from && number < flow.from + flow.count;
    return flowed ? flow.went[number - flow.from] : number;
}

static void next_line(void)
{
    if (flow.lines == LINES_MOST) {
        fprintf(stderr, "flow: too many lines\n");
        abort();
    }
    screen_line_clear(&flow.out[flow.lines++]);
    flow.at = 0;
}

static void wrap(void)
{
    flow.out[flow.lines - 1].wrapped = true;
    next_line();
}

/* Adds one character, whole. */
static void add(const screen_cell *cell, int width, int columns)
{
    if (width > columns) width = 1;
    if (flow.at + width > columns) wrap();
    memcpy(flow.out[flow.lines - 1].cell + flow.at, cell, (size_t)width * sizeof *cell);
    flow.at += width;
    flow.out[flow.lines - 1].used = flow.at;
}

/* The cursor is `behind` columns behind what was added last, but not beyond the row's end. */
static void set_cursor(int behind, int columns)
{
    flow.row = flow.lines - 1;
    flow.column = flow.at + behind < columns ? flow.at + behind : columns - 1;
}

/* Adds what is on a line; its cells beyond the old width are gone. */
static void add_line(long number, int columns)
{
    const screen_line *line = screen_line_at(number);
    int length = line->used,
        cursor = number == screen.top + screen.row ? screen.column + screen.full : -1;
    if (length > screen.columns) length = screen.columns;
    for (int i = 0; i < length;) {
        int width = i + 1 < length && line->cell[i + 1].code == 0 ? 2 : 1;
        if (flow.at + (width > columns ? 1 : width) > columns) wrap();
        if (cursor >= i && cursor < i + width) set_cursor(cursor - i, columns);
        add(&line->cell[i], width, columns);
        i += width;
    }
    if (cursor >= length) set_cursor(cursor - length, columns);
}

static void flow_all(long last, int columns)
{
    bool goes_on = false;
    for (long i = flow.from; i <= last; i++) {
        if (!goes_on) next_line();
        flow.went[i - flow.from] = flow.from + flow.lines - 1;
        add_line(i, columns);
        goes_on = screen_line_at(i)->wrapped;
    }
    flow.count = last - flow.from + 1;
}

static long last_used(void)
{
    long last = screen.top + screen.rows - 1;
    while (last > screen.top + screen.row && screen_line_at(last)->used == 0) last--;
    return last;
}

/* The window shows the last line that is used, but not less than the cursor. */
static void place_window(int rows, int columns)
{
    long last = flow.from + flow.lines - 1, cursor = flow.from + flow.row;
    long top = screen_moved(screen.top);
    if (top < last - rows + 1) top = last - rows + 1;
    if (top > cursor) top = cursor;
    for (long i = last + 1; i < top + rows; i++) screen_line_clear(screen_line_at(i));
    screen.top = top;
    screen.rows = rows;
    screen.columns = columns;
    screen.row = (int)(cursor - top);
    screen.column = flow.column;
    screen.full = false;
}

void flow_lines(int rows, int columns)
{
    long last = last_used();
    flow.from = screen.top > ABOVE_MOST ? screen.top - ABOVE_MOST : 0;
    flow.lines = 0;
    flow.out = malloc(LINES_MOST * sizeof *flow.out);
    if (!flow.out) abort();
    flow_all(last, columns);
    for (long i = 0; i < flow.lines; i++) *screen_line_at(flow.from + i) = flow.out[i];
    place_window(rows, columns);
    free(flow.out);
}
