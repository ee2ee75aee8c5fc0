/* Code that does not come from the prompt: scripts, standard input, -e and -l. */
#ifndef SH_SCRIPT_H
#define SH_SCRIPT_H

#include "shell/options.h"
#include "shell/run/call.h"
#include "shell/shell.h"

/* Runs a file without arguments: init.lua, .load. */
sh_status sh_run_file(sh_shell *shell, const char *path);
/* Runs the script argv[script] with what follows as its arguments; "-" is standard input. */
sh_status sh_run_script(sh_shell *shell, int argc, char **argv, int script);
/* Runs standard input as a file. */
sh_status sh_run_input(sh_shell *shell);
/* Carries out -e and -l in their order, up to the first that fails. */
sh_status sh_run_actions(sh_shell *shell, const sh_options *options);

#endif
