/* Rows that are kept as their non-zeros: a batch's row is zeros with those among them, or those
 * alone. */
#include "kernel/kernel.h"
#include "kernel/nonzeros.h"
#include "nn/data/rows/nonzeros.h"

#include "base/memory.h"

#include <string.h>

enum {
    AT_ONCE = 256,       /* non-zeros that are converted at a time */
    LINE = 64,           /* bytes of a cache line */
    PREFETCH_MAX = 2048, /* bytes of a row; what follows the processor finds itself */
    WIDEST = 8           /* bytes of a number */
};

typedef struct thin_rows {
    nb_feed head;
    nb_nonzeros list;
} thin_rows;

static const nb_nonzeros *list_of(const nb_feed *feed)
{
    return &((const thin_rows *)feed)->list;
}

static const void *number_at(const void *numbers, int64_t at, nb_dtype dtype)
{
    return (const char *)numbers + (size_t)at * nb_dtype_size(dtype);
}

static const void *column_at(const nb_nonzeros *list, const void *columns, int64_t at)
{
    return (const char *)columns + (size_t)at * (list->narrow ? sizeof(uint16_t) : sizeof(int32_t));
}

/* ---- On their way ---------------------------------------------------------------------------- */

static void fetch(const void *from, const void *end)
{
    const char *at = from, *last = end;
    if (last - at > PREFETCH_MAX) last = at + PREFETCH_MAX;
    for (; at < last; at += LINE) __builtin_prefetch(at, 0, 2);
}

static inline void fetch_start(const nb_nonzeros *list, const nb_pick *pick, int64_t i)
{
    if (i < pick->n) __builtin_prefetch(list->start + nb_pick_row(pick, i), 0, 2);
}

/* Where the row begins has been asked for before. */
static void fetch_row(const nb_nonzeros *list, const nb_pick *pick, int64_t i)
{
    const void *columns, *numbers;
    if (i >= pick->n) return;
    int64_t row = nb_pick_row(pick, i), at = list->start[row];
    int64_t there = nb_nonzeros_piece(list, at, list->start[row + 1], &columns, &numbers);
    if (there == 0) return;
    fetch(columns, column_at(list, columns, there));
    fetch(numbers, number_at(numbers, there, list->dtype));
}

/* What is read behind row i: where its number stands, where it begins, itself. */
static inline void fetch_behind(const nb_nonzeros *list, const nb_pick *pick, int64_t i)
{
    nb_pick_fetch(pick, i + 3 * NB_FEED_AHEAD);
    fetch_start(list, pick, i + 2 * NB_FEED_AHEAD);
    fetch_row(list, pick, i + NB_FEED_AHEAD);
}

/* The first rows of a batch that was not announced. */
static void fetch_first(const nb_nonzeros *list, const nb_pick *pick)
{
    if (pick->n <= NB_FEED_FETCHED) return;
    for (int64_t i = 0; i < 3 * NB_FEED_AHEAD; i++) nb_pick_fetch(pick, i);
    for (int64_t i = 0; i < 2 * NB_FEED_AHEAD; i++) fetch_start(list, pick, i);
    for (int64_t i = 0; i < NB_FEED_AHEAD; i++) fetch_row(list, pick, i);
}

static void prefetch(nb_feed *feed, const nb_pick *pick, int64_t n)
{
    const nb_nonzeros *list = list_of(feed);
    if (n > NB_FEED_FETCHED) return;
    for (int64_t i = n; i < 2 * n; i++) fetch_start(list, pick, i);
    for (int64_t i = 0; i < n; i++) fetch_row(list, pick, i);
}

/* ---- Rows with their zeros ------------------------------------------------------------------- */

/* n of one row into their places, as nb_scale_rows scales them. */
static void spread(const nb_nonzeros *list, const void *columns, const void *numbers, size_t n,
                   const nb_scale *scale, const nb_room *room, void *to)
{
    _Alignas(WIDEST) char made[AT_ONCE * WIDEST];
    int32_t column[AT_ONCE];
    double factor;
    const nb_kernels *kernels = nb_kernels_get();
    if (nb_scale_is_plain(scale, &factor)) {
        kernels->convert[list->dtype][room->dtype](n, numbers, 1, made, 1, factor);
    } else {
        double offset[AT_ONCE], factors[AT_ONCE];
        nb_widen_columns(list->narrow, columns, n, column);
        for (size_t i = 0; i < n; i++) {
            int64_t at = scale->columns == 1 ? 0 : column[i];
            offset[i] = nb_scale_offset(scale, at);
            factors[i] = nb_scale_factor(scale, at);
        }
        kernels->rescale[list->dtype][room->dtype](n, numbers, offset, factors, 1, made);
    }
    nb_spread_nonzeros(nb_dtype_size(room->dtype), list->narrow, columns, made, n, to);
}

