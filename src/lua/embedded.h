/* The files of stdlib/ that the program carries. */
#ifndef NBL_EMBEDDED_H
#define NBL_EMBEDDED_H

#include "lua/nbl.h"

/* Runs stdlib/NAME.lua with the module's name ("nabla.NAME") and the value on the stack's top,
 * which its result replaces; require "nabla.NAME" gives the same afterwards. */
void nbl_run_embedded(lua_State *L, const char *name);
/* Pushes what stdlib/NAME.lua gives back, which runs at the first time. */
void nbl_push_embedded(lua_State *L, const char *name);
/* A __tostring: asks stdlib/brief.lua for the text of its argument, by the __name of its kind. */
int nbl_brief(lua_State *L);

#endif
