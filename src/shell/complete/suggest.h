/* What would go on behind an input: from the history, by prefix, else from what is known. It never
 * runs the user's code. */
#ifndef SH_SUGGEST_H
#define SH_SUGGEST_H

#include "shell/shell.h"

#include <stddef.h>

enum { SH_SUGGESTED_BYTES = 512 }; /* with the end */

/* What goes on behind the text, which ends in NUL and where the cursor is; "" for nothing, no
 * newline in it, shorter than SH_SUGGESTED_BYTES. Good until the next call. */
const char *sh_suggest(sh_shell *shell, const char *text, size_t length);

#endif
