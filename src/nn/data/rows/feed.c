/* Rows, and those in memory: bytes stay bytes, and the rows of the batch to come are on their way
 * into the cache while this one is computed. */
#include "nn/data/rows/feed.h"

#include "base/memory.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <string.h>

nb_feed *nb_feed_retain(nb_feed *rows)
{
    rows->refs++;
    return rows;
}

void nb_feed_release(nb_ctx *ctx, nb_feed *rows)
{
    if (rows && --rows->refs == 0) rows->type->free(ctx, rows);
}

int64_t nb_feed_width(const nb_feed *rows)
{
    return nb_shape_count(rows->dims, rows->shape);
}

void nb_feed_shape(const nb_feed *rows, const nb_pick *pick, int64_t shape[NB_MAX_DIMS])
{
    memcpy(shape, rows->shape, (size_t)rows->dims * sizeof *shape);
    if (!rows->length) return;
    shape[0] = 0;
    for (int64_t i = 0; i < pick->n; i++) {
        int32_t length = rows->length[nb_pick_row(pick, i)];
        if (length > shape[0]) shape[0] = length;
    }
}

nb_tensor *nb_feed_lengths(nb_ctx *ctx, const nb_feed *rows, const nb_pick *pick, bool *none)
{
    int64_t shape[NB_MAX_DIMS], same = 0;
    *none = true;
    if (!rows->length) return NULL;
    nb_feed_shape(rows, pick, shape);
    for (int64_t i = 0; i < pick->n; i++) same += rows->length[nb_pick_row(pick, i)] == shape[0];
    if (same == pick->n) return NULL;
    *none = false;
    nb_tensor *lengths = nb_tensor_new(ctx, NB_I32, 1, &pick->n);
    int32_t *to = lengths ? nb_tensor_data(lengths) : NULL;
    for (int64_t i = 0; to && i < pick->n; i++) to[i] = rows->length[nb_pick_row(pick, i)];
    return lengths;
}

bool nb_feed_fit(const nb_feed *rows, nb_dtype dtype)
{
    return rows->dtype == dtype || (rows->dtype == NB_U8 && dtype == NB_I32);
}

enum { AT_ONCE = 1 << 16 }; /* numbers of a piece, which has at least a row */

nb_status nb_feed_gather(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, const nb_scale *scale,
                         const nb_room *room)
{
    int64_t most = room->width < AT_ONCE ? AT_ONCE / room->width : 1;
    size_t bytes = (size_t)room->width * nb_dtype_size(room->dtype);
    for (int64_t i = 0; i < pick->n; i += most) {
        nb_pick some = nb_pick_some(pick, i, pick->n - i < most ? pick->n - i : most);
        nb_room to = {(char *)room->data + (size_t)i * bytes, room->dtype, room->width};
        nb_status status = rows->type->gather(ctx, rows, &some, scale, &to);
        if (status == NB_OK && i > 0) status = nb_poll(ctx);
        if (status != NB_OK) return status;
    }
    return NB_OK;
}

/* ---- In memory ------------------------------------------------------------------------------ */

enum {
    PREFETCH_MAX = 2048, /* bytes of a row; what follows the processor finds itself */
    PREFETCH_MIN = 16    /* all of so narrow rows are few lines, which stay in the cache */
};

typedef struct memory {
    nb_feed head;
    nb_tensor *all;   /* (count, …), contiguous */
    size_t row_bytes; /* of one row */
} memory;

static const char *row_at(const memory *m, int64_t row)
{
    return (const char *)nb_tensor_data(m->all) + (size_t)row * m->row_bytes;
}

/* Class numbers: one of four bytes in every row. */
static void copy_numbers(const memory *m, const nb_pick *pick, int32_t *to)
{
    const int32_t *all = nb_tensor_data(m->all);
    for (int64_t i = 0; i < pick->n; i++) to[i] = all[nb_pick_row(pick, i)];
}

/* Of row i of the picked, if it is known. */
static void fetch_row(const memory *m, const nb_pick *pick, int64_t i)
{
    size_t bytes = m->row_bytes < PREFETCH_MAX ? m->row_bytes : PREFETCH_MAX;
    if (!nb_pick_knows(pick, i) || bytes < PREFETCH_MIN) return;
    const char *at = row_at(m, nb_pick_row(pick, i));
    nb_fetch(at, at + bytes);
}

