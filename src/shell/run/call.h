/* Calls from the shell into Lua: the user's code with Ctrl-C let in, the shell's own work without;
 * what fails is told at once. */
#ifndef SH_CALL_H
#define SH_CALL_H

#include "shell/shell.h"

/* How a call, a script or the program ended: the program's exit status. */
typedef enum sh_status { SH_OK = 0, SH_FAILED = 1, SH_MISUSED = 2, SH_STOPPED = 130 } sh_status;

/* Calls the function below `arguments` values on the stack's top, with Ctrl-C watched. On failure
 * it prints the error, or "interrupted", and leaves nothing on the stack. */
sh_status sh_call(sh_shell *shell, int arguments, int results);
/* The same for work of the shell itself, which finds `data` by sh_work and runs no code of the
 * user's: Ctrl-C is not let in, and a hook of the user's rests. */
sh_status sh_protect(sh_shell *shell, lua_CFunction work, void *data, int results);
/* Pushes a function of the shell and its data for sh_call: work that runs the user's code. */
void sh_push_work(sh_shell *shell, lua_CFunction work, void *data);
/* The data, for the function's first statement. Raises where the function is called by somebody
 * else: the user's code can find it on the stack with the debug library. */
void *sh_work(lua_State *L);

#endif
