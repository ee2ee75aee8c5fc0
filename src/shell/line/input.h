/* What Readline reads with: keys, and a Ctrl-C from wherever. Whatever Readline is at (a search,
 * the middle of a key's sequence, a count), a Ctrl-C or a paste brings it back to where it takes
 * commands. There Ctrl-C is the command that drops the line. */
#ifndef SH_INPUT_H
#define SH_INPUT_H

#include "shell/shell.h"

/* Readline's way to read, and its command for pastes; before the first line. */
void sh_input_open(sh_shell *shell);
/* A line begins. */
void sh_input_begin(void);

#endif