/* What is read behind row i: where its number stands, itself. */
static inline void fetch_behind(const memory *m, const nb_pick *pick, int64_t i)
{
    nb_pick_fetch(pick, i + 2 * NB_FEED_AHEAD);
    fetch_row(m, pick, i + NB_FEED_AHEAD);
}

/* The first rows of a batch before which nobody knew of it. */
static void fetch_first(const memory *m, const nb_pick *pick)
{
    if (pick->behind) return;
    for (int64_t i = 0; i < 2 * NB_FEED_AHEAD; i++) nb_pick_fetch(pick, i);
    for (int64_t i = 0; i < NB_FEED_AHEAD; i++) fetch_row(m, pick, i);
}

/* Rows that follow each other are one long one. */
static nb_status gather_memory(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick,
                               const nb_scale *scale, const nb_room *room)
{
    (void)ctx;
    const memory *m = (const memory *)feed;
    size_t width = (size_t)room->width, bytes = width * nb_dtype_size(room->dtype);
    nb_convert_fn *convert = nb_kernels_get()->convert[feed->dtype][room->dtype];
    char *to = room->data;
    double factor;
    if (!pick->order && !pick->part) {
        nb_scale_rows(scale, (size_t)pick->n, width, row_at(m, pick->start), feed->dtype, to,
                      room->dtype);
    } else if (!scale && width == 1 && feed->dtype == NB_I32 && room->dtype == NB_I32) {
        copy_numbers(m, pick, room->data);
    } else if (nb_scale_is_plain(scale, &factor)) {
        fetch_first(m, pick);
        for (int64_t i = 0; i < pick->n; i++, to += bytes) {
            fetch_behind(m, pick, i);
            convert(width, row_at(m, nb_pick_row(pick, i)), 1, to, 1, factor);
        }
    } else {
        fetch_first(m, pick);
        for (int64_t i = 0; i < pick->n; i++, to += bytes) {
            fetch_behind(m, pick, i);
            nb_scale_rows(scale, 1, width, row_at(m, nb_pick_row(pick, i)), feed->dtype, to,
                          room->dtype);
        }
    }
    return NB_OK;
}

static void free_memory(nb_ctx *ctx, nb_feed *rows)
{
    memory *m = (memory *)rows;
    nb_tensor_release(ctx, m->all);
    nb_free(ctx, m, sizeof *m);
}

static const nb_feed_type in_memory = {.gather = gather_memory, .free = free_memory};

nb_tensor *nb_feed_tensor(const nb_feed *feed)
{
    return feed && feed->type == &in_memory ? ((const memory *)feed)->all : NULL;
}

uint32_t nb_feed_version(const nb_feed *feed)
{
    const nb_tensor *all = nb_feed_tensor(feed);
    return all ? all->storage->version : 0;
}

nb_status nb_feed_check_sizes(nb_ctx *ctx, int dims, const int64_t *sizes, const char *what)
{
    char shape[NB_SHAPE_TEXT];
    if (dims == 0)
        return nb_fail(ctx, NB_ESHAPE, "%s must hold examples as rows, not one number", what);
    if (nb_shape_count(dims, sizes) == 0)
        return nb_fail(ctx, NB_ESHAPE, "%s holds nothing: its shape is %s", what,
                       nb_shape_text(dims, sizes, shape));
    if (sizes[0] > NB_SET_ROWS_MAX)
        return nb_fail(ctx, NB_ESHAPE, "a set has at most %" PRId64 " examples, not %" PRId64,
                       (int64_t)NB_SET_ROWS_MAX, sizes[0]);
    return NB_OK;
}

nb_feed *nb_feed_of_tensor(nb_ctx *ctx, nb_tensor *tensor, const char *what)
{
    if (nb_feed_check_sizes(ctx, tensor->dims, tensor->shape, what) != NB_OK) return NULL;
    memory *m = nb_alloc(ctx, sizeof *m);
    nb_tensor *all = m ? nb_tensor_contiguous(ctx, tensor) : NULL;
    if (!all) {
        nb_free(ctx, m, sizeof *m);
        return NULL;
    }
    *m = (memory){.head = {.refs = 1, .type = &in_memory}, .all = all};
    m->head.dtype = all->dtype;
    m->head.count = all->shape[0];
    m->head.dims = all->dims - 1;
    memcpy(m->head.shape, all->shape + 1, (size_t)m->head.dims * sizeof *all->shape);
    m->row_bytes = (size_t)nb_feed_width(&m->head) * nb_dtype_size(all->dtype);
    return &m->head;
}
