/* What the machine has: memory that is left, a terminal's window. */
#ifndef NB_MACHINE_H
#define NB_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that the kernel could still give, swap included, less a thirty-second of the memory that
 * it runs on: where those end it ends processes. `path` is /proc/meminfo; SIZE_MAX when it cannot
 * be read or does not say. */
size_t nb_machine_left(const char *path);

/* The size of the window that the terminal at `fd` has; false where it is no terminal, or says
 * none. */
bool nb_machine_window(int fd, int *columns, int *rows);
/* How many pixels wide and high a letter is at least on the terminal at `fd`, by the window's size;
 * false where it says none, as most do, or what no letter can be. */
bool nb_machine_cell(int fd, int *wide, int *high);
/* Whether a letter may be so many pixels wide and high. */
bool nb_is_cell(int wide, int high);

#endif
