/* Tensors made of tensors: one after the other, one again and again. */
#ifndef NB_JOIN_H
#define NB_JOIN_H

#include "tensor/tensor.h"

/* The shape of tensors one after the other along `dim`. `whose` names the function in the message
 * (NB_ESHAPE) where sizes differ in another dimension, or there is no such dimension. count > 0. */
nb_status nb_cat_shape(nb_ctx *ctx, const char *whose, nb_tensor *const *list, size_t count,
                       int dim, int64_t *shape);
/* Tensors of one dtype one after the other, in one pass. NB_ESHAPE as above. */
nb_tensor *nb_tensor_cat(nb_ctx *ctx, nb_tensor *const *list, size_t count, int dim);
/* The whole tensor times[i] times along dimension i of `dims`; dimensions of size 1 are put in
 * front of its own where there are fewer. NB_ESHAPE where dims is less than its own. */
nb_tensor *nb_tensor_repeat(nb_ctx *ctx, const nb_tensor *tensor, int dims, const int64_t *times);

#endif
