/* What standard input and output are. */
#include "shell/screen/terminal.h"

#include "base/machine.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
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

void sh_terminal_passed_on(sh_terminal *terminal)
{
    terminal->output = terminal->moves = terminal->colour = terminal->error_colour = false;
}

int sh_terminal_columns(void)
{
    int columns, rows;
    return nb_machine_window(STDOUT_FILENO, &columns, &rows) ? columns : USUAL_COLUMNS;
}

int sh_terminal_rows(void)
{
    int columns, rows;
    return nb_machine_window(STDOUT_FILENO, &columns, &rows) && rows > 0 ? rows : USUAL_ROWS;
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
