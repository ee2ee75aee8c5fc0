/* Work of the shell's own on Lua's tables while somebody types. */
#ifndef SH_QUIET_H
#define SH_QUIET_H

#include "shell/shell.h"

/* Calls it with `data` as a light userdata, its one argument. The collector and debug hooks rest
 * meanwhile: finalisers and hooks are the user's code too. What fails fails in silence. */
void sh_quietly(sh_shell *shell, lua_CFunction work, void *data);

#endif
