/* The tests' terminal at another width: lines flow anew. What screen.c and flow.c share. */
#ifndef TESTS_SHELL_FLOW_H
#define TESTS_SHELL_FLOW_H

#include "screen.h"

enum { SCREEN_KEPT = 2048 };

typedef struct screen_line {
    screen_cell cell[SCREEN_COLUMNS_MOST];
    int used;     /* columns, up to the last that was written since they were erased */
    bool wrapped; /* the terminal went on in the next line by itself */
} screen_line;

typedef struct screen_state {
    screen_line line[SCREEN_KEPT];
    long top; /* the number of the window's first line, from 0; it is line[number % SCREEN_KEPT] */
    int rows, columns, row, column;
    int kept_row, kept_column; /* where ESC 7 has kept the cursor */
    screen_cell pen;           /* what is written looks like this */
    bool coloured;
    bool full; /* a character stands in the last column: the next one goes on to a new line */
    bool framed;
    screen_counts counts;
} screen_state;

extern screen_state screen;

screen_line *screen_line_at(long number);
void screen_line_clear(screen_line *line);

void flow_forget(void);
/* A cursor behind what is written stays on its last row. */
void flow_lines(int rows, int columns);

#endif
