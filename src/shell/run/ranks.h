/* The program as one of several processes that run the same script: how it joins them, and how
 * all end. */
#ifndef SH_RANKS_H
#define SH_RANKS_H

#include "shell/options.h"
#include "shell/shell.h"
#include "shell/run/call.h"

typedef enum sh_running { SH_RUNS_SCRIPT, SH_RUNS_INPUT, SH_RUNS_PROMPT } sh_running;

/* Where a launcher started the program: meets the others. What rank 0 alone has, a standard input
 * and a prompt, is refused. Standard output is that of rank 0; the others' goes nowhere. False:
 * the reason was printed, once. Without a launcher nothing is done. */
bool sh_ranks_join(sh_shell *shell, const sh_options *options, sh_running what);

/* The script is over: waits until it is on all of them, and answers what they ask meanwhile. */
void sh_ranks_leave(sh_shell *shell, sh_status status);

#endif
