/* A line from the keyboard, edited and completed. On other input than a terminal it only reads
 * lines. */
#ifndef SH_LINE_H
#define SH_LINE_H

#include "shell/line/edit/block.h"
#include "shell/shell.h"

typedef enum sh_got {
    SH_GOT_LINE,
    SH_GOT_DROP, /* Ctrl-C */
    SH_GOT_END   /* Ctrl-D, or the input's end */
} sh_got;

typedef struct sh_asked {
    const char *prompt, *further; /* before the first line, before others of the same input */
    const char *pending;          /* lines of the input that were read before, "" for none */
} sh_asked;

/* Settings that last; before the first line. */
void sh_line_open(sh_shell *shell, sh_is_whole *is_whole);
void sh_line_close(void);
/* Is an input of several lines edited and given whole? Else the lines come one by one. */
bool sh_line_has_blocks(void);
/* Reads an input or a line of one; a line too may have several when they were pasted. *line is to
 * be freed; *empty tells of a drop that nothing was typed. */
sh_got sh_line_read(const sh_asked *asked, char **line, bool *empty);

#endif
