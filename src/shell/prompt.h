/* The prompt: reads inputs, hands them to what carries them out, until the user leaves. */
#ifndef SH_PROMPT_H
#define SH_PROMPT_H

#include "shell/shell.h"

/* Opens with the banner and the user's init.lua (unless `bare`), ends with .quit or Ctrl-D. */
void sh_prompt_run(sh_shell *shell, bool bare);

#endif
