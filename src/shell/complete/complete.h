/* What could stand where the cursor is. It reads Lua's tables raw and the book of help, and never
 * runs the user's code: no metamethod, no finaliser. It knows nothing of the keyboard; line.c asks
 * it. */
#ifndef SH_COMPLETE_H
#define SH_COMPLETE_H

#include "shell/complete/candidates.h"
#include "shell/shell.h"

/* Candidates for the word at the end of `text`, which is the input up to the cursor. */
void sh_complete(sh_shell *shell, const char *text, sh_completion *completion);
/* The same where they are few: options of the call around, words of notation and of fields. */
void sh_complete_sure(sh_shell *shell, const char *text, sh_completion *completion);

#endif
