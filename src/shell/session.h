/* The session's own variables: the globals that were not there when the prompt opened. */
#ifndef SH_SESSION_H
#define SH_SESSION_H

#include "shell/shell.h"

/* Remembers the globals as they are. */
void sh_session_begin(sh_shell *shell);
/* Lists the session's variables with what they are and how much memory tensors take. */
void sh_session_who(sh_shell *shell);
/* Makes the globals what they were. */
void sh_session_reset(sh_shell *shell);

#endif
