/* See csv.h. */
#include "io/csv/csv.h"

#include "base/memory.h"
#include "io/csv/block.h"
#include "io/csv/means.h"
#include "io/csv/rows.h"

#include <math.h>

/* A table on its way into memory. */
typedef struct reading {
    nb_ctx *ctx;
    nb_csv_rows rows;
    nb_csv_block x, y;
    nb_csv_means means;
} reading;

/* How many rows there will be, by those that were looked at: of a plain file about as many as its
 * bytes hold, and never more than they can, with a byte and a delimiter for each cell. */
static int64_t rows_to_come(const nb_csv_rows *rows, nb_source *source)
{
    double left = (double)nb_source_raw_size(source), bytes = rows->layout.record_bytes;
    double least = 2 * (double)rows->layout.columns;
    if (!(bytes > least)) bytes = least;
    return (int64_t)(left / bytes * 1.02);
}

static nb_status open_blocks(reading *r, nb_source *source, nb_dtype real)
{
    int64_t room = rows_to_come(&r->rows, source);
    bool classes = r->rows.columns.classes;
    size_t width = classes ? 1 : r->rows.columns.y;
    nb_status status = nb_csv_means_init(&r->rows, &r->means);
    if (status == NB_OK)
        status = nb_csv_block_init(r->ctx, &r->x, r->rows.columns.x, NB_U8, real, room);
    if (status == NB_OK && width)
        status = nb_csv_block_init(r->ctx, &r->y, width, classes ? NB_I32 : real,
                                   classes ? NB_I32 : real, room);
    return status;
}

static nb_status read_rows(reading *r)
{
    nb_csv_rows *rows = &r->rows;
    bool more = true;
    for (;;) {
        nb_status status = nb_csv_rows_next(rows, &more);
        if (status != NB_OK || !more) return status;
        double class = rows->class;
        const double *y = rows->columns.classes ? &class : rows->value + rows->columns.x;
        nb_csv_means_add(&r->means, rows->value);
        status = nb_csv_block_add(&r->x, rows->value);
        if (status == NB_OK && r->y.all) status = nb_csv_block_add(&r->y, y);
        if (status != NB_OK) return status;
    }
}

static nb_status check_rows(const nb_csv_rows *rows)
{
    if (rows->count > rows->dropped) return NB_OK;
    return nb_source_refuse(rows->text.source,
                            rows->count ? "a value is missing in every row; nothing is left"
                                        : "there is no row below its header");
}

/* ---- What comes when all rows are there ---- */

static void fill_means(const nb_csv_means *means, nb_tensor *x)
{
    size_t count = (size_t)nb_tensor_count(x);
    float *f32 = nb_tensor_data(x);
    double *f64 = nb_tensor_data(x);
    for (size_t i = 0; i < count && x->dtype == NB_F32; i++)
        if (isnan(f32[i])) f32[i] = (float)means->sum[i % means->width];
    for (size_t i = 0; i < count && x->dtype == NB_F64; i++)
        if (isnan(f64[i])) f64[i] = means->sum[i % means->width];
}

static nb_status number_classes(const nb_labels *labels, nb_tensor *y, nb_names **names)
{
    size_t bytes = (size_t)labels->count * sizeof(int32_t);
    int32_t *place = nb_alloc(labels->ctx, bytes), *class = nb_tensor_data(y);
    *names = place ? nb_labels_sort(labels, place) : NULL;
    for (int64_t i = 0; *names && i < y->shape[0]; i++) class[i] = place[class[i]] + 1;
    nb_free(labels->ctx, place, bytes);
    return *names ? NB_OK : NB_EMEMORY;
}

/* One column of y is one number a row. */
static nb_tensor *take_y(const reading *r)
{
    nb_tensor *y = nb_csv_block_take(&r->y);
    if (!y || r->y.width > 1) return y;
    nb_tensor *flat = nb_tensor_select(r->ctx, y, 1, 0);
    nb_tensor_release(r->ctx, y);
    return flat;
}

static nb_status settle(reading *r, nb_table *table)
{
    nb_status status = nb_csv_columns_names(&r->rows.columns, &table->columns, &table->targets);
    if (status == NB_OK) status = nb_csv_means_settle(&r->rows, &r->means);
    if (status != NB_OK) return status;
    table->dropped = r->rows.dropped;
    table->x = nb_csv_block_take(&r->x);
    if (!table->x) return r->ctx->status;
    if (r->means.missing) fill_means(&r->means, table->x);
    if (!r->y.all) return NB_OK;
    table->y = take_y(r);
    if (!table->y) return r->ctx->status;
    return r->rows.columns.classes ? number_classes(&r->rows.labels, table->y, &table->classes)
                                   : NB_OK;
}

nb_status nb_csv_read(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                      nb_table *table)
{
    reading r = {.ctx = ctx, .x.ctx = ctx, .y.ctx = ctx, .means.ctx = ctx};
    nb_table made = {.x = NULL};
    nb_status status = nb_csv_rows_open(ctx, source, options, &r.rows);
    if (status != NB_OK) return status;
    status = open_blocks(&r, source, options->dtype);
    if (status == NB_OK) status = read_rows(&r);
    if (status == NB_OK) status = check_rows(&r.rows);
    if (status == NB_OK) status = settle(&r, &made);
    if (status == NB_OK)
        *table = made;
    else
        nb_table_free(ctx, &made);
    nb_csv_block_free(&r.x);
    nb_csv_block_free(&r.y);
    nb_csv_means_free(&r.means);
    nb_csv_rows_close(&r.rows);
    return status;
}

void nb_table_free(nb_ctx *ctx, nb_table *table)
{
    nb_tensor_release(ctx, table->x);
    nb_tensor_release(ctx, table->y);
    nb_names_release(ctx, table->columns);
    nb_names_release(ctx, table->targets);
    nb_names_release(ctx, table->classes);
    *table = (nb_table){.x = NULL};
}
