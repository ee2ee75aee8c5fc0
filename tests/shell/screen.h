/* What a terminal would show: the least of an xterm, VTE or kitty that the shell needs. Characters
 * have their widths and styles; those that combine stand with the one before. Lines that have
 * scrolled away are kept for a while, so that a test can look back. What a terminal reads and does
 * not show (strings, questions) goes to a hook. */
#ifndef TESTS_SHELL_SCREEN_H
#define TESTS_SHELL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    SCREEN_ROWS = 24,
    SCREEN_COLUMNS = 80,
    SCREEN_COLUMNS_MOST = 240,
    SCREEN_MARKS = 2, /* that combine with one character; further ones are not kept */
    SCREEN_TEXT_BYTES = 4 * (1 + SCREEN_MARKS) * SCREEN_COLUMNS_MOST + 1
};

enum {
    SCREEN_BOLD = 1,
    SCREEN_DIM = 2,
    SCREEN_ITALIC = 4,
    SCREEN_UNDERLINE = 8,
    SCREEN_REVERSE = 16
};

/* A colour is 0, the terminal's own, or a number with one of these. */
enum { SCREEN_PALETTE = 1 << 24, SCREEN_RGB = 2 << 24 };

typedef struct screen_cell {
    uint32_t code; /* 0: the right half of the character before */
    uint32_t mark[SCREEN_MARKS];
    uint32_t foreground, background, attributes;
} screen_cell;

/* What has happened since the screen was cleared. Frames are what stands between CSI ?2026h and l:
 * the shell's line. */
typedef struct screen_counts {
    long frames, ended; /* begun; over */
    long wraps;         /* of the terminal itself */
    long wraps_framed;
    long edges_framed;   /* characters in the last column */
    long strange_framed; /* sequences that have no place in a frame */
} screen_counts;

/* Empties it, at its first size. */
void screen_clear(void);
/* What a terminal does with lines at another width. */
typedef enum screen_flow {
    SCREEN_STAYS, /* nothing, as xterm */
    SCREEN_FLOWS  /* those that are too wide now, or that it has wrapped, flow anew: VTE, kitty */
} screen_flow;
/* Until it is called again, also where the screen is cleared. */
void screen_set_flow(screen_flow flow);
void screen_resize(int rows, int columns);
/* Where a line has gone at the last change of the size. */
long screen_moved(long number);
/* Takes one byte of output. */
void screen_take(unsigned char byte);
/* Takes what is written to a stream (fopencookie), a newline with the return that a terminal adds.
 */
ssize_t screen_take_stream(void *unused, const char *bytes, size_t count);
/* Lines are numbered from 0, the first that ever was. The number of the window's first line, of its
 * last one, of the cursor's; and the cursor's column. */
long screen_first(void);
long screen_last(void);
long screen_cursor(void);
int screen_column(void);
/* The window's columns. */
int screen_columns(void);
/* Has there been any colour, or anything but plain letters, since it was cleared? */
int screen_coloured(void);
const screen_counts *screen_count(void);
/* The text of a line without the blanks at its end; good until the next call. */
const char *screen_text(long number);
/* Bytes of that text before the cursor on its line, blanks included. */
size_t screen_bytes_before_cursor(void);
const screen_cell *screen_at(long number, int column);
/* Prints so many cells as a line behind its name; of a wide letter one is empty. */
void screen_print(const char *name, const screen_cell *cell, int width);

/* Strings of the terminal (kind: '_' APC, 'P' DCS, ']' OSC …) and questions (kind '[': parameters
 * and final of ESC[c, ESC[16t …), whole. */
typedef void screen_hook(char kind, const char *bytes, size_t length);
/* NULL: they are swallowed. */
void screen_set_hook(screen_hook *hook);

#endif
