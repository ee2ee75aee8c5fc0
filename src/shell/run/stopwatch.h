/* .time EXPRESSION: how long it takes, over many runs. */
#ifndef SH_STOPWATCH_H
#define SH_STOPWATCH_H

#include "shell/shell.h"

/* Runs a piece of Lua again and again for about a second, at least once, and prints the mean, the
 * standard deviation and the number of runs. Ctrl-C ends it. Values are dropped. */
void sh_stopwatch(sh_shell *shell, const char *source);

#endif
