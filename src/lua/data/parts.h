/* Methods of data sets, for the opener of the module. Each adds to the table on the stack's top. */
#ifndef NBL_SET_PARTS_H
#define NBL_SET_PARTS_H

#include "lua/nbl.h"

/* take, split, shuffle, without, batches, kfold, name. */
void nbl_open_set_parts(lua_State *L);
/* map. */
void nbl_open_set_map(lua_State *L);
/* save. */
void nbl_open_set_save(lua_State *L);

#endif
