/* See resample.h. */
#include "io/image/resample.h"

#include "base/arith.h"

#include <string.h>

/* ---- Along one dimension ---- */

/* Room for the weights of all: areas overlap at their ends, lines take two pixels. */
static size_t room_of(const nb_taps *t)
{
    return (size_t)(t->from + 2 * t->to);
}

/* In units of 1/to of an old pixel, new pixel j covers j * from … (j + 1) * from. */
static int32_t area_weights(const nb_taps *t, int64_t j, uint32_t *weight)
{
    int64_t begin = j * t->from, end = begin + t->from;
    int32_t count = 0;
    for (int64_t i = begin / t->to; i * t->to < end; i++) {
        int64_t left = i * t->to > begin ? i * t->to : begin;
        int64_t right = nb_least_i64((i + 1) * t->to, end);
        weight[count++] = (uint32_t)(right - left);
    }
    return count;
}

/* Centre j + 1/2 of a new pixel is at (2j + 1) * from / (2 * to) of the old ones, whose centres are
 * at halves; in units of 1/(2 * to). */
static int32_t line_weights(const nb_taps *t, int64_t j, int32_t *first, uint32_t *weight)
{
    int64_t unit = 2 * t->to, at = (2 * j + 1) * t->from - t->to;
    if (at < 0) at = 0;
    if (at > (t->from - 1) * unit) at = (t->from - 1) * unit;
    *first = (int32_t)(at / unit);
    weight[0] = (uint32_t)(unit - at % unit);
    if (at % unit == 0) return 1;
    weight[1] = (uint32_t)(at % unit);
    return 2;
}

static nb_status make_taps(nb_ctx *ctx, nb_taps *t, int64_t from, int64_t to)
{
    bool area = to <= from;
    *t = (nb_taps){.from = from, .to = to, .divisor = (uint32_t)(area ? from : 2 * to)};
    t->first = nb_alloc(ctx, (size_t)to * sizeof *t->first);
    t->start = nb_alloc_zero(ctx, (size_t)to + 1, sizeof *t->start);
    t->weight = nb_alloc(ctx, room_of(t) * sizeof *t->weight);
    if (!t->first || !t->start || !t->weight) return NB_EMEMORY;
    for (int64_t j = 0; j < to; j++) {
        uint32_t *weight = t->weight + t->start[j];
        t->first[j] = (int32_t)(j * from / to);
        t->start[j + 1] = t->start[j] + (area ? area_weights(t, j, weight)
                                              : line_weights(t, j, &t->first[j], weight));
    }
    return NB_OK;
}

static void free_taps(nb_ctx *ctx, nb_taps *t)
{
    nb_free(ctx, t->first, (size_t)t->to * sizeof *t->first);
    nb_free(ctx, t->start, ((size_t)t->to + 1) * sizeof *t->start);
    nb_free(ctx, t->weight, room_of(t) * sizeof *t->weight);
}

/* ---- Images ---- */

static size_t line_count(const nb_resample *r)
{
    return (size_t)r->channels * (size_t)r->across.to;
}

static size_t total_count(const nb_resample *r)
{
    return line_count(r) * (size_t)r->down.to;
}

nb_status nb_resample_init(nb_ctx *ctx, nb_resample *r, int channels, const int64_t from[2],
                           const int64_t to[2])
{
    *r = (nb_resample){.ctx = ctx, .channels = channels};
    nb_status status = make_taps(ctx, &r->down, from[0], to[0]);
    if (!status) status = make_taps(ctx, &r->across, from[1], to[1]);
    if (status) return status;
    r->line = nb_alloc(ctx, line_count(r) * sizeof *r->line);
    r->total = nb_alloc(ctx, total_count(r) * sizeof *r->total);
    return r->line && r->total ? NB_OK : NB_EMEMORY;
}

void nb_resample_free(nb_resample *r)
{
    nb_free(r->ctx, r->line, line_count(r) * sizeof *r->line);
    nb_free(r->ctx, r->total, total_count(r) * sizeof *r->total);
    free_taps(r->ctx, &r->across);
    free_taps(r->ctx, &r->down);
    r->line = NULL;
    r->total = NULL;
}

void nb_resample_begin(nb_resample *r)
{
    r->row = r->low = 0;
    memset(r->total, 0, total_count(r) * sizeof *r->total);
}

/* Sums of 255 * divisor fit: sizes are 2^16 at most. */
static void new_columns(const nb_taps *t, const uint8_t *row, uint32_t *line)
{
    for (int64_t j = 0; j < t->to; j++) {
        const uint8_t *old = row + t->first[j];
        uint32_t sum = 0;
        for (int32_t k = t->start[j]; k < t->start[j + 1]; k++) sum += t->weight[k] * *old++;
        line[j] = sum;
    }
}

/* Adds the line to the new row j, which old row r->row has its part in. */
static void add_to(nb_resample *r, int64_t j)
{
    const nb_taps *down = &r->down;
    uint64_t weight = down->weight[down->start[j] + r->row - down->first[j]];
    int64_t columns = r->across.to;
    for (int64_t c = 0; c < r->channels; c++) {
        const uint32_t *line = r->line + c * columns;
        uint64_t *total = r->total + (c * down->to + j) * columns;
        for (int64_t x = 0; x < columns; x++) total[x] += weight * line[x];
    }
}

void nb_resample_add(nb_resample *r, const uint8_t *row)
{
    const nb_taps *down = &r->down;
    for (int c = 0; c < r->channels; c++)
        new_columns(&r->across, row + c * r->across.from, r->line + c * r->across.to);
    for (int64_t j = r->low; j < down->to && down->first[j] <= r->row; j++) {
        int64_t behind = down->first[j] + down->start[j + 1] - down->start[j];
        if (r->row < behind) add_to(r, j);
        if (behind <= r->row + 1) r->low = j + 1;
    }
    r->row++;
}

void nb_resample_take(const nb_resample *r, uint8_t *out)
{
    uint64_t divisor = (uint64_t)r->across.divisor * r->down.divisor;
    size_t count = total_count(r);
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)((2 * r->total[i] + divisor) / (2 * divisor));
}
