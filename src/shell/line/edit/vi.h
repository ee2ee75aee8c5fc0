/* vi's commands in an input that may have several lines: what Readline does to the whole line, as
 * dd, is done to the line of the cursor. */
#ifndef SH_VI_H
#define SH_VI_H

/* Binds gg and J, before the user's inputrc is read. */
void sh_vi_bind(void);
/* Puts the commands on Readline's keys. */
void sh_vi_open(void);
/* The first key of a command is read: the one before has ended, or was broken off in the middle. */
void sh_vi_begin(void);
/* A new line is read. */
void sh_vi_begin_line(void);
/* Between two commands: notes whether a J was the last that "." makes again. */
void sh_vi_mend(void);

#endif
