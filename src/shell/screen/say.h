/* What the shell itself says: errors, remarks, and where their lines begin. All that it shows of
 * names, paths, strings and messages is escaped (base/escape.h); what the user prints is not. */
#ifndef SH_SAY_H
#define SH_SAY_H

#include "base/escape.h"
#include "base/text.h"
#include "shell/shell.h"

#include <stdio.h>

/* Writes a text as it may be shown. */
void sh_put(FILE *to, const char *text, nb_escaping how);
/* Prints a line of error: "error: …" at the prompt, "nabla: …" elsewhere, on standard error. */
void sh_complain(const sh_shell *shell, const char *message);
/* Prints a remark of the shell, in a quiet colour. */
void sh_remark(const sh_shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Starts a new line when the cursor is not at a line's beginning. */
void sh_fresh_line(const sh_shell *shell);

/* Adds words from the column on where the line under way stands, and in further lines from `column`
 * on where they do not fit the window; at least 20 columns are taken for it. */
void sh_add_words(nb_text *text, const char *words, int column);

#endif
