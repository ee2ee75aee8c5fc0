/* Where several processes run the same script: which of them says what has gone wrong. */
#ifndef SH_SPEAKER_H
#define SH_SPEAKER_H

#include "shell/shell.h"

/* An error that ends the script. One that all processes have is told by the process that it came
 * from. One of this process alone is told, and ends them all: it does not return then. */
void sh_ranks_complain(const sh_shell *shell, const char *text);
/* Whether this process says that it was interrupted. */
bool sh_ranks_tell_interrupted(const sh_shell *shell);
/* Whether the error was Ctrl-C on another process. */
bool sh_ranks_was_interrupted(const sh_shell *shell, const char *text);

#endif
