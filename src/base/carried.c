/* See carried.h. */
#include "base/carried.h"

#include "base/arith.h"

#include <string.h>

void *nb_alloc_carried(nb_ctx *ctx, size_t bytes)
{
    char *block = nb_add_size(bytes, NB_ALIGN, &bytes) ? nb_alloc(ctx, bytes) : NULL;
    if (!block) return NULL;
    memcpy(block, &bytes, sizeof bytes);
    return block + NB_ALIGN;
}

void nb_free_carried(nb_ctx *ctx, void *block)
{
    if (!block) return;
    char *begin = (char *)block - NB_ALIGN;
    size_t bytes;
    memcpy(&bytes, begin, sizeof bytes);
    nb_free(ctx, begin, bytes);
}
