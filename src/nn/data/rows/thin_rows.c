/* Rows that are kept as their non-zeros: a batch's row is zeros with those among them, or those
 * alone. */
#include "kernel/kernel.h"
#include "kernel/nonzeros.h"
#include "nn/data/rows/nonzeros.h"

#include "base/memory.h"

#include <string.h>

enum {
    AT_ONCE = 256, /* non-zeros that are converted at a time */
    FETCHED_MAX =
        1024,  /* non-zeros of a row that are asked for; what follows the processor finds */
    WIDEST = 8 /* bytes of a number */
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

static inline void fetch_start(const nb_nonzeros *list, const nb_pick *pick, int64_t i)
{
    if (nb_pick_knows(pick, i)) __builtin_prefetch(list->start + nb_pick_row(pick, i), 0, 2);
}

/* Where the row begins has been asked for before. */
static void fetch_row(const nb_nonzeros *list, const nb_pick *pick, int64_t i)
{
    const void *columns, *numbers;
    if (!nb_pick_knows(pick, i)) return;
    int64_t row = nb_pick_row(pick, i), at = list->start[row];
    int64_t there = nb_nonzeros_piece(list, at, list->start[row + 1], &columns, &numbers);
    if (there > FETCHED_MAX) there = FETCHED_MAX;
    if (there == 0) return;
    nb_fetch(columns, column_at(list, columns, there));
    nb_fetch(numbers, number_at(numbers, there, list->dtype));
}

/* What is read behind row i: where its number stands, where it begins, itself. */
static inline void fetch_behind(const nb_nonzeros *list, const nb_pick *pick, int64_t i)
{
    nb_pick_fetch(pick, i + 3 * NB_FEED_AHEAD);
    fetch_start(list, pick, i + 2 * NB_FEED_AHEAD);
    fetch_row(list, pick, i + NB_FEED_AHEAD);
}

/* The first rows of a batch before which nobody knew of it. */
static void fetch_first(const nb_nonzeros *list, const nb_pick *pick)
{
    if (pick->behind) return;
    for (int64_t i = 0; i < 3 * NB_FEED_AHEAD; i++) nb_pick_fetch(pick, i);
    for (int64_t i = 0; i < 2 * NB_FEED_AHEAD; i++) fetch_start(list, pick, i);
    for (int64_t i = 0; i < NB_FEED_AHEAD; i++) fetch_row(list, pick, i);
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

/* n non-zeros become those behind the last of `out`. */
typedef void take_fn(const nb_nonzeros *list, size_t n, const void *columns, const void *numbers,
                     double factor, nb_thin *out);

static void take_any(const nb_nonzeros *list, size_t n, const void *columns, const void *numbers,
                     double factor, nb_thin *out)
{
    char *to = (char *)out->value + (size_t)out->count * nb_dtype_size(out->dtype);
    nb_widen_columns(list->narrow, columns, n, out->index + out->count);
    nb_kernels_get()->convert[list->dtype][out->dtype](n, numbers, 1, to, 1, factor);
}

static void take_bytes(const nb_nonzeros *list, size_t n, const void *columns, const void *numbers,
                       double factor, nb_thin *out)
{
    (void)list;
    nb_kernels_get()->take_bytes(n, columns, numbers, (float)factor, out->index + out->count,
                                 (float *)out->value + out->count);
}

static void thin_row(const nb_nonzeros *list, int64_t row, double factor, take_fn *take,
                     nb_thin *out)
{
    const void *columns, *numbers;
    for (int64_t at = list->start[row], end = list->start[row + 1], n; at < end; at += n) {
        n = nb_nonzeros_piece(list, at, end, &columns, &numbers);
        take(list, (size_t)n, columns, numbers, factor, out);
        out->count += n;
    }
}

static nb_status thin(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, double factor, nb_thin *out)
{
    const nb_nonzeros *list = list_of(feed);
    nb_status status = nb_thin_make_room(ctx, out, pick->n, count(feed, pick));
    if (status != NB_OK) return status;
    bool bytes = list->narrow && list->dtype == NB_U8 && out->dtype == NB_F32;
    take_fn *take = bytes ? take_bytes : take_any;
    out->start[0] = 0;
    fetch_first(list, pick);
    for (int64_t i = 0; i < pick->n && status == NB_OK; i++) {
        fetch_behind(list, pick, i);
        thin_row(list, nb_pick_row(pick, i), factor, take, out);
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
    .gather = gather, .free = free_rows, .thin = thin, .count = count};

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
