/* Text that may be longer than the window. */
#include "shell/screen/pager.h"

#include "shell/run/interrupt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int rows_of(const char *text, size_t length)
{
    int columns = sh_terminal_columns(), rows = 0, column = 0;
    for (size_t i = 0; i < length; i++) {
        bool more = ((unsigned char)text[i] & 0xC0) != 0x80 && ++column > columns;
        if (text[i] != '\n' && !more) continue;
        rows++;
        column = more ? 1 : 0;
    }
    return rows;
}

/* A pager may be left before it has read everything. */
static bool pipe_to(const char *pager, const char *text, size_t length)
{
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    /* It is to get Ctrl-C, so it starts while that is let in. */
    sh_interrupt_begin();
    FILE *pipe = popen(pager, "we");
    if (pipe) {
        fwrite(text, 1, length, pipe);
        pclose(pipe);
    }
    sh_interrupt_end();
    signal(SIGPIPE, before);
    return pipe;
}

void sh_page(const sh_shell *shell, const char *text, size_t length)
{
    const char *pager = getenv("PAGER");
    if (!pager || !*pager) pager = "less -FRX";
    bool terminal = shell->terminal.moves && shell->terminal.input;
    fflush(stdout);
    if (terminal && rows_of(text, length) >= sh_terminal_rows() && pipe_to(pager, text, length))
        return;
    fwrite(text, 1, length, stdout);
    fflush(stdout);
}
