/* zlib gives blocks back without their size, so each carries it in front. */
#include "io/zip/zalloc.h"

#include <string.h>

static void *take(void *ctx, unsigned items, unsigned size)
{
    size_t bytes = (size_t)items * size + NB_ALIGN;
    char *block = nb_alloc(ctx, bytes);
    if (!block) return NULL;
    memcpy(block, &bytes, sizeof bytes);
    return block + NB_ALIGN;
}

static void give_back(void *ctx, void *address)
{
    char *block = (char *)address - NB_ALIGN;
    size_t bytes;
    memcpy(&bytes, block, sizeof bytes);
    nb_free(ctx, block, bytes);
}

void nb_zalloc_use(z_stream *stream, nb_ctx *ctx)
{
    stream->zalloc = take;
    stream->zfree = give_back;
    stream->opaque = ctx;
}
