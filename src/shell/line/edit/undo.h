/* The changes that Readline can undo, and the line that is put aside while the history is looked
 * through: each list of changes has one owner. */
#ifndef SH_UNDO_H
#define SH_UNDO_H

#include <stdbool.h>
#include <stdio.h>

#include <readline/readline.h>

/* Does this command of Readline's take changes back? */
bool sh_undo_is(rl_command_func_t *command);
/* Before a line is read. */
void sh_undo_begin(void);
/* Between two of Readline's commands. */
void sh_undo_mend(void);
/* When the program ends. */
void sh_undo_close(void);

#endif
