/* .edit: an input written in the user's editor. */
#ifndef SH_EDITOR_H
#define SH_EDITOR_H

#include "shell/shell.h"

/* Opens $VISUAL, or $EDITOR, or vi, on a text; returns what the text is then, to be freed, or NULL
 * when nothing is to be done with it: what went wrong was printed. */
char *sh_editor_run(sh_shell *shell, const char *text);
/* The same on a file of the user's; whether the editor ended well. */
bool sh_editor_open(sh_shell *shell, const char *path);

#endif
