/* An input of several lines, edited whole: Enter goes on while it is unfinished, keys that move and
 * kill know lines, and at the first and last line Up and Down go through the history. */
#ifndef SH_BLOCK_H
#define SH_BLOCK_H

#include "shell/shell.h"

/* Can the text be carried out as it is, or is it wrong? Then nothing is to follow it. */
typedef bool sh_is_whole(sh_shell *shell, const char *text);

/* Binds Esc-Enter and Esc-Ctrl-J, in vi's command mode o, O and backspace, and where one types
 * Ctrl-L, before the user's inputrc is read. */
void sh_block_bind(sh_is_whole *is_whole);
/* An input is to be edited whole: puts the commands on Readline's keys. */
void sh_block_open(sh_shell *shell);
/* Between two commands: a line that has become the end of a block moves out of it. */
void sh_block_mend(void);
/* At a line's beginning, where Tab indents: does so. False: it is not there. */
bool sh_block_indent(void);

#endif
