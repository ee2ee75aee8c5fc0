/* Layers from values of Lua: the entries of tables. */
#ifndef NBL_MAKE_H
#define NBL_MAKE_H

#include "lua/nbl.h"
#include "nn/net/net.h"

/* A block that collects layers, in a box on the stack's top. */
nb_layer *nbl_new_list(lua_State *L);
/* Adds the value at `arg`, entry number `entry` of a list, to the last branch of `block`: a size, a
 * layer, a network, a string of notation, a function. The set at `held` gets what it needs. */
void nbl_add_entry(lua_State *L, int arg, nb_layer *block, int held, int entry);

#endif
