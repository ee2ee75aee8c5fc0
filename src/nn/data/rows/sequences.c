/* Rows that are sequences of different lengths: their steps lie packed one behind the other; what
 * is gathered is padded to what the room takes. */
#include "nn/data/rows/feed.h"

#include "base/memory.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <string.h>

typedef struct sequences {
    nb_feed head;
    nb_tensor *steps; /* (of all rows, a step…), contiguous */
    int64_t *start;   /* a list of head.count: the first step of each row */
    int32_t *length;  /* likewise: head.length */
} sequences;

/* What stands as padding: words and classes, which count from 1, must be some. */
static double padding_of(const nb_feed *rows)
{
    return rows->dims == 1 ? 1 : 0;
}

static void pad(nb_dtype dtype, size_t count, double value, void *to)
{
    nb_kernels_get()->convert[NB_F64][dtype](count, &value, 0, to, 1, 1);
}

static nb_status gather(nb_ctx *ctx, nb_feed *feed, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room)
{
    (void)ctx;
    const sequences *s = (const sequences *)feed;
    size_t step = (size_t)nb_shape_count(feed->dims - 1, feed->shape + 1);
    size_t width = (size_t)room->width, from_size = nb_dtype_size(feed->dtype);
    size_t to_size = nb_dtype_size(room->dtype);
    char *to = room->data;
    for (int64_t i = 0; i < pick->n; i++, to += width * to_size) {
        int64_t row = nb_pick_row(pick, i);
        size_t real = (size_t)s->length[row] * step;
        const char *from =
            (const char *)nb_tensor_data(s->steps) + (size_t)s->start[row] * step * from_size;
        nb_scale_rows(scale, 1, real, from, feed->dtype, to, room->dtype);
        pad(room->dtype, width - real, padding_of(feed), to + real * to_size);
    }
    return NB_OK;
}

static void free_sequences(nb_ctx *ctx, nb_feed *feed)
{
    sequences *s = (sequences *)feed;
    size_t count = (size_t)feed->count;
    nb_tensor_release(ctx, s->steps);
    nb_free(ctx, s->start, count * sizeof *s->start);
    nb_free(ctx, s->length, count * sizeof *s->length);
    nb_free(ctx, s, sizeof *s);
}

static const nb_feed_type type = {.gather = gather, .free = free_sequences};

/* ---- Making them ----------------------------------------------------------------------------- */

/* One more sequence beside the first. */
static nb_status check_one(nb_ctx *ctx, nb_tensor *const *list, int64_t i, const char *what)
{
    char text[2][NB_SHAPE_TEXT];
    const nb_tensor *t = list[i], *first = list[0];
    if (t->dims == 0)
        return nb_fail(ctx, NB_ESHAPE, "%s: sequence %" PRId64 " is one number, without steps",
                       what, i + 1);
    if (nb_tensor_count(t) == 0)
        return nb_fail(ctx, NB_ESHAPE, "%s: sequence %" PRId64 " holds nothing: its shape is %s",
                       what, i + 1, nb_shape_text(t->dims, t->shape, text[0]));
    if (t->dims == first->dims &&
        !memcmp(t->shape + 1, first->shape + 1, (size_t)(t->dims - 1) * sizeof *t->shape))
        return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "%s: sequence %" PRId64 " is %s, the first %s; they differ in their steps alone",
                   what, i + 1, nb_shape_text(t->dims, t->shape, text[0]),
                   nb_shape_text(first->dims, first->shape, text[1]));
}

static nb_status check_list(nb_ctx *ctx, nb_tensor *const *list, int64_t count, const char *what)
{
    nb_status status = NB_OK;
    if (count < 1) return nb_fail(ctx, NB_ESHAPE, "%s holds no sequence", what);
    if (count > NB_SET_ROWS_MAX)
        return nb_fail(ctx, NB_ESHAPE, "a set has at most %" PRId64 " examples, not %" PRId64,
                       (int64_t)NB_SET_ROWS_MAX, count);
    for (int64_t i = 0; i < count && status == NB_OK; i++) status = check_one(ctx, list, i, what);
    return status;
}

