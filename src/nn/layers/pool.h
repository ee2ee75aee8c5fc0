/* What others know of a pool: how its window stands. */
#ifndef NB_LAYERS_POOL_H
#define NB_LAYERS_POOL_H

#include "grad/op.h"
#include "nn/layer.h"

/* Of a planned max_pool or avg_pool. */
struct nb_attr_window nb_pool_attr(const nb_layer *layer);

#endif
