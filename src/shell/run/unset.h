/* Names without a value that an input hands on. */
#ifndef SH_UNSET_H
#define SH_UNSET_H

#include <lua.h>
#include <stdbool.h>

/* Does an input hand on a global that has no value: {optimizer = adam}, net:train(set, options)?
 * Lua drops such a field, so that its default would count in silence. *place becomes where the name
 * stands, and "adam has no value; did you mean "adam"?" is pushed; else nothing is.
 *
 * False where the value may be meant to be nil, or to come before it is read: the input names it
 * elsewhere too, or makes a function; the globals have an __index. May raise when memory ends. */
bool sh_push_unset(lua_State *L, const char *source, const char **place);

#endif
