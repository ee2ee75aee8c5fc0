/* nabla.colours: the palette in Lua. */
#ifndef SH_COLOURS_H
#define SH_COLOURS_H

#include <lua.h>

/* Adds it to the module table on the stack's top, and its page to the book. */
void sh_colours_open(lua_State *L);

#endif
