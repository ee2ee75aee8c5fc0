/* Text that may be longer than the window. */
#include "shell/screen/pager.h"

#include "base/utf8.h"
#include "shell/run/interrupt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Missing where nothing but the system itself is installed; the shell's own message says nothing
 * to who asked for help. */
#define USUAL_PAGER "less -FRX 2> /dev/null"

enum { NO_SUCH_PROGRAM = 127 }; /* the shell's exit status for it */

static int rows_of(const char *text, size_t length)
{
    int columns = sh_terminal_columns(), rows = 0, column = 0;
    for (size_t i = 0; i < length; i++) {
        bool more = !nb_is_tail(text[i]) && ++column > columns;
        if (text[i] != '\n' && !more) continue;
        rows++;
        column = more ? 1 : 0;
    }
    return rows;
}

/* The pager starts while Ctrl-C is let in, because it inherits that; what is pressed while it runs
 * is its own. False: there is no such program. It may be left before it has read everything. */
static bool pipe_to(const char *pager, const char *text, size_t length)
{
    int status = -1;
    sh_interrupt_begin();
    FILE *pipe = popen(pager, "we");
    sh_interrupt_end();
    if (pipe) {
        fwrite(text, 1, length, pipe);
        status = pclose(pipe);
    }
    /* What came meanwhile is taken here, or it would drop the next line. */
    sh_interrupt_begin();
    sh_interrupt_end();
    return status != -1 && !(WIFEXITED(status) && WEXITSTATUS(status) == NO_SUCH_PROGRAM);
}

void sh_page(const sh_shell *shell, const char *text, size_t length)
{
    const char *pager = getenv("PAGER");
    if (!pager || !*pager) pager = USUAL_PAGER;
    bool terminal = shell->terminal.moves && shell->terminal.input;
    fflush(stdout);
    if (terminal && rows_of(text, length) >= sh_terminal_rows() && pipe_to(pager, text, length))
        return;
    fwrite(text, 1, length, stdout);
    fflush(stdout);
}
