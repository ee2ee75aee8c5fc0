/* The session's own variables: the globals that were not there when the prompt opened. */
#ifndef SH_SESSION_H
#define SH_SESSION_H

#include "shell/shell.h"

/* Remembers the globals as they are. */
void sh_session_begin(sh_shell *shell);
/* Lists the session's variables with what they are and how much memory tensors,
 * networks and data sets take. */
void sh_session_who(sh_shell *shell);
/* Pushes the globals as they were then, a table. */
void sh_session_push_before(lua_State *L);
/* Pushes the value of a variable of the session; false, nothing pushed: there is none. */
bool sh_session_push_own(lua_State *L, const char *name, size_t length);
/* Makes the globals what they were. */
void sh_session_reset(sh_shell *shell);

#endif
