/* For stdlib: a function of Lua over 1 … n in copies of the process, and what goes with it. */
#ifndef NBL_COPIES_H
#define NBL_COPIES_H

#include <lua.h>

/* (n, f [, what, done, total, by_clock]): a list of what f(i) gives for i in 1 … n, each a list of
 * at most 7 numbers, whichever copy of the process called it (base/processes/crew.h), or this one
 * where it may have one thread only. Its progress is told as `what`, as done + i of total; or by
 * the clock, as the part of `total` seconds since `done` that is over. An error of f is raised, and
 * Ctrl-C ends all. */
int nbl_in_copies(lua_State *L);
/* (): seconds since some moment, the same in all copies. */
int nbl_clock(lua_State *L);
/* ([seed, draws]): the key of chance and how many streams were drawn from it; or sets both. */
int nbl_chance(lua_State *L);

#endif
