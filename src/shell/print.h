/* print for the program. */
#ifndef SH_PRINT_H
#define SH_PRINT_H

#include <lua.h>

/* Puts it in the place of Lua's own. */
void sh_print_open(lua_State *L);

#endif
