/* How an error reads: one line in the words of the user's call, the source lines of his own frames;
 * the rest waits for .trace. */
#ifndef SH_ERRORS_H
#define SH_ERRORS_H

#include <lua.h>
#include <stdbool.h>

/* A message handler: notes the frames while the stack is still there. Gives the error as it is. */
int sh_error_note(lua_State *L);
/* error object → its text, with the frames that were noted. Runs its __tostring. */
int sh_error_describe(lua_State *L);
/* Pushes the last error's traceback, or nil. */
void sh_push_trace(lua_State *L);
/* The message behind "prompt[3]:1: ", which is there more than once where it went through
 * coroutines, or the message itself. */
const char *sh_skip_position(const char *message);
/* Pushes what a global that is nil should have been, "; did you mean 'net'?", "" where nobody
 * knows: what other tools mean by the name, the method where it is called as functions of Python
 * are, sum(x), or the nearest. */
void sh_push_meant(lua_State *L, const char *name, bool called);

#endif
