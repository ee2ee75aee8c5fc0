/* What the terminal answers when it is asked which pictures it takes, and who it is. It is asked
 * once, when the first line is read, and nobody waits: an answer comes among the keys, now, later
 * or never, and is taken out of them. */
#ifndef SH_ANSWERS_H
#define SH_ANSWERS_H

#include "lua/pictures.h"
#include "shell/screen/terminal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { SH_ANSWER_MOST = 256 }; /* bytes: what goes on longer is none */

/* `pictures` is told what the terminal says, and lives as long as the prompt. */
void sh_answers_open(const sh_terminal *terminal, nbl_pictures *pictures);
/* Asks, unless that was done, the user has chosen a way himself, or the terminal must not be asked.
 * The terminal is set to read keys: it would show the answers else. */
void sh_answers_ask(FILE *to);
/* Whether the terminal is known to leave rows where they are when its width changes; most let them
 * flow. */
bool sh_answers_keeps(void);
/* What takes away a picture over the letter at the cursor, "" where none can be: some terminals
 * leave pictures where they are when the window changes and the text goes elsewhere. */
const char *sh_answers_uncover(void);
/* How many bytes at the beginning are an answer; 0: a key comes first. *open: with further bytes it
 * may be an answer yet. */
size_t sh_answer_length(const char *bytes, size_t count, bool *open);
/* How many milliseconds the next byte of one may take, of which there are so many. */
int sh_answer_patience(size_t count);
/* Takes note of one. */
void sh_answer_heed(const char *bytes, size_t length);
/* How many milliseconds code that would run now must wait: while it runs the terminal shows what
 * comes. 0 when the last answer was heeded, or some time after the terminal was asked. */
int sh_answers_due(void);

#endif
