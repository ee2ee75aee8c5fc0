/* What the prompt understands besides Lua: commands that begin with a dot, questions, and calls to
 * the system. */
#ifndef SH_COMMANDS_H
#define SH_COMMANDS_H

#include "shell/shell.h"

#include <stddef.h>

/* Does the first line of an input hold a command, a question or a call to the system? */
bool sh_is_command(const char *line);
/* Carries it out; false: there is no such command. */
bool sh_command(sh_shell *shell, const char *line);

/* The i-th command's name, ".edit" …; NULL after the last. */
const char *sh_command_name(size_t i);
/* Whether what stands behind a command is Lua, a file, a name of the help, or nothing that could be
 * completed. */
typedef enum sh_argument {
    SH_TAKES_NOTHING,
    SH_TAKES_CODE,
    SH_TAKES_FILE,
    SH_TAKES_TOPIC
} sh_argument;
sh_argument sh_command_takes(const char *name, size_t length);

#endif
