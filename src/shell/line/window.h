/* The size of the terminal's window. */
#ifndef SH_WINDOW_H
#define SH_WINDOW_H

#include <stdbool.h>

/* Rows and columns of the terminal that is standard input, 0 where it does not know them; false: it
 * is none. Whoever links this also has Readline never set a size (window.c). */
bool sh_window_size(int *rows, int *columns);

#endif
