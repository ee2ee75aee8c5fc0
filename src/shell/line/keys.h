/* Bytes from the keyboard, in the order in which they were typed. Some were typed ahead: between
 * Enter and the code that it starts lies a moment in which Ctrl-C is still a key. So the keys that
 * wait when code begins are taken from the terminal: a Ctrl-C among them becomes the signal that it
 * would have been a moment later, the others are kept for the next line. */
#ifndef SH_KEYS_H
#define SH_KEYS_H

#include "shell/screen/terminal.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The marks of a bracketed paste. */
#define SH_PASTE_BEGINS "\033[200~"
#define SH_PASTE_ENDS   "\033[201~"

enum { SH_CTRL_C = 3 };

/* Code is about to run. A Ctrl-C that was typed since the line was read is made a SIGINT that waits
 * until it is let in; other keys stay for the next line. */
void sh_keys_take(const sh_terminal *terminal);
/* A Ctrl-C came as a signal: what was typed before it and not ended by Enter goes with it, and what
 * a macro would type yet. */
void sh_keys_drop(void);
/* Whether keys wait that were taken so, or given back. */
bool sh_keys_wait(void);
/* Or are there any on the terminal? */
bool sh_keys_come(void);
/* Reads at most so many bytes: those that wait, else the terminal's, which is waited for. Returns
 * how many; 0 where the input has ended, -1 where nothing came after all. */
ssize_t sh_keys_read(char *to, size_t most);
/* How many of at most so many bytes come next, without taking them: those that wait, then the
 * terminal's, for each of which it is waited so long. */
size_t sh_keys_look(size_t most, int milliseconds, const char **bytes);
/* Takes so many of those that were looked at. */
void sh_keys_skip(size_t count);
/* Enter was typed: what the terminal answers just now is taken out of the keys behind it. */
void sh_keys_settle(void);
/* Whether these bytes come next and are there already; then they are taken. */
bool sh_keys_follow(const char *text);
/* Bytes that were read and are not used: they come first again. */
void sh_keys_give_back(const char *bytes, size_t count);

#endif
