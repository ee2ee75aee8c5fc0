/* What standard input and output are. */
#include "shell/screen/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, USUAL_ROWS = 24 };

void sh_terminal_look(sh_terminal *terminal)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;
    bool plain = dumb || (no_colour && *no_colour);
    terminal->input = isatty(STDIN_FILENO);
    terminal->output = isatty(STDOUT_FILENO);
    terminal->moves = terminal->output && !dumb;
    terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    terminal->colour = terminal->output && !plain;
    terminal->error_colour = isatty(STDERR_FILENO) && !plain;
}

static struct winsize window(void)
{
    struct winsize size = {.ws_col = 0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size = (struct winsize){.ws_col = 0};
    return size;
}

int sh_terminal_columns(void)
{
    int columns = window().ws_col;
    return columns > 0 ? columns : USUAL_COLUMNS;
}

int sh_terminal_rows(void)
{
    int rows = window().ws_row;
    return rows > 0 ? rows : USUAL_ROWS;
}

const char *sh_colour_code(bool on, sh_colour colour)
{
    static const char *const codes[] = {[SH_PLAIN] = "\033[0m",
                                        [SH_PROMPT] = "\033[1;34m",
                                        [SH_ERROR] = "\033[1;31m",
                                        [SH_QUIET] = "\033[2m",
                                        [SH_STRONG] = "\033[1m"};
    return on ? codes[colour] : "";
}
