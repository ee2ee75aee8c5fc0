/* Keys that were typed ahead. Between Enter and the code that it starts lies a moment in which
 * Ctrl-C is still a key. So the keys that wait when code begins are taken from the terminal: a
 * Ctrl-C among them becomes the signal that it would have been a moment later, the others are kept
 * for the next line. */
#ifndef SH_KEYS_H
#define SH_KEYS_H

#include "shell/screen/terminal.h"

#include <stdbool.h>
#include <stdio.h>

enum { SH_CTRL_C = 3 };

/* Code is about to run. A Ctrl-C that was typed since the line was read is made a SIGINT that waits
 * until it is let in; other keys stay for the next line. */
void sh_keys_take(const sh_terminal *terminal);
/* Whether keys wait that were taken so. */
bool sh_keys_wait(void);
/* The next key: one that waits, else the terminal's. What Readline reads with. */
int sh_next_key(FILE *from);

#endif
