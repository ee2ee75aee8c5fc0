/* See pass.h. */
#include "io/csv/pass.h"

#include "base/memory.h"

/* How many rows there will be, by those that were looked at: of a plain file about as many as its
 * bytes hold, and never more than they can, with a byte and a delimiter for each cell. */
static int64_t rows_to_come(const nb_csv_rows *rows, nb_source *source)
{
    double left = (double)nb_source_raw_size(source), bytes = rows->layout.record_bytes;
    double least = 2 * (double)rows->layout.columns;
    if (!(bytes > least)) bytes = least;
    return (int64_t)(left / bytes * 1.02);
}

static nb_status open_blocks(nb_csv_pass *p, nb_source *source, nb_dtype real)
{
    int64_t room = rows_to_come(&p->rows, source);
    bool classes = p->rows.columns.classes;
    size_t width = classes ? 1 : p->rows.columns.y;
    nb_status status = nb_csv_means_init(&p->rows, &p->means);
    if (status == NB_OK && p->keeper)
        status = p->keeper->begin(p->ctx, p->keeper->self, p->rows.columns.x, real, room);
    if (status == NB_OK && width)
        status = nb_csv_block_init(p->ctx, &p->y, width, classes ? NB_I32 : real,
                                   classes ? NB_I32 : real, room);
    return status;
}

static nb_status read_rows(nb_csv_pass *p)
{
    nb_csv_rows *rows = &p->rows;
    bool more = true;
    for (;;) {
        nb_status status = nb_csv_rows_next(rows, &more);
        if (status != NB_OK || !more) return status;
        double class = rows->class;
        const double *y = rows->columns.classes ? &class : rows->value + rows->columns.x;
        nb_csv_means_add(&p->means, rows->value);
        p->count++;
        p->dtype = nb_csv_narrowest(rows->value, rows->columns.x, p->dtype, rows->options->dtype);
        if (p->keeper) status = p->keeper->add(p->keeper->self, rows->value, p->dtype);
        if (status == NB_OK && p->y.all) status = nb_csv_block_add(&p->y, y);
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
static nb_tensor *take_y(const nb_csv_pass *p)
{
    nb_tensor *y = nb_csv_block_take(&p->y);
    if (!y || p->y.width > 1) return y;
    nb_tensor *flat = nb_tensor_select(p->ctx, y, 1, 0);
    nb_tensor_release(p->ctx, y);
    return flat;
}

nb_status nb_csv_pass_settle(nb_csv_pass *p, nb_table *table)
{
    nb_status status = nb_csv_columns_names(&p->rows.columns, &table->columns, &table->targets);
    if (status == NB_OK) status = nb_csv_means_settle(&p->rows, &p->means);
    if (status != NB_OK) return status;
    table->dropped = p->rows.dropped;
    if (p->keeper) status = p->keeper->end(p->keeper->self, &p->means);
    if (status != NB_OK || !p->y.all) return status;
    table->y = take_y(p);
    if (!table->y) return p->ctx->status;
    return p->rows.columns.classes ? number_classes(&p->rows.labels, table->y, &table->classes)
                                   : NB_OK;
}

nb_status nb_csv_pass_run(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                          const nb_csv_keeper *keeper, nb_csv_pass *p)
{
    *p = (nb_csv_pass){.ctx = ctx, .keeper = keeper, .dtype = NB_U8};
    p->y.ctx = p->means.ctx = p->rows.ctx = ctx;
    nb_status status = nb_csv_rows_open(ctx, source, options, &p->rows);
    if (status == NB_OK) status = open_blocks(p, source, options->dtype);
    if (status == NB_OK) status = read_rows(p);
    return status == NB_OK ? check_rows(&p->rows) : status;
}

void nb_csv_pass_free(nb_csv_pass *p)
{
    nb_csv_block_free(&p->y);
    nb_csv_means_free(&p->means);
    nb_csv_rows_close(&p->rows);
}
