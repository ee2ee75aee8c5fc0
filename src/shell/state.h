/* The Lua state's life. */
#ifndef SH_STATE_H
#define SH_STATE_H

#include "shell/options.h"
#include "shell/shell.h"

/* Opens the Lua state with its libraries and nabla, and sets what the command line asks for. False:
 * the reason was printed. */
bool sh_shell_open(sh_shell *shell, const sh_options *options, int argc, char **argv);
void sh_shell_close(sh_shell *shell);

#endif
