/* Arguments of ops. */
#ifndef NBL_ARGUMENTS_H
#define NBL_ARGUMENTS_H

#include "lua/nbl.h"

/* Reads the arguments of a method: the tensor at 1, then what the op's signature asks for. */
void nbl_read_call(lua_State *L, const nb_op *op, nb_call *call);
/* A number at `arg` (the caller has looked) as a tensor in its place: of `dtype` where that holds
 * it, else of what that computes in, or f64 for what f32 does not hold. */
nb_tensor *nbl_number_to_tensor(lua_State *L, int arg, nb_dtype dtype);

#endif
