/* data.text. */
#ifndef NBL_DATA_TEXT_H
#define NBL_DATA_TEXT_H

#include "lua/nbl.h"

/* Adds it to the table on the stack's top. */
void nbl_open_text(lua_State *L);

#endif
