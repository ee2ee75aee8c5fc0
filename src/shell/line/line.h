/* A line from the keyboard, edited and completed. On other input than a terminal it only reads
 * lines. */
#ifndef SH_LINE_H
#define SH_LINE_H

#include "shell/shell.h"

typedef enum sh_got {
    SH_GOT_LINE,
    SH_GOT_DROP, /* Ctrl-C */
    SH_GOT_END   /* Ctrl-D, or the input's end */
} sh_got;

/* Settings that last; before the first line. */
void sh_line_open(sh_shell *shell);
/* Reads a line; may have several when they were pasted. `pending` are the lines before it that
 * belong to the same input. *line is to be freed; *empty tells of a drop that nothing was typed. */
sh_got sh_line_read(const char *prompt, const char *pending, char **line, bool *empty);

#endif
