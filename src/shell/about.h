/* What the prompt tells of a value of the session's: in `.who` a line, in help a few. */
#ifndef SH_ABOUT_H
#define SH_ABOUT_H

#include "shell/screen/terminal.h"

#include <lua.h>
#include <stdbool.h>

/* Pushes what a value is in one line, with the bytes of tensors, networks and data sets. May raise,
 * and runs the user's __tostring. */
void sh_push_brief(lua_State *L, int value, const sh_terminal *terminal);
/* Pushes the same for help; of a function also the comment above it and, where asked, its source.
 */
void sh_push_about(lua_State *L, int value, const sh_terminal *terminal, bool with_source);
/* Adds to the text on the stack's top the source of the function at `value`, if it is one of Lua.
 */
void sh_add_source(lua_State *L, int value);

#endif
