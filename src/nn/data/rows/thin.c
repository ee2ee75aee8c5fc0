/* See thin.h. */
#include "nn/data/rows/thin.h"

#include "base/memory.h"

#include <inttypes.h>

enum { SPARE = 8 }; /* an eighth more than is wanted, so that batches alike ask once */

static void free_rows(nb_ctx *ctx, nb_thin *thin)
{
    if (thin->start) nb_free(ctx, thin->start, ((size_t)thin->row_room + 1) * sizeof *thin->start);
    thin->start = NULL;
    thin->row_room = 0;
}

static void free_numbers(nb_ctx *ctx, nb_thin *thin)
{
    nb_free(ctx, thin->index, (size_t)thin->room * sizeof *thin->index);
    nb_free(ctx, thin->value, (size_t)thin->room * nb_dtype_size(thin->dtype));
    thin->index = NULL;
    thin->value = NULL;
    thin->room = 0;
}

void nb_thin_free(nb_ctx *ctx, nb_thin *thin)
{
    free_rows(ctx, thin);
    free_numbers(ctx, thin);
    *thin = (nb_thin){.dtype = thin->dtype, .columns = thin->columns};
}

static nb_status row_room(nb_ctx *ctx, nb_thin *thin, int64_t rows)
{
    if (thin->start && rows <= thin->row_room) return NB_OK;
    free_rows(ctx, thin);
    thin->start = nb_alloc(ctx, ((size_t)rows + 1) * sizeof *thin->start);
    if (!thin->start) return ctx->status;
    thin->row_room = rows;
    return NB_OK;
}

static nb_status number_room(nb_ctx *ctx, nb_thin *thin, int64_t count)
{
    if (thin->index && count <= thin->room) return NB_OK;
    free_numbers(ctx, thin);
    int64_t room = count + count / SPARE;
    thin->index = nb_alloc(ctx, (size_t)room * sizeof *thin->index);
    thin->value = thin->index ? nb_alloc(ctx, (size_t)room * nb_dtype_size(thin->dtype)) : NULL;
    if (thin->value) {
        thin->room = room;
        return NB_OK;
    }
    nb_free(ctx, thin->index, (size_t)room * sizeof *thin->index);
    thin->index = NULL;
    return ctx->status;
}

nb_status nb_thin_make_room(nb_ctx *ctx, nb_thin *thin, int64_t rows, int64_t count)
{
    thin->rows = thin->count = 0;
    thin->most = 0;
    if (count > INT32_MAX)
        return nb_fail(ctx, NB_ESHAPE,
                       "a batch has at most %d numbers that are not 0, not %" PRId64,
                       (int)INT32_MAX, count);
    nb_status status = row_room(ctx, thin, rows);
    return status == NB_OK ? number_room(ctx, thin, count) : status;
}
