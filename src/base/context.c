/* The life of a context, and the question whether Ctrl-C was pressed. */
#include "base/context.h"

#include "base/workers.h"

#include <stdlib.h>
#include <string.h>

/* The context is the root of the allocator and so cannot come from it. */
nb_ctx *nb_ctx_new(void)
{
    nb_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return NULL;
    int processors = nb_processors();
    ctx->memory.pool_cap = NB_POOL_CAP;
    ctx->memory.limit = nb_memory_available();
    ctx->memory.left = nb_memory_left;
    ctx->threads = processors < NB_MAX_THREADS ? processors : NB_MAX_THREADS;
    ctx->columns = NB_COLUMNS;
    ctx->dtype = NB_F32;
    ctx->recording = true;
    const char *fuse = getenv("NABLA_FUSE");
    ctx->apart = fuse && strcmp(fuse, "0") == 0;
    return ctx;
}

void nb_ctx_free(nb_ctx *ctx)
{
    if (!ctx) return;
    nb_workers_stop(ctx);
    nb_pool_trim(ctx);
    if (ctx->memory.bound) *ctx->memory.bound = NULL;
    free(ctx);
}

nb_status nb_say_interrupted(nb_ctx *ctx)
{
    return nb_fail(ctx, NB_EINTERRUPT, NB_INTERRUPTED);
}
