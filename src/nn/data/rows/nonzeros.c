/* See nonzeros.h. */
#include "nn/data/rows/nonzeros.h"

#include "base/memory.h"
#include "kernel/kernel.h"
#include "kernel/nonzeros.h"

#include <inttypes.h>
#include <string.h>

enum {
    LISTED = 16,            /* blocks that a list has room for at first */
    WORD = 8,               /* bytes */
    LARGE_NUMBERS = 1 << 25 /* of rows with their zeros, whose list has large blocks: what the last
                               of them does not hold is little beside it */
};

/* ---- Blocks ---------------------------------------------------------------------------------- */

static size_t column_size(const nb_nonzeros *list)
{
    return list->narrow ? sizeof(uint16_t) : sizeof(int32_t);
}

/* Columns of a block of so many, up to where its numbers begin. */
static size_t column_bytes(const nb_nonzeros *list, int64_t room)
{
    return ((size_t)room * column_size(list) + WORD - 1) / WORD * WORD;
}

static size_t block_bytes(const nb_nonzeros *list, int64_t room)
{
    return column_bytes(list, room) + (size_t)room * nb_dtype_size(list->dtype);
}

static int64_t room_of(const nb_nonzeros *list, int64_t block)
{
    return block + 1 < list->blocks ? list->each : list->last_room;
}

static int64_t room_of_all(const nb_nonzeros *list)
{
    return list->blocks ? (list->blocks - 1) * list->each + list->last_room : 0;
}

size_t nb_nonzeros_bytes(int64_t count, int64_t columns, nb_dtype dtype)
{
    size_t column = columns <= NB_NONZEROS_NARROW ? sizeof(uint16_t) : sizeof(int32_t);
    return (size_t)count * (column + nb_dtype_size(dtype));
}

/* Room for one more block in the list of them. */
static nb_status list_block(nb_ctx *ctx, nb_nonzeros *list)
{
    if (list->blocks < list->block_room) return NB_OK;
    int64_t room = list->block_room ? 2 * list->block_room : LISTED;
    void **block = nb_resize(ctx, list->block, (size_t)list->block_room * sizeof *block,
                             (size_t)room * sizeof *block);
    if (!block) return ctx->status;
    list->block = block;
    list->block_room = room;
    return NB_OK;
}

static nb_status add_block(nb_ctx *ctx, nb_nonzeros *list, int64_t room)
{
    if (list_block(ctx, list) != NB_OK) return ctx->status;
    void *block = nb_alloc(ctx, block_bytes(list, room));
    if (!block) return ctx->status;
    list->block[list->blocks++] = block;
    list->last_room = room;
    return NB_OK;
}

/* Where number `at` of all stands, and in *room how many may stand from there on in its block. */
static void *place_of(const nb_nonzeros *list, int64_t at, void **value, int64_t *room)
{
    size_t within = (size_t)at & (size_t)(list->each - 1);
    size_t block = (size_t)at >> __builtin_ctzll((uint64_t)list->each);
    char *data = list->block[block];
    int64_t all = room_of(list, (int64_t)block);
    *value = data + column_bytes(list, all) + within * nb_dtype_size(list->dtype);
    *room = all - (int64_t)within;
    return data + within * column_size(list);
}

int64_t nb_nonzeros_piece(const nb_nonzeros *list, int64_t at, int64_t end, const void **column,
                          const void **value)
{
    void *numbers;
    int64_t room;
    if (at >= end) return 0;
    *column = place_of(list, at, &numbers, &room);
    *value = numbers;
    return end - at < room ? end - at : room;
}

/* ---- Making ---------------------------------------------------------------------------------- */

nb_status nb_nonzeros_begin(nb_ctx *ctx, int64_t rows, int64_t columns, nb_dtype dtype,
                            nb_nonzeros *out)
{
    *out = (nb_nonzeros){.row_room = rows, .columns = columns, .dtype = dtype};
    out->narrow = columns <= NB_NONZEROS_NARROW;
    out->each =
        (double)rows * (double)columns < LARGE_NUMBERS ? NB_NONZEROS_BLOCK : NB_NONZEROS_LARGE;
    if (rows < 1) return nb_fail(ctx, NB_ESHAPE, "there are no rows");
    if (rows > NB_SET_ROWS_MAX)
        return nb_fail(ctx, NB_ESHAPE, "a set has at most %" PRId64 " examples, not %" PRId64,
                       (int64_t)NB_SET_ROWS_MAX, rows);
    if (columns < 1 || columns > NB_NONZEROS_COLUMNS_MAX)
        return nb_fail(ctx, NB_ESHAPE, "rows have 1 to %d columns, not %" PRId64,
                       (int)NB_NONZEROS_COLUMNS_MAX, columns);
    out->start = nb_alloc_zero(ctx, (size_t)rows + 1, sizeof *out->start);
    return out->start ? NB_OK : ctx->status;
}

nb_status nb_nonzeros_reserve(nb_ctx *ctx, nb_nonzeros *list, int64_t count)
{
    nb_status status = NB_OK;
    while (count > 0 && status == NB_OK) {
        int64_t room = count < list->each ? count : list->each;
        status = add_block(ctx, list, room);
        count -= room;
    }
    return status;
}

