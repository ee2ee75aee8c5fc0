/* Lines of the shell's own. */
#define _GNU_SOURCE
#include "shell/screen/say.h"

#include "shell/screen/fold.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void sh_put(FILE *to, const char *text, nb_escaping how)
{
    char shown[NB_ESCAPE_MAX];
    for (size_t left = strlen(text); left > 0;) {
        size_t taken = nb_escape(text, left, how, shown);
        fputs(shown, to);
        text += taken;
        left -= taken;
    }
}

static void put_piece(void *to, const char *text, size_t length)
{
    char shown[NB_ESCAPE_MAX];
    for (size_t taken; length > 0; text += taken, length -= taken) {
        taken = nb_escape(text, length, NB_ESCAPE_LINES, shown);
        fputs(shown, to);
    }
}

/* At the prompt's terminal lines break between words. */
static void write_complaint(FILE *to, const sh_shell *shell, const char *message)
{
    bool colour = shell->terminal.error_colour;
    bool folds = shell->at_prompt && isatty(STDERR_FILENO);
    const char *first = shell->at_prompt ? "error:" : SH_PROGRAM ":";
    fprintf(to, "%s%s%s ", sh_colour_code(colour, SH_ERROR), first,
            sh_colour_code(colour, SH_PLAIN));
    if (folds)
        sh_fold(message, strlen(first) + 1, (size_t)sh_terminal_columns(), put_piece, to);
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
    fputs(sh_colour_code(shell->terminal.colour, SH_QUIET), stdout);
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

static int letters(const char *text, size_t length)
{
    int count = 0;
    for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

void sh_add_words(nb_text *text, const char *words, int column)
{
    enum { LEAST = 20 };
    int most = sh_terminal_columns(), at = column;
    if (most < LEAST) most = LEAST;
    while (*words) {
        size_t blanks = strspn(words, " "), length = blanks + strcspn(words + blanks, " ");
        int width = letters(words, length);
        if (at > column && blanks > 0 && at + width > most) {
            nb_text_add(text, "\n%*s", column, "");
            at = column;
            words += blanks;
            length -= blanks;
            width -= (int)blanks;
        }
        nb_text_add_bytes(text, words, length);
        at += width;
        words += length;
    }
}
