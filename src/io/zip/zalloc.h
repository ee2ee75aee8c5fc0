/* zlib on our allocator. */
#ifndef NB_ZALLOC_H
#define NB_ZALLOC_H

#include "base/context.h"

#define ZLIB_CONST
#include <zlib.h>

/* Gives a stream that is not yet in use the context's memory. */
void nb_zalloc_use(z_stream *stream, nb_ctx *ctx);

#endif
