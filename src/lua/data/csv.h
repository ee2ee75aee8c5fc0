/* data.csv and data.iris. */
#ifndef NBL_CSV_H
#define NBL_CSV_H

#include "lua/nbl.h"

/* Adds them to the table on the stack's top. */
void nbl_open_csv(lua_State *L);

#endif
