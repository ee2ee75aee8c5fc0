/* Rows that are windows over one long series, such as a text: the series is kept once, in a byte or
 * two a number, however many windows share it. */
#include "nn/data/rows/feed.h"

#include "base/memory.h"

#include <inttypes.h>

typedef struct windows {
    nb_feed head;
    nb_series series;
    int64_t stride, shift;
    int32_t *row; /* a window on its way to another dtype */
} windows;

static void widen(const windows *w, int64_t row, int32_t *to)
{
    int64_t from = w->shift + row * w->stride, steps = w->head.shape[0];
    const uint8_t *few = w->series.numbers->data;
    const uint16_t *many = w->series.numbers->data;
    if (w->series.size == 1)
        for (int64_t i = 0; i < steps; i++) to[i] = few[from + i] + 1;
    else
        for (int64_t i = 0; i < steps; i++) to[i] = many[from + i] + 1;
}

/* Where window i begins: what follows the processor finds itself. */
static void fetch_row(const windows *w, const nb_pick *pick, int64_t i)
{
    const char *numbers = w->series.numbers->data;
    if (!nb_pick_knows(pick, i)) return;
    int64_t first = w->shift + nb_pick_row(pick, i) * w->stride;
    __builtin_prefetch(numbers + first * (int64_t)w->series.size, 0, 2);
}

static nb_status gather(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room)
{
    (void)ctx;
    const windows *w = (const windows *)feed;
    size_t bytes = (size_t)room->width * nb_dtype_size(room->dtype);
    char *to = room->data;
    for (int64_t i = 0; i < pick->n; i++, to += bytes) {
        bool there = room->dtype == NB_I32 && !scale;
        fetch_row(w, pick, i + NB_FEED_AHEAD);
        widen(w, nb_pick_row(pick, i), there ? (int32_t *)(void *)to : w->row);
        if (!there) nb_scale_rows(scale, 1, (size_t)room->width, w->row, NB_I32, to, room->dtype);
    }
    return NB_OK;
}

static void free_windows(nb_ctx *ctx, nb_feed *feed)
{
    windows *w = (windows *)feed;
    nb_storage_release(ctx, w->series.numbers);
    nb_free(ctx, w->row, (size_t)feed->shape[0] * sizeof *w->row);
    nb_free(ctx, w, sizeof *w);
}

static const nb_feed_type type = {.gather = gather, .free = free_windows};

nb_feed *nb_feed_of_windows(nb_ctx *ctx, const nb_series *series, int64_t steps, int64_t stride,
                            int64_t shift, const char *what)
{
    if (steps >= series->count)
        return nb_fail_null(ctx, NB_ESHAPE,
                            "%s holds %" PRId64 " characters; a row of %" PRId64
                            " steps and what follows it need %" PRId64,
                            what, series->count, steps, steps + 1);
    int64_t rows = (series->count - 1 - steps) / stride + 1;
    if (rows > NB_SET_ROWS_MAX)
        return nb_fail_null(ctx, NB_ESHAPE,
                            "%s: a set has at most %" PRId64 " examples, not %" PRId64
                            "; take a larger stride",
                            what, (int64_t)NB_SET_ROWS_MAX, rows);
    windows *w = nb_alloc(ctx, sizeof *w);
    int32_t *row = w ? nb_alloc(ctx, (size_t)steps * sizeof *row) : NULL;
    if (!row) {
        nb_free(ctx, w, sizeof *w);
        return NULL;
    }
    *w = (windows){.head = {.refs = 1, .type = &type, .dtype = NB_I32, .count = rows, .dims = 1},
                   .series = *series,
                   .stride = stride,
                   .shift = shift,
                   .row = row};
    nb_storage_retain(series->numbers);
    w->head.shape[0] = steps;
    w->head.reach = (steps - 1) / stride;
    return &w->head;
}
