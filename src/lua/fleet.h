/* For stdlib: tasks each in a copy of the process of its own, under a launcher on all its
 * processes, whose answers are strings. */
#ifndef NBL_FLEET_H
#define NBL_FLEET_H

#include <lua.h>

/* (n, f, words [, what]): what does the tasks 1 … n (base/processes/convoy.h), each by f(i, alone),
 * which gives a string, or nil where memory ended and it is not alone. words: a list of names and
 * texts, one behind the other, that must be the same in all processes. Its progress is told as
 * `what`, if any. */
int nbl_new_fleet(lua_State *L);
/* (fleet): the next answer, i and its string; i, nil and why there is none; nothing when all have
 * come. Ctrl-C ends the copies. */
int nbl_next_answer(lua_State *L);
/* (f, …): what f(…) gives, called as if this process were the only one. */
int nbl_alone(lua_State *L);
/* (bytes, times): seconds of a swap of so many bytes with a neighbour, in all processes at once. */
int nbl_swap_seconds(lua_State *L);

#endif
