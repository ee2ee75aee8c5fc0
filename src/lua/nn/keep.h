/* Handles that the core knows by an address only. A table with weak values leads from the address
 * to the handle; whoever gives the core the address keeps the handle. */
#ifndef NBL_KEEP_H
#define NBL_KEEP_H

#include "lua/nbl.h"

/* Remembers the userdata on the stack's top under its address without keeping it alive. */
void nbl_remember(lua_State *L);
/* The same under the address of what it is a handle of. */
void nbl_remember_as(lua_State *L, const void *address);
/* Pushes the userdata that is remembered under an address, or nothing: false. */
bool nbl_find(lua_State *L, const void *address);
/* Pushes the handle of that kind which is, and gives its data; NULL: there is none. */
void *nbl_find_of(lua_State *L, const void *address, const nbl_kind *kind);
/* Pushes the userdata that lives at `address`. */
void nbl_recall(lua_State *L, const void *address);

/* Adds the handle at `arg` to the set at `held`; what is no userdata needs no keeping. */
void nbl_hold(lua_State *L, int held, int arg);

#endif
