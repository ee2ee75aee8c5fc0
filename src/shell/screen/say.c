/* Lines of the shell's own. */
#define _GNU_SOURCE
#include "shell/screen/say.h"

#include "shell/screen/fold.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_bytes(FILE *to, const char *text, size_t length, nb_escaping how)
{
    char shown[NB_ESCAPE_MAX];
    for (size_t taken; length > 0; text += taken, length -= taken) {
        taken = nb_escape(text, length, how, shown);
        fputs(shown, to);
    }
}

void sh_put(FILE *to, const char *text, nb_escaping how)
{
    put_bytes(to, text, strlen(text), how);
}

static void put_piece(void *to, const char *text, size_t length)
{
    put_bytes(to, text, length, NB_ESCAPE_LINES);
}

/* At the prompt's terminal lines break between words. */
static void write_complaint(FILE *to, const sh_shell *shell, const char *message)
{
    bool colour = shell->terminal.error_colour;
    bool folds = shell->at_prompt && isatty(STDERR_FILENO);
    const char *first = shell->at_prompt ? "error:" : SH_PROGRAM ":";
    fprintf(to, "%s%s%s ", sh_colour_code(colour, SH_ERROR), first,
            sh_colour_code(colour, SH_PLAIN));
    const sh_lie lie = {.column = strlen(first) + 1,
                        .width = (size_t)sh_terminal_columns(),
                        .cut = shell->terminal.utf8 ? "…" : "..."};
    if (folds)
        sh_fold(message, &lie, put_piece, to);
    else
        sh_put(to, message, NB_ESCAPE_LINES);
    fputc('\n', to);
}

/* In one write, where there is memory for it: several processes may share standard error. */
void sh_complain(const sh_shell *shell, const char *message)
{
    char *text = NULL;
    size_t length = 0;
    FILE *whole = open_memstream(&text, &length);
    fflush(stdout);
    if (whole) write_complaint(whole, shell, message);
    if (whole && fclose(whole) == 0)
        fwrite(text, 1, length, stderr);
    else
        write_complaint(stderr, shell, message);
    free(text);
    fflush(stderr);
}

void sh_remark(const sh_shell *shell, const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    const sh_lie lie = {.width = (size_t)sh_terminal_columns()};
    fputs(sh_colour_code(shell->terminal.colour, SH_QUIET), stdout);
    if (shell->terminal.output)
        sh_fold(text, &lie, put_piece, stdout);
    else
        sh_put(stdout, text, NB_ESCAPE_LINES);
    printf("%s\n", sh_colour_code(shell->terminal.colour, SH_PLAIN));
    fflush(stdout);
    free(text);
}

/* A row of spaces wraps unless it began at a line's beginning; going back then is all that
 * happened. */
void sh_fresh_line(const sh_shell *shell)
{
    fflush(stderr);
    if (shell->terminal.moves) printf("%*s\r\033[K", sh_terminal_columns(), "");
    fflush(stdout);
}

static void add_piece(void *text, const char *words, size_t length)
{
    nb_text_add_bytes(text, words, length);
}

void sh_add_words(nb_text *text, const char *words, int column)
{
    enum { LEAST = 20 };
    int most = sh_terminal_columns();
    const sh_lie lie = {.column = (size_t)column,
                        .indent = (size_t)column,
                        .width = (size_t)(most < LEAST ? LEAST : most)};
    sh_fold(words, &lie, add_piece, text);
}
