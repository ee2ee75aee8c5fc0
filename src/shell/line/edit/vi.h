/* vi's commands in an input that may have several lines: what Readline does to the whole line, as
 * dd, is done to the line of the cursor. */
#ifndef SH_VI_H
#define SH_VI_H

#include <stdbool.h>

/* Puts the commands on their keys. */
void sh_vi_open(void);
/* The first key of a command is read: the one before has ended, or was broken off in the middle. */
void sh_vi_begin(void);
/* Whether d, c or y carries out a motion: the cursor may stand behind the last letter then. */
bool sh_vi_operates(void);

#endif
