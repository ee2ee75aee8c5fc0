/* Text that may be longer than the window. */
#ifndef SH_PAGER_H
#define SH_PAGER_H

#include "shell/shell.h"

#include <stddef.h>

/* Prints the text, through $PAGER where standard output is a terminal with fewer rows. */
void sh_page(const sh_shell *shell, const char *text, size_t length);

#endif
