/* What is written in Lua for the syntax of other languages, and for the notes' letters. */
#ifndef SH_HINTS_H
#define SH_HINTS_H

#include <lua.h>

/* Pushes what follows a syntax error at `place` in the source: "; for != write a ~= b", "" where
 * nothing is known. */
void sh_push_hint(lua_State *L, const char *source, const char *place);

#endif
