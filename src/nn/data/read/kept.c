/* See kept.h. */
#include "nn/data/read/kept.h"

#include "base/memory.h"
#include "nn/data/read/pack.h"

enum { ROWS_LEAST = 16 };

/* A row, and the list of those so far. */
static void drop_list(nb_kept *k)
{
    nb_free(k->ctx, k->row, k->width * sizeof(double));
    nb_nonzeros_free(k->ctx, &k->list);
    k->row = NULL;
    k->listed = false;
}

static nb_status begin(nb_ctx *ctx, void *self, size_t width, nb_dtype real, int64_t room)
{
    nb_kept *k = self;
    *k = (nb_kept){.ctx = ctx, .real = real, .width = width, .block.ctx = ctx};
    k->room = room > ROWS_LEAST ? room : ROWS_LEAST;
    if (k->room > NB_SET_ROWS_MAX) k->room = NB_SET_ROWS_MAX;
    k->listed = width <= (size_t)NB_NONZEROS_COLUMNS_MAX;
    if (!k->listed) return nb_csv_block_init(ctx, &k->block, width, NB_U8, real, k->room);
    nb_status status = nb_nonzeros_begin(ctx, k->room, (int64_t)width, NB_U8, &k->list);
    if (status != NB_OK) return status;
    k->row = nb_alloc(ctx, width * sizeof(double));
    return k->row ? NB_OK : ctx->status;
}

/* ---- Back to rows with their zeros ----------------------------------------------------------- */

static nb_status copy_rows(nb_kept *k, nb_feed *from)
{
    double *value = (double *)k->row;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < from->count && status == NB_OK; i++) {
        const nb_pick one = {.start = i, .n = 1};
        const nb_room room = {value, NB_F64, from->shape[0]};
        status = nb_feed_gather(k->ctx, from, &one, NULL, &room);
        if (status == NB_OK) status = nb_csv_block_add(&k->block, value);
    }
    return status;
}

static nb_status unlist(nb_kept *k)
{
    int64_t room = k->room > k->list.rows ? k->room : k->list.rows;
    nb_dtype dtype = k->list.dtype;
    nb_feed *feed = k->list.rows ? nb_feed_of_nonzeros(k->ctx, &k->list) : NULL;
    nb_status status = feed || !k->list.rows ? NB_OK : k->ctx->status;
    if (status == NB_OK)
        status = nb_csv_block_init(k->ctx, &k->block, k->width, dtype, k->real, room);
    if (status == NB_OK && feed) status = copy_rows(k, feed);
    nb_feed_release(k->ctx, feed);
    drop_list(k);
    return status;
}

/* ---- Rows as they come ----------------------------------------------------------------------- */

static nb_status list_row(nb_kept *k, const double *value, nb_dtype dtype)
{
    nb_nonzeros *list = &k->list;
    nb_status status = NB_OK;
    if (list->rows == list->row_room)
        status = nb_nonzeros_more_rows(k->ctx, list, list->rows + list->rows / 2 + 1);
    if (status == NB_OK && dtype != list->dtype) status = nb_nonzeros_widen(k->ctx, list, dtype);
    if (status != NB_OK) return status;
    nb_csv_store(value, k->width, dtype, k->row);
    return nb_nonzeros_add(k->ctx, list, k->row);
}

static nb_status add(void *self, const double *value, nb_dtype dtype)
{
    nb_kept *k = self;
    const nb_nonzeros *list = &k->list;
    if (!k->listed) return nb_csv_block_add(&k->block, value);
    nb_status status = list_row(k, value, dtype);
    if (status != NB_OK) return status;
    size_t full = (size_t)list->rows * (size_t)list->columns * nb_dtype_size(dtype);
    bool many = nb_nonzeros_bytes(list->count, list->columns, dtype) > full + NB_PACK_SLACK;
    return many ? unlist(k) : NB_OK;
}

static bool is_few(const nb_kept *k)
{
    const nb_nonzeros *list = &k->list;
    int64_t all = list->rows * list->columns;
    bool large = (size_t)all * nb_dtype_size(list->dtype) >= NB_PACK_LEAST;
    return large && nb_pack_is_small(list->count, all, list->columns, list->dtype);
}

static nb_status end(void *self, const nb_csv_means *means)
{
    nb_kept *k = self;
    nb_status status = NB_OK;
    if (k->listed && !means->missing && is_few(k)) {
        k->feed = nb_feed_of_nonzeros(k->ctx, &k->list);
        return k->feed ? NB_OK : k->ctx->status;
    }
    if (k->listed) status = unlist(k);
    nb_tensor *x = status == NB_OK ? nb_csv_block_take(&k->block) : NULL;
    if (!x) return k->ctx->status;
    nb_csv_means_fill(means, x);
    nb_csv_block_free(&k->block);
    k->feed = nb_feed_pack_tensor(k->ctx, x, "x");
    nb_tensor_release(k->ctx, x);
    return k->feed ? NB_OK : k->ctx->status;
}

nb_csv_keeper nb_kept_keeper(nb_kept *kept)
{
    return (nb_csv_keeper){begin, add, end, kept};
}

void nb_kept_free(nb_kept *k)
{
    drop_list(k);
    nb_csv_block_free(&k->block);
    nb_feed_release(k->ctx, k->feed);
    k->feed = NULL;
}
