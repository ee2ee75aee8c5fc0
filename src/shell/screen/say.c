/* Lines of the shell's own. */
#include "shell/screen/say.h"

#include <stdarg.h>
#include <stdio.h>

void sh_complain(const sh_shell *shell, const char *message)
{
    bool colour = shell->terminal.error_colour;
    fflush(stdout);
    fprintf(stderr, "%s%s%s %s\n", sh_colour_code(colour, SH_ERROR),
            shell->at_prompt ? "error:" : SH_PROGRAM ":", sh_colour_code(colour, SH_PLAIN),
            message);
    fflush(stderr);
}

void sh_remark(const sh_shell *shell, const char *format, ...)
{
    va_list arguments;
    fputs(sh_colour_code(shell->terminal.colour, SH_QUIET), stdout);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("%s\n", sh_colour_code(shell->terminal.colour, SH_PLAIN));
    fflush(stdout);
}

/* A row of spaces wraps unless it began at a line's beginning; going back then is all that
 * happened. */
void sh_fresh_line(const sh_shell *shell)
{
    fflush(stderr);
    if (shell->terminal.moves) printf("%*s\r\033[K", sh_terminal_columns(), "");
    fflush(stdout);
}
