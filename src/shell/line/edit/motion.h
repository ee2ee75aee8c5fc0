/* Keys that move, kill and take what is suggested, in an input that may have several lines: they
 * know its lines as Readline knows its line. */
#ifndef SH_MOTION_H
#define SH_MOTION_H

#include "shell/shell.h"

/* Where the line around `point` begins, and ends before its newline; the first place from `point`
 * on that is no blank. */
int sh_line_begin(int point);
int sh_line_end(int point);
int sh_behind_blanks(int point);
/* The letter before `point`, which is not 0, and the place behind the one there, which is not at
 * the end; what combines with a letter is a part of it. */
int sh_character_before(int point);
int sh_character_after(int point);
/* Where the cursor goes that would go to `point`: in vi's command mode it is on a character, never
 * behind the last one of its line. */
int sh_settled(int point);
/* vi's d, c and y carry out a motion: the cursor may stand behind the last letter then. */
void sh_operator_set(bool works);
bool sh_operator_works(void);

/* Puts the commands on their keys where inputs are edited whole. */
void sh_motion_open(sh_shell *shell, bool blocks);

#endif
