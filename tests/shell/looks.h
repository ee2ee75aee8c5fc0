/* A screen with its colours as a text that a person can read: each line behind a '|', and below it
 * behind a ':' a letter for the look of each column, which are told at the end. */
#ifndef TESTS_SHELL_LOOKS_H
#define TESTS_SHELL_LOOKS_H

#include <stdio.h>

/* Writes the window, without the blank lines at its end. */
void looks_write(FILE *to);

#endif
