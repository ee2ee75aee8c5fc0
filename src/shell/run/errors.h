/* Calls from the shell into Lua, and what the user sees when they fail: one line in the words of
 * his call, the source lines of his own frames; the rest waits for .trace. */
#ifndef SH_ERRORS_H
#define SH_ERRORS_H

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
/* Prints a line of error: "error: …" at the prompt, "nabla: …" elsewhere, on standard error. */
void sh_complain(const sh_shell *shell, const char *message);
/* Prints a remark of the shell, in a quiet colour. */
void sh_remark(const sh_shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Pushes the last error's traceback, or nil. */
void sh_push_trace(lua_State *L);
/* The message behind "prompt[3]:1: ", or the message itself. */
const char *sh_skip_position(const char *message);
/* Starts a new line when the cursor is not at a line's beginning. */
void sh_fresh_line(const sh_shell *shell);

#endif
