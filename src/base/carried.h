/* Blocks for libraries that give them back without their size: each carries it in front. */
#ifndef NB_CARRIED_H
#define NB_CARRIED_H

#include "base/memory.h"

/* As nb_alloc. */
void *nb_alloc_carried(nb_ctx *ctx, size_t bytes);
/* NULL is allowed. */
void nb_free_carried(nb_ctx *ctx, void *block);

#endif
