/* What the shell itself says: errors, remarks, and where their lines begin. */
#ifndef SH_SAY_H
#define SH_SAY_H

#include "shell/shell.h"

/* Prints a line of error: "error: …" at the prompt, "nabla: …" elsewhere, on standard error. */
void sh_complain(const sh_shell *shell, const char *message);
/* Prints a remark of the shell, in a quiet colour. */
void sh_remark(const sh_shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Starts a new line when the cursor is not at a line's beginning. */
void sh_fresh_line(const sh_shell *shell);

#endif
