/* Lua's blocks, and a table of the Lua threads that are alive: Lua says of what kind a new block
 * is, and a thread is its block without the extra space in front. A signal
 * handler may walk the table at any moment of the thread that owns the Lua state, so every change
 * leaves it whole. */
#ifndef SH_THREADS_H
#define SH_THREADS_H

#include <lua.h>
#include <stddef.h>

/* A lua_Alloc without its state. There is one table, because a signal handler gets no argument: one
 * Lua state a process. */
void *sh_threads_alloc(void *block, size_t old_size, size_t size);
/* Visits every live thread, also one that is just being made: its memory is zeros then. */
void sh_threads_each(void (*visit)(lua_State *L));

#endif