void nb_nonzeros_free(nb_ctx *ctx, nb_nonzeros *list)
{
    for (int64_t i = 0; i < list->blocks; i++)
        nb_free(ctx, list->block[i], block_bytes(list, room_of(list, i)));
    nb_free(ctx, list->block, (size_t)list->block_room * sizeof *list->block);
    nb_free(ctx, list->start, ((size_t)list->row_room + 1) * sizeof *list->start);
    *list = (nb_nonzeros){.rows = 0};
}

static double value_at(const nb_nonzeros *list, const void *value)
{
    switch (list->dtype) {
    case NB_U8:
        return *(const uint8_t *)value;
    case NB_I32:
        return *(const int32_t *)value;
    case NB_F32:
        return (double)*(const float *)value;
    default:
        return *(const double *)value;
    }
}

static void set_value(const nb_nonzeros *list, void *to, double value)
{
    switch (list->dtype) {
    case NB_U8:
        *(uint8_t *)to = (uint8_t)value;
        break;
    case NB_I32:
        *(int32_t *)to = (int32_t)value;
        break;
    case NB_F32:
        *(float *)to = (float)value;
        break;
    default:
        *(double *)to = value;
    }
}

static int64_t column_at(const nb_nonzeros *list, int64_t at)
{
    void *value;
    int64_t room;
    const void *column = place_of(list, at, &value, &room);
    return list->narrow ? *(const uint16_t *)column : *(const int32_t *)column;
}

static void put_at(const nb_nonzeros *list, int64_t at, int64_t column, double number)
{
    void *value;
    int64_t room;
    void *to = place_of(list, at, &value, &room);
    if (list->narrow)
        *(uint16_t *)to = (uint16_t)column;
    else
        *(int32_t *)to = (int32_t)column;
    set_value(list, value, number);
}

void nb_nonzeros_put(nb_nonzeros *list, int64_t column, double value)
{
    int64_t at = list->count++;
    bool first = at == list->start[list->rows];
    bool there = column >= 0 && column < list->columns;
    if (!there && !list->bad_row) {
        list->bad_row = list->rows + 1;
        list->bad_column = column + 1;
    }
    list->loose |= !first && column <= column_at(list, at - 1);
    put_at(list, at, there ? column : 0, value);
}

void nb_nonzeros_end_row(nb_nonzeros *list)
{
    list->start[++list->rows] = list->count;
}

/* What a further block is to hold: all that a block can, and no more than may still come. */
static int64_t next_room(const nb_nonzeros *list)
{
    double numbers = (double)list->row_room * (double)list->columns, left;
    left = numbers - (double)list->count;
    return left < (double)list->each ? (int64_t)left : list->each;
}

/* All blocks but the last hold `each`: one that was made for fewer, before rows came
 * that nobody had expected, becomes larger. */
static nb_status grow_last(nb_ctx *ctx, nb_nonzeros *list, int64_t room)
{
    int64_t had = list->last_room;
    char *from = list->block[list->blocks - 1], *to = nb_alloc(ctx, block_bytes(list, room));
    if (!to) return ctx->status;
    memcpy(to, from, (size_t)had * column_size(list));
    memcpy(to + column_bytes(list, room), from + column_bytes(list, had),
           (size_t)had * nb_dtype_size(list->dtype));
    nb_free(ctx, from, block_bytes(list, had));
    list->block[list->blocks - 1] = to;
    list->last_room = room;
    return NB_OK;
}

static nb_status make_room(nb_ctx *ctx, nb_nonzeros *list)
{
    int64_t room = next_room(list);
    if (list->blocks == 0 || list->last_room == list->each) return add_block(ctx, list, room);
    room += list->last_room;
    return grow_last(ctx, list, room < list->each ? room : list->each);
}

/* So much of the row at a time as a block surely takes. */
nb_status nb_nonzeros_add(nb_ctx *ctx, nb_nonzeros *list, const void *numbers)
{
    size_t size = nb_dtype_size(list->dtype);
    const char *from = numbers;
    int64_t room;
    void *column, *value;
    for (int64_t done = 0, n; done < list->columns; done += n) {
        if (list->count == room_of_all(list) && make_room(ctx, list) != NB_OK) return ctx->status;
        column = place_of(list, list->count, &value, &room);
        n = list->columns - done < room ? list->columns - done : room;
        list->count += (int64_t)nb_find_nonzeros(size, list->narrow, from + (size_t)done * size,
                                                 (size_t)n, (size_t)done, column, value);
    }
    nb_nonzeros_end_row(list);
    return NB_OK;
}

nb_status nb_nonzeros_more_rows(nb_ctx *ctx, nb_nonzeros *list, int64_t rows)
{
    size_t each = sizeof *list->start;
    if (rows > NB_SET_ROWS_MAX) rows = NB_SET_ROWS_MAX;
    if (rows <= list->row_room)
        return nb_fail(ctx, NB_ESHAPE, "a set has at most %" PRId64 " examples",
                       (int64_t)NB_SET_ROWS_MAX);
    int64_t *start =
        nb_resize(ctx, list->start, ((size_t)list->row_room + 1) * each, ((size_t)rows + 1) * each);
    if (!start) return ctx->status;
    list->start = start;
    list->row_room = rows;
    return NB_OK;
}

