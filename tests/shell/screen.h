/* What a terminal would show: the least of an xterm that Readline and the shell need. Every letter
 * is one column wide. Lines that have scrolled away are kept for a while, so that a test can look
 * back. */
#ifndef TESTS_SHELL_SCREEN_H
#define TESTS_SHELL_SCREEN_H

enum {
    SCREEN_ROWS = 24,
    SCREEN_COLUMNS = 80,
    SCREEN_COLUMNS_MOST = 240,
    SCREEN_TEXT_BYTES = 4 * SCREEN_COLUMNS_MOST + 1
};

/* Empties it, at its first size. */
void screen_clear(void);
void screen_resize(int rows, int columns);
/* Takes one byte of output. */
void screen_take(unsigned char byte);
/* Lines are numbered from 0, the first that ever was. The number of the window's first line, of its
 * last one, of the cursor's; and the cursor's column. */
long screen_first(void);
long screen_last(void);
long screen_cursor(void);
int screen_column(void);
/* Has there been any colour, or anything but plain letters, since it was cleared? */
int screen_coloured(void);
/* The text of a line without the blanks at its end; good until the next call. */
const char *screen_text(long number);

#endif
