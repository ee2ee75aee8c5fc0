/* What a function is called, takes, and where it stands. */
#ifndef SH_DESCRIBE_H
#define SH_DESCRIBE_H

#include <lua.h>

/* Pushes "function twice(x), prompt[3]:1" for the function at `index`; of those in the book of help
 * their usage, "function tensor.zeros(sizes…, {dtype})", of others written in C their name alone.
 * Reads raw, and runs no code of the user's. May raise. */
void sh_push_function(lua_State *L, int index);

#endif
