/* Data sets that are made up. */
#ifndef NBL_GENERATE_H
#define NBL_GENERATE_H

#include "lua/nbl.h"

/* Adds data.xor, data.spirals and data.moons to the table on the stack's top. */
void nbl_open_generated(lua_State *L);

#endif