/* Where each row begins, and the head's sizes. */
static nb_status lay_out(nb_ctx *ctx, sequences *s, nb_tensor *const *list)
{
    size_t count = (size_t)s->head.count;
    int64_t at = 0;
    s->start = nb_alloc(ctx, count * sizeof *s->start);
    s->length = s->start ? nb_alloc(ctx, count * sizeof *s->length) : NULL;
    if (!s->length) return ctx->status;
    s->head.length = s->length;
    s->head.dims = list[0]->dims;
    memcpy(s->head.shape, list[0]->shape, (size_t)list[0]->dims * sizeof *list[0]->shape);
    for (size_t i = 0; i < count; i++) {
        int64_t length = list[i]->shape[0];
        if (length > INT32_MAX)
            return nb_fail(ctx, NB_ESHAPE, "a sequence has at most %d steps", INT32_MAX);
        s->start[i] = at;
        s->length[i] = (int32_t)length;
        if (length > s->head.shape[0]) s->head.shape[0] = length;
        at += length;
    }
    return NB_OK;
}

/* All steps in one tensor, of no other dtype in that of the first that computes, else the first's.
 */
static nb_tensor *pack(nb_ctx *ctx, const sequences *s, nb_tensor *const *list, nb_dtype dtype)
{
    int64_t count = s->head.count, shape[NB_MAX_DIMS];
    bool own = dtype == NB_DTYPES;
    if (own) dtype = list[0]->dtype;
    for (int64_t i = 0; own && i < count && !nb_dtype_computes(dtype); i++)
        if (nb_dtype_computes(list[i]->dtype)) dtype = list[i]->dtype;
    memcpy(shape, s->head.shape, sizeof shape);
    shape[0] = s->start[count - 1] + s->length[count - 1];
    nb_tensor *all = nb_tensor_new(ctx, dtype, s->head.dims, shape);
    nb_status status = all ? NB_OK : ctx->status;
    for (int64_t i = 0; i < count && status == NB_OK; i++) {
        nb_tensor *place = nb_tensor_narrow(ctx, all, 0, s->start[i], s->length[i], 1);
        status = place ? nb_tensor_copy(ctx, place, list[i]) : ctx->status;
        nb_tensor_release(ctx, place);
    }
    return nb_tensor_settle(ctx, all, status);
}

static bool is_even(const sequences *s)
{
    int64_t shorter = 0;
    for (int64_t i = 0; i < s->head.count; i++) shorter += s->length[i] < s->head.shape[0];
    return shorter == 0;
}

/* Sequences of one length are rows like others. */
static nb_feed *even_rows(nb_ctx *ctx, const sequences *s, const char *what)
{
    int64_t shape[NB_MAX_DIMS] = {s->head.count};
    if (s->head.dims >= NB_MAX_DIMS)
        return nb_fail_null(ctx, NB_ESHAPE, "%s: a sequence has at most %d dimensions", what,
                            NB_MAX_DIMS - 1);
    memcpy(shape + 1, s->head.shape, (size_t)s->head.dims * sizeof *shape);
    nb_tensor *all = nb_tensor_reshape(ctx, s->steps, s->head.dims + 1, shape);
    nb_feed *rows = all ? nb_feed_of_tensor(ctx, all, what) : NULL;
    nb_tensor_release(ctx, all);
    return rows;
}

nb_feed *nb_feed_of_sequences(nb_ctx *ctx, nb_tensor *const *list, int64_t count, nb_dtype dtype,
                              const char *what)
{
    if (check_list(ctx, list, count, what) != NB_OK) return NULL;
    sequences *s = nb_alloc_zero(ctx, 1, sizeof *s);
    if (!s) return NULL;
    s->head.refs = 1;
    s->head.type = &type;
    s->head.count = count;
    nb_feed *rows = NULL;
    if (lay_out(ctx, s, list) == NB_OK && (s->steps = pack(ctx, s, list, dtype))) {
        s->head.dtype = s->steps->dtype;
        rows = is_even(s) ? even_rows(ctx, s, what) : nb_feed_retain(&s->head);
    }
    nb_feed_release(ctx, &s->head);
    return rows;
}
