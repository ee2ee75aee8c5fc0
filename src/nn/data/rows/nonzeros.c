/* Rows that are mostly zeros: of each its non-zeros lie packed, and the batch's row is zeros with
 * those among them. */
#include "nn/data/rows/feed.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

typedef struct nonzeros {
    nb_feed head;
    nb_nonzeros rows;
} nonzeros;

/* ---- The list -------------------------------------------------------------------------------- */

nb_status nb_nonzeros_new(nb_ctx *ctx, int64_t rows, int64_t count, int64_t columns, nb_dtype dtype,
                          nb_nonzeros *out)
{
    *out = (nb_nonzeros){.rows = rows, .count = count, .columns = columns, .dtype = dtype};
    if (rows < 1) return nb_fail(ctx, NB_ESHAPE, "there are no rows");
    if (rows > NB_SET_ROWS_MAX)
        return nb_fail(ctx, NB_ESHAPE, "a set has at most %" PRId64 " examples, not %" PRId64,
                       (int64_t)NB_SET_ROWS_MAX, rows);
    if (columns < 1 || columns > NB_NONZEROS_COLUMNS_MAX)
        return nb_fail(ctx, NB_ESHAPE, "rows have 1 to %d columns, not %" PRId64,
                       (int)NB_NONZEROS_COLUMNS_MAX, columns);
    out->start = nb_alloc_zero(ctx, (size_t)rows + 1, sizeof *out->start);
    if (out->start) out->index = nb_alloc(ctx, (size_t)count * sizeof *out->index);
    if (out->index) out->value = nb_alloc(ctx, (size_t)count * nb_dtype_size(dtype));
    if (out->value) return NB_OK;
    nb_nonzeros_free(ctx, out);
    return ctx->status;
}

void nb_nonzeros_free(nb_ctx *ctx, nb_nonzeros *rows)
{
    size_t count = (size_t)rows->count;
    if (rows->start) nb_free(ctx, rows->start, ((size_t)rows->rows + 1) * sizeof *rows->start);
    if (rows->index) nb_free(ctx, rows->index, count * sizeof *rows->index);
    if (rows->value) nb_free(ctx, rows->value, count * nb_dtype_size(rows->dtype));
    *rows = (nb_nonzeros){.rows = 0};
}

static double value_at(const nb_nonzeros *rows, int64_t at)
{
    return rows->dtype == NB_F32 ? ((const float *)rows->value)[at]
                                 : ((const double *)rows->value)[at];
}

static void put(nb_dtype dtype, void *to, int64_t at, double value)
{
    if (dtype == NB_F32)
        ((float *)to)[at] = (float)value;
    else
        ((double *)to)[at] = value;
}

void nb_nonzeros_put(nb_nonzeros *rows, int64_t at, int64_t column, double value)
{
    rows->index[at] = (int32_t)column;
    put(rows->dtype, rows->value, at, value);
}

/* ---- Order ----------------------------------------------------------------------------------- */

static void move(const nb_nonzeros *rows, int64_t from, int64_t to)
{
    rows->index[to] = rows->index[from];
    put(rows->dtype, rows->value, to, value_at(rows, from));
}

/* One row by its columns, so that sums over them have one order: Shell's sort with Ciura's gaps,
 * for most rows are short and qsort may allocate. */
static void sort_row(nb_nonzeros *rows, int64_t begin, int64_t end)
{
    static const int gaps[] = {16001, 7001, 3001, 1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        int64_t gap = gaps[g];
        for (int64_t i = begin + gap; i < end; i++) {
            int32_t column = rows->index[i];
            double value = value_at(rows, i);
            int64_t j = i;
            for (; j >= begin + gap && rows->index[j - gap] > column; j -= gap)
                move(rows, j - gap, j);
            nb_nonzeros_put(rows, j, column, value);
        }
    }
}

static nb_status sort_rows(nb_ctx *ctx, nb_nonzeros *rows)
{
    nb_status status = NB_OK;
    for (int64_t i = 0; i < rows->rows && status == NB_OK; i++) {
        sort_row(rows, rows->start[i], rows->start[i + 1]);
        if (i % NB_SET_BETWEEN_LOOKS == 0) status = nb_poll(ctx);
    }
    return status;
}

/* ---- The feed -------------------------------------------------------------------------------- */

/* What one column's scale makes of a number, as nb_scale_rows does. */
static double scaled(const nb_scale *scale, int64_t column, double value)
{
    if (!scale) return value;
    int64_t at = scale->columns == 1 ? 0 : column;
    return (value - nb_scale_offset(scale, at)) * nb_scale_factor(scale, at);
}

static void gather_row(const nb_nonzeros *rows, int64_t row, const nb_scale *scale, nb_dtype dtype,
                       size_t width, void *to)
{
    double factor;
    memset(to, 0, width * nb_dtype_size(dtype));
    /* A 0 is no 0 behind an offset. */
    if (!nb_scale_is_plain(scale, &factor)) nb_scale_rows(scale, 1, width, to, dtype, to, dtype);
    for (int64_t at = rows->start[row]; at < rows->start[row + 1]; at++)
        put(dtype, to, rows->index[at], scaled(scale, rows->index[at], value_at(rows, at)));
}

static nb_status gather(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room)
{
    (void)ctx;
    const nb_nonzeros *rows = &((const nonzeros *)feed)->rows;
    size_t bytes = (size_t)room->width * nb_dtype_size(room->dtype);
    for (int64_t i = 0; i < pick->n; i++)
        gather_row(rows, nb_pick_row(pick, i), scale, room->dtype, (size_t)room->width,
                   (char *)room->data + (size_t)i * bytes);
    return NB_OK;
}

static void prefetch(nb_feed *feed, const nb_pick *pick, int64_t n)
{
    const nb_nonzeros *rows = &((const nonzeros *)feed)->rows;
    for (int64_t i = 0; i < n && i < pick->n; i++) {
        int64_t at = rows->start[nb_pick_row(pick, i)];
        __builtin_prefetch(rows->index + at, 0, 2);
        __builtin_prefetch((const char *)rows->value + (size_t)at * nb_dtype_size(rows->dtype), 0,
                           2);
    }
}

static void free_nonzeros(nb_ctx *ctx, nb_feed *feed)
{
    nonzeros *n = (nonzeros *)feed;
    nb_nonzeros_free(ctx, &n->rows);
    nb_free(ctx, n, sizeof *n);
}

static const nb_feed_type type = {gather, prefetch, free_nonzeros};

nb_feed *nb_feed_of_nonzeros(nb_ctx *ctx, nb_nonzeros *rows)
{
    nonzeros *n = sort_rows(ctx, rows) == NB_OK ? nb_alloc(ctx, sizeof *n) : NULL;
    if (!n) return NULL;
    *n = (nonzeros){.head = {.refs = 1, .type = &type, .dims = 1}, .rows = *rows};
    n->head.dtype = rows->dtype;
    n->head.count = rows->rows;
    n->head.shape[0] = rows->columns;
    *rows = (nb_nonzeros){.rows = 0};
    return &n->head;
}
