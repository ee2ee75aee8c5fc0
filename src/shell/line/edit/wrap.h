/* Commands of ours in the place of Readline's, on whatever keys those are, also where the user's
 * inputrc has put them. Most of Readline's commands look which one came before; they are shown
 * theirs, not ours. */
#ifndef SH_WRAP_H
#define SH_WRAP_H

#include <stdio.h>

#include <readline/readline.h>

typedef struct sh_wrapped {
    rl_command_func_t *theirs, *ours;
} sh_wrapped;

/* Adds commands, the last with NULL. The array lasts. */
void sh_wrap_add(const sh_wrapped *commands);
/* Puts them on the keys; again after keys were bound. */
void sh_wrap_bind(void);
/* Puts them on the keys of a map that Readline has made since. */
void sh_wrap_bind_in(Keymap map);
/* Calls Readline's command for one of ours. */
int sh_wrap_call(rl_command_func_t *theirs, int count, int key);
/* One of ours did something of its own, and Readline is to take this for the last command. */
void sh_wrap_pose(rl_command_func_t *theirs);
/* The last command as Readline is to see it: in one of ours, the one before it. */
rl_command_func_t *sh_wrap_last(void);

#endif
