/* data.text. */
#ifndef NBL_DATA_TEXT_H
#define NBL_DATA_TEXT_H

#include "lua/nbl.h"

/* Adds data.text to the table on the stack's top; set:decode. */
void nbl_open_text(lua_State *L);
void nbl_open_set_text(lua_State *L);

#endif
