/* What the files of the tensor's bindings share. */
#ifndef NBL_TENSOR_H
#define NBL_TENSOR_H

#include "lua/nbl.h"

/* Reads the arguments of a method: the tensor at 1, then what the op's signature asks for. `name`
 * is what the user called it. */
void nbl_read_call(lua_State *L, const nb_op *op, const char *name, nb_call *call);
/* Runs an op and pushes its results; returns how many. */
int nbl_run_op(lua_State *L, const nb_call *call);
/* Raises when a change of x in place would be missed by a gradient. `what`: "add_". */
void nbl_check_change(lua_State *L, const nb_tensor *x, const char *what);
/* Raises when what a tensor brings to a change in place would be missed by its gradient. */
void nbl_check_lost(lua_State *L, const nb_tensor *y, const char *what);
/* Reads sizes from `arg` on, as numbers or one table of them; each at least `low`. Returns the
 * argument behind them. */
int nbl_check_sizes(lua_State *L, int arg, int64_t low, int *dims, int64_t *shape);
/* A number at `arg` (the caller has looked) as a tensor in its place: of `dtype` where that holds
 * it. */
nb_tensor *nbl_number_to_tensor(lua_State *L, int arg, nb_dtype dtype);
/* A dtype by its name, or an error. */
nb_dtype nbl_check_dtype(lua_State *L, const char *name);

/* x[key] for numbers and tables; x[key] = value. Arguments as the metamethods have them. */
int nbl_tensor_index(lua_State *L);
int nbl_tensor_assign(lua_State *L);

/* x:totable() */
int nbl_tensor_to_table(lua_State *L);

/* x:save(path) */
int nbl_tensor_save(lua_State *L);
/* Adds what reads and writes files to the module's table on the stack's top. */
void nbl_open_tensor_files(lua_State *L);

/* Fill the metatable (with arithmetic) and the methods, which are on the stack in this order. */
void nbl_open_tensor_ops(lua_State *L);
/* Fills the table of methods on the stack's top with shapes, values and the tape. */
void nbl_open_tensor_methods(lua_State *L);
/* Pushes the module's table with the constructors. */
void nbl_open_tensor_make(lua_State *L);

#endif
