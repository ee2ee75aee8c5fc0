/* Writing into a tensor what a user gives: like nb_tensor_copy, but nothing is cut to a dtype's
 * range in silence, and what is written may lie in what is written to. */
#ifndef NB_ASSIGN_H
#define NB_ASSIGN_H

#include "tensor/tensor.h"

/* to = from, broadcast and converted. NB_ESHAPE where it does not fit; NB_EVALUE "300 does not fit
 * into u8" where a value is none that nb_dtype_holds. Nothing is changed then. */
nb_status nb_tensor_assign(nb_ctx *ctx, nb_tensor *to, const nb_tensor *from);
/* The elements of `from` in another dtype, with the same check; `from` itself where the dtype is
 * its own. */
nb_tensor *nb_tensor_fit(nb_ctx *ctx, nb_tensor *from, nb_dtype dtype);

#endif
