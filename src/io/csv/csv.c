/* See csv.h. */
#include "io/csv/csv.h"

nb_status nb_csv_read_to(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                         const nb_csv_keeper *keeper, nb_table *table)
{
    nb_csv_pass pass;
    nb_table made = {.x = NULL};
    nb_status status = nb_csv_pass_run(ctx, source, options, keeper, &pass);
    if (status == NB_OK) status = nb_csv_pass_settle(&pass, &made);
    if (status == NB_OK)
        *table = made;
    else
        nb_table_free(ctx, &made);
    nb_csv_pass_free(&pass);
    return status;
}

/* ---- As a tensor ----------------------------------------------------------------------------- */

typedef struct holding {
    nb_csv_block block;
    nb_tensor *x;
} holding;

static nb_status begin(nb_ctx *ctx, void *self, size_t width, nb_dtype real, int64_t room)
{
    holding *h = self;
    return nb_csv_block_init(ctx, &h->block, width, NB_U8, real, room);
}

static nb_status add(void *self, const double *value, nb_dtype dtype)
{
    holding *h = self;
    (void)dtype;
    return nb_csv_block_add(&h->block, value);
}

static nb_status end(void *self, const nb_csv_means *means)
{
    holding *h = self;
    h->x = nb_csv_block_take(&h->block);
    if (!h->x) return h->block.ctx->status;
    nb_csv_means_fill(means, h->x);
    return NB_OK;
}

nb_status nb_csv_read(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                      nb_table *table)
{
    holding h = {.block.ctx = ctx};
    const nb_csv_keeper keeper = {begin, add, end, &h};
    nb_status status = nb_csv_read_to(ctx, source, options, &keeper, table);
    if (status == NB_OK)
        table->x = h.x;
    else
        nb_tensor_release(ctx, h.x);
    nb_csv_block_free(&h.block);
    return status;
}
