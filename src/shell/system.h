/* Commands of the system, with the terminal handed over. */
#ifndef SH_SYSTEM_H
#define SH_SYSTEM_H

#include "shell/shell.h"

enum { SH_NOT_FOUND = 127 }; /* the system's shell knows no such command */

/* Runs a line; its exit status, 128 more than the signal that ended it, or -1: none could be
 * started. */
int sh_system(sh_shell *shell, const char *line);

#endif