static void gather_row(const nb_nonzeros *list, int64_t row, const nb_scale *scale,
                       const nb_room *room, void *to)
{
    const void *columns, *numbers;
    size_t width = (size_t)room->width;
    double factor;
    memset(to, 0, width * nb_dtype_size(room->dtype));
    /* A 0 is no 0 behind an offset. */
    if (!nb_scale_is_plain(scale, &factor))
        nb_scale_rows(scale, 1, width, to, room->dtype, to, room->dtype);
    for (int64_t at = list->start[row], end = list->start[row + 1], n; at < end; at += n) {
        n = nb_nonzeros_piece(list, at, end, &columns, &numbers);
        if (n > AT_ONCE) n = AT_ONCE;
        spread(list, columns, numbers, (size_t)n, scale, room, to);
    }
}

static nb_status gather(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room)
{
    (void)ctx;
    const nb_nonzeros *list = list_of(feed);
    size_t bytes = (size_t)room->width * nb_dtype_size(room->dtype);
    fetch_first(list, pick);
    for (int64_t i = 0; i < pick->n; i++) {
        fetch_behind(list, pick, i);
        gather_row(list, nb_pick_row(pick, i), scale, room, (char *)room->data + (size_t)i * bytes);
    }
    return NB_OK;
}

/* ---- Rows without them ----------------------------------------------------------------------- */

static int64_t count(const nb_feed *feed, const nb_pick *pick)
{
    const nb_nonzeros *list = list_of(feed);
    int64_t all = 0;
    for (int64_t i = 0; i < pick->n; i++) {
        int64_t row = nb_pick_row(pick, i);
        all += list->start[row + 1] - list->start[row];
    }
    return all;
}

static void thin_row(const nb_nonzeros *list, int64_t row, double factor, nb_thin *out)
{
    nb_convert_fn *convert = nb_kernels_get()->convert[list->dtype][out->dtype];
    size_t size = nb_dtype_size(out->dtype);
    const void *columns, *numbers;
    for (int64_t at = list->start[row], end = list->start[row + 1], n; at < end; at += n) {
        n = nb_nonzeros_piece(list, at, end, &columns, &numbers);
        nb_widen_columns(list->narrow, columns, (size_t)n, out->index + out->count);
        convert((size_t)n, numbers, 1, (char *)out->value + (size_t)out->count * size, 1, factor);
        out->count += n;
    }
}

static nb_status thin(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, double factor, nb_thin *out)
{
    const nb_nonzeros *list = list_of(feed);
    nb_status status = nb_thin_make_room(ctx, out, pick->n, count(feed, pick));
    if (status != NB_OK) return status;
    out->start[0] = 0;
    fetch_first(list, pick);
    for (int64_t i = 0; i < pick->n && status == NB_OK; i++) {
        fetch_behind(list, pick, i);
        thin_row(list, nb_pick_row(pick, i), factor, out);
        out->start[i + 1] = (int32_t)out->count;
        if (i % NB_SET_BETWEEN_LOOKS == NB_SET_BETWEEN_LOOKS - 1) status = nb_poll(ctx);
    }
    out->rows = pick->n;
    return status;
}

/* ---- The feed -------------------------------------------------------------------------------- */

static void free_rows(nb_ctx *ctx, nb_feed *feed)
{
    thin_rows *rows = (thin_rows *)feed;
    nb_nonzeros_free(ctx, &rows->list);
    nb_free(ctx, rows, sizeof *rows);
}

static const nb_feed_type type = {
    .gather = gather, .prefetch = prefetch, .free = free_rows, .thin = thin, .count = count};

nb_feed *nb_feed_of_nonzeros(nb_ctx *ctx, nb_nonzeros *list)
{
    thin_rows *rows = nb_nonzeros_settle(ctx, list) == NB_OK ? nb_alloc(ctx, sizeof *rows) : NULL;
    if (!rows) return NULL;
    *rows = (thin_rows){.head = {.refs = 1, .type = &type, .dims = 1}, .list = *list};
    rows->head.dtype = list->dtype;
    rows->head.count = list->rows;
    rows->head.shape[0] = list->columns;
    *list = (nb_nonzeros){.rows = 0};
    return &rows->head;
}