/* A block of so much room in which `n` numbers are, as one of another dtype. */
static void *widened(nb_ctx *ctx, const nb_nonzeros *list, const nb_nonzeros *to, int64_t block,
                     int64_t n)
{
    int64_t room = room_of(list, block);
    const char *old = list->block[block];
    char *new = nb_alloc(ctx, block_bytes(to, room));
    if (!new) return NULL;
    memcpy(new, old, (size_t)n * column_size(list));
    nb_kernels_get()->convert[list->dtype][to->dtype]((size_t)n, old + column_bytes(list, room), 1,
                                                      new + column_bytes(to, room), 1, 1);
    return new;
}

nb_status nb_nonzeros_widen(nb_ctx *ctx, nb_nonzeros *list, nb_dtype dtype)
{
    nb_nonzeros to = *list;
    nb_status status = NB_OK;
    int64_t left = list->count, i = 0;
    to.dtype = dtype;
    for (; i < list->blocks && status == NB_OK; i++, left -= list->each) {
        int64_t n = left < list->each ? left : list->each;
        void *block = widened(ctx, list, &to, i, n);
        if (!block) status = ctx->status;
        nb_free(ctx, list->block[i], block_bytes(list, room_of(list, i)));
        list->block[i] = block;
    }
    for (int64_t k = 0; k < list->blocks && status != NB_OK; k++)
        nb_free(ctx, list->block[k], block_bytes(k < i ? &to : list, room_of(list, k)));
    list->dtype = dtype;
    if (status == NB_OK) return NB_OK;
    list->blocks = list->last_room = 0;
    nb_nonzeros_free(ctx, list);
    return status;
}

/* ---- Order ----------------------------------------------------------------------------------- */

static double number_at(const nb_nonzeros *list, int64_t at)
{
    void *value;
    int64_t room;
    place_of(list, at, &value, &room);
    return value_at(list, value);
}

/* One row by its columns, so that sums over them have one order: Shell's sort with Ciura's gaps,
 * for most rows are short and qsort may allocate. */
static void sort_row(const nb_nonzeros *list, int64_t begin, int64_t end)
{
    static const int gaps[] = {16001, 7001, 3001, 1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        int64_t gap = gaps[g];
        for (int64_t i = begin + gap; i < end; i++) {
            int64_t column = column_at(list, i), j = i;
            double number = number_at(list, i);
            for (; j >= begin + gap && column_at(list, j - gap) > column; j -= gap)
                put_at(list, j, column_at(list, j - gap), number_at(list, j - gap));
            put_at(list, j, column, number);
        }
    }
}

/* A sorted row has each column once. */
static nb_status check_row(nb_ctx *ctx, const nb_nonzeros *list, int64_t row)
{
    for (int64_t at = list->start[row] + 1; at < list->start[row + 1]; at++)
        if (column_at(list, at - 1) == column_at(list, at))
            return nb_fail(ctx, NB_EVALUE, "row %" PRId64 " of x has the index %" PRId64 " twice",
                           row + 1, column_at(list, at) + 1);
    return NB_OK;
}

static nb_status sort_rows(nb_ctx *ctx, nb_nonzeros *list)
{
    nb_status status = NB_OK;
    for (int64_t i = 0; i < list->rows && status == NB_OK; i++) {
        sort_row(list, list->start[i], list->start[i + 1]);
        status = check_row(ctx, list, i);
        if (status == NB_OK && i % NB_SET_BETWEEN_LOOKS == 0) status = nb_poll(ctx);
    }
    list->loose = status != NB_OK;
    return status;
}

/* A block that was full of room takes no more than it holds. */
static nb_status trim(nb_ctx *ctx, nb_nonzeros *list)
{
    int64_t spare = room_of_all(list) - list->count, room = list->last_room - spare;
    if (spare == 0) return NB_OK;
    void *block = nb_alloc(ctx, block_bytes(list, room)), *old = list->block[list->blocks - 1];
    if (!block) return ctx->status;
    memcpy(block, old, (size_t)room * column_size(list));
    memcpy((char *)block + column_bytes(list, room),
           (char *)old + column_bytes(list, list->last_room),
           (size_t)room * nb_dtype_size(list->dtype));
    nb_free(ctx, old, block_bytes(list, list->last_room));
    list->block[list->blocks - 1] = block;
    list->last_room = room;
    return NB_OK;
}

nb_status nb_nonzeros_settle(nb_ctx *ctx, nb_nonzeros *list)
{
    nb_status status = nb_poll(ctx);
    if (list->bad_row)
        return nb_fail(ctx, NB_EVALUE,
                       "row %" PRId64 " of x has the index %" PRId64 "; they are 1 to %" PRId64,
                       list->bad_row, list->bad_column, list->columns);
    if (status == NB_OK && list->loose) status = sort_rows(ctx, list);
    return status == NB_OK ? trim(ctx, list) : status;
}
