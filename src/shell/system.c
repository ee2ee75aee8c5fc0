/* Commands of the system. */
#include "shell/system.h"

#include "shell/run/interrupt.h"
#include "shell/line/keys.h"
#include "shell/screen/say.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

int sh_system(sh_shell *shell, const char *line)
{
    fflush(stdout);
    if (shell->at_prompt) sh_keys_take(&shell->terminal);
    /* The command is to get Ctrl-C, so it starts while that is let in. */
    sh_interrupt_begin();
    int status = sh_interrupted() ? SIGINT : system(line);
    if (sh_interrupt_end()) sh_keys_drop();
    sh_fresh_line(shell);
    if (status == -1) {
        sh_complain(shell, "the system cannot start a command");
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
