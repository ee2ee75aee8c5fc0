/* What the prompt understands besides Lua: commands that begin with a dot, questions, and calls to
 * the system. */
#ifndef SH_COMMANDS_H
#define SH_COMMANDS_H

#include "shell/shell.h"

/* Does the first line of an input hold a command, a question or a call to the system? */
bool sh_is_command(const char *line);
/* Carries it out. */
void sh_command(sh_shell *shell, const char *line);

#endif
