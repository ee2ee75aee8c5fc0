/* One input at the prompt: compiled, run, its values shown and remembered. */
#ifndef SH_EVAL_H
#define SH_EVAL_H

#include "shell/run/call.h"
#include "shell/run/compile.h"
#include "shell/shell.h"

/* The last result is the global `_`, those before it are _2, _3 and _4: a fixed few, so that the
 * prompt does not keep alive whatever was ever shown. */
enum { SH_RESULTS = 4 };

/* Compiles an input. SH_WHOLE leaves its function on the stack for sh_eval_run; a wrong one is
 * printed. */
sh_compiled sh_eval_compile(sh_shell *shell, const char *source);
/* Would it be SH_UNFINISHED? Nothing is printed of what is wrong. */
bool sh_eval_goes_on(sh_shell *shell, const char *source);
/* Runs the function on the stack's top and shows its values unless the input ends in `;`. */
sh_status sh_eval_run(sh_shell *shell, const char *source);
/* Is `name` one of the globals that the prompt itself sets: `_`, its elders, `_err`? */
bool sh_is_result(const char *name);

#endif
