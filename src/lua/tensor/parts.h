/* The openers of the parts of tensors, each in the file of its name, for tensor.c to call. */
#ifndef NBL_TENSOR_PARTS_H
#define NBL_TENSOR_PARTS_H

#include <lua.h>

/* Fill the metatable (with arithmetic) and the methods, which are on the stack in this order. */
void nbl_open_tensor_ops(lua_State *L);

/* Fill the table of methods on the stack's top: shapes, values and the tape; x:totable(); x:save();
 * fills by chance; chunk and split. */
void nbl_open_tensor_methods(lua_State *L);
void nbl_open_tensor_tables(lua_State *L);
void nbl_open_tensor_saving(lua_State *L);
void nbl_open_tensor_fills(lua_State *L);
void nbl_open_tensor_cuts(lua_State *L);

/* Pushes the module's table with the constructors. */
void nbl_open_tensor_makers(lua_State *L);
/* Add to it: what draws, what joins, what reads and writes files. */
void nbl_add_tensor_random(lua_State *L);
void nbl_add_tensor_joins(lua_State *L);
void nbl_add_tensor_files(lua_State *L);

#endif
