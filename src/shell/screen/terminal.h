/* What standard input and output are: terminals or not, how wide, with colours or ∇. */
#ifndef SH_TERMINAL_H
#define SH_TERMINAL_H

#include <stdbool.h>

typedef struct sh_terminal {
    bool input, output; /* is a terminal */
    bool moves;         /* the cursor of the output can be moved: a terminal, and not a dumb one */
    bool utf8;
    bool colour, error_colour; /* on standard output, on standard error */
} sh_terminal;

typedef enum sh_colour { SH_PLAIN, SH_PROMPT, SH_ERROR, SH_QUIET, SH_STRONG } sh_colour;

/* After setlocale(LC_CTYPE, ""). */
void sh_terminal_look(sh_terminal *terminal);
/* A launcher passes on what is written: it is a pipe, or a terminal that nobody looks at. */
void sh_terminal_passed_on(sh_terminal *terminal);
/* The window's size, 80 by 24 where nobody knows. */
int sh_terminal_columns(void);
int sh_terminal_rows(void);
/* The escape sequence, "" when `on` is false. */
const char *sh_colour_code(bool on, sh_colour colour);

#endif
