/* See zalloc.h. */
#include "io/zip/zalloc.h"

#include "base/carried.h"

static void *take(void *ctx, unsigned items, unsigned size)
{
    return nb_alloc_carried(ctx, (size_t)items * size);
}

static void give_back(void *ctx, void *address)
{
    nb_free_carried(ctx, address);
}

void nb_zalloc_use(z_stream *stream, nb_ctx *ctx)
{
    stream->zalloc = take;
    stream->zfree = give_back;
    stream->opaque = ctx;
}
