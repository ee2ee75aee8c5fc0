/* x[key] for numbers and tables; x[key] = value. */
#ifndef NBL_INDEX_H
#define NBL_INDEX_H

#include <lua.h>

/* Arguments as the metamethods have them. */
int nbl_tensor_index(lua_State *L);
int nbl_tensor_assign(lua_State *L);

#endif
