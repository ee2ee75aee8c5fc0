/* Batches out of a set: one conversion a row, while the rows of the batch to come are on their way.
 * What cannot be had as numbers of the batch's dtype is an error that names the example. */
#include "nn/data/set.h"

#include "base/text.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CLASSES_AT_ONCE = 256 };

/* Numbers for one row of `to`. */
static int64_t width_of(const nb_tensor *to)
{
    return nb_shape_count(to->dims - 1, to->shape + 1);
}

static nb_room room_of(const nb_tensor *to)
{
    return (nb_room){nb_tensor_data(to), to->dtype, width_of(to)};
}

/* ---- What does not fit ---------------------------------------------------------------------- */

/* NB_EVALUE for number `column` of the picked example i, told as it stands in the rows. */
static nb_status bad_number(nb_ctx *ctx, const char *what, nb_feed *rows, const nb_pick *pick,
                            int64_t i, int64_t column, nb_dtype dtype)
{
    char text[NB_NUMBER_MAX], step[32] = "";
    int64_t width = nb_feed_width(rows);
    nb_pick one = nb_pick_some(pick, i, 1);
    if (!nb_dtype_computes(dtype) && rows->dims == 1)
        snprintf(step, sizeof step, ", step %" PRId64, column + 1);
    double *row = nb_alloc(ctx, (size_t)width * sizeof *row);
    if (!row) return ctx->status;
    nb_status status = rows->type->gather(ctx, rows, &one, NULL, &(nb_room){row, NB_F64, width});
    if (status == NB_OK)
        status =
            nb_fail(ctx, NB_EVALUE, "%s holds %s in example %" PRId64 "%s; it needs %s that fit %s",
                    what, nb_number_text(row[column], text), nb_pick_position(pick, i) + 1, step,
                    nb_dtype_computes(dtype) ? "numbers" : "whole numbers", nb_dtype_name(dtype));
    nb_free(ctx, row, (size_t)width * sizeof *row);
    return status;
}

/* Bytes and integers cannot be at fault unless a scale makes them too large. */
static bool is_surely_finite(const nb_feed *rows, const nb_scale *scale)
{
    return !nb_dtype_computes(rows->dtype) && (!scale || scale->tame);
}

static nb_status check_finite(nb_ctx *ctx, const char *what, nb_feed *rows, const nb_pick *pick,
                              const nb_scale *scale, const nb_tensor *to)
{
    const nb_real_kernels *real = nb_real(to->dtype);
    const char *at = nb_tensor_data(to);
    size_t width = (size_t)width_of(to), size = nb_dtype_size(to->dtype), bad = 0;
    if (is_surely_finite(rows, scale)) return NB_OK;
    if (real->finite((size_t)pick->n * width, at)) return NB_OK;
    while (real->finite(1, at + bad * size)) bad++;
    return bad_number(ctx, what, rows, pick, (int64_t)(bad / width), (int64_t)(bad % width),
                      to->dtype);
}

/* ---- Integers ------------------------------------------------------------------------------- */

/* The first number that `dtype` does not hold as it is, or n. */
static int64_t first_odd(const double *row, int64_t n, nb_dtype dtype)
{
    double low = dtype == NB_U8 ? 0 : INT32_MIN, high = dtype == NB_U8 ? UINT8_MAX : INT32_MAX;
    int64_t i = 0;
    while (i < n && row[i] >= low && row[i] <= high && row[i] == floor(row[i])) i++;
    return i;
}

/* Integers out of rows that may hold other numbers: row by row, each looked at. */
static nb_status gather_checked(nb_ctx *ctx, const char *what, nb_feed *rows, const nb_pick *pick,
                                const nb_room *to)
{
    size_t n = (size_t)to->width, bytes = n * nb_dtype_size(to->dtype);
    double *row = nb_alloc(ctx, n * sizeof *row);
    nb_status status = row ? NB_OK : ctx->status;
    for (int64_t i = 0; i < pick->n && status == NB_OK; i++) {
        nb_pick one = nb_pick_some(pick, i, 1);
        status = rows->type->gather(ctx, rows, &one, NULL, &(nb_room){row, NB_F64, to->width});
        if (status == NB_OK && i % NB_SET_BETWEEN_LOOKS == 0) status = nb_poll(ctx);
        if (status != NB_OK) break;
        int64_t odd = first_odd(row, to->width, to->dtype);
        if (odd < to->width) status = bad_number(ctx, what, rows, pick, i, odd, to->dtype);
        nb_kernels_get()->convert[NB_F64][to->dtype](n, row, 1,
                                                     (char *)to->data + (size_t)i * bytes, 1, 1);
    }
    nb_free(ctx, row, n * sizeof *row);
    return status;
}

static nb_status gather_whole(nb_ctx *ctx, const char *what, nb_feed *rows, const nb_pick *pick,
                              const nb_room *to)
{
    if (nb_feed_fit(rows, to->dtype)) return nb_feed_gather(ctx, rows, pick, NULL, to);
    return gather_checked(ctx, what, rows, pick, to);
}

/* ---- Rows and classes ----------------------------------------------------------------------- */

/* Bytes times one factor are bounded, which spares who needs a bound the look at every number: what
 * they do not pass; 0 of others. */
static double most_of_bytes(const nb_feed *rows, double factor)
{
    return rows->dtype == NB_U8 ? UINT8_MAX * fabs(factor) * 1.000001 : 0;
}

static void bound_rows(const nb_feed *rows, const nb_scale *scale, nb_tensor *to)
{
    double factor;
    size_t bytes = (size_t)nb_tensor_count(to) * nb_dtype_size(to->dtype);
    bool plain = nb_scale_is_plain(scale, &factor) && to->storage->bytes == bytes;
    nb_tensor_bound(to, plain ? most_of_bytes(rows, factor) : 0);
}

static nb_status gather_rows(nb_ctx *ctx, const char *what, nb_feed *rows, const nb_pick *pick,
                             const nb_scale *scale, nb_tensor *to)
{
    int64_t wanted = to->dims && to->shape[0] == pick->n ? width_of(to) : -1, shape[NB_MAX_DIMS];
    nb_feed_shape(rows, pick, shape);
    if (wanted != nb_shape_count(rows->dims, shape) && wanted != nb_feed_width(rows))
        return nb_fail(ctx, NB_ESHAPE,
                       "%s has %" PRId64 " values an example; %" PRId64 " are wanted", what,
                       nb_feed_width(rows), wanted);
    nb_room room = room_of(to);
    bound_rows(rows, scale, to);
    if (!nb_dtype_computes(to->dtype)) return gather_whole(ctx, what, rows, pick, &room);
    nb_status status = nb_feed_gather(ctx, rows, pick, scale, &room);
    return status == NB_OK ? check_finite(ctx, what, rows, pick, scale, to) : status;
}

static inline void set_one(void *to, bool narrow, int64_t place)
{
    if (narrow)
        ((float *)to)[place] = 1;
    else
        ((double *)to)[place] = 1;
}

/* Ones for a run of class numbers, in front of which `done` stand. `pair`: of two classes the
 * second is a 1, and the first leaves its 0. */
static nb_status set_ones(nb_ctx *ctx, const nb_pick *pick, const int32_t *class, int64_t count,
                          int64_t done, bool pair, nb_tensor *to)
{
    int64_t outputs = to->shape[to->dims - 1], steps = width_of(to) / outputs;
    int64_t classes = pair ? 2 : outputs;
    bool narrow = to->dtype == NB_F32;
    void *ones = nb_tensor_data(to);
    for (int64_t i = 0; i < count; i++) {
        if (class[i] < 1 || class[i] > classes) {
            char step[NB_SHOWN] = "";
            if (steps > 1) snprintf(step, sizeof step, ", step %" PRId64, (done + i) % steps + 1);
            return nb_fail(
                ctx, NB_EARG,
                "y holds class %d at example %" PRId64 "%s; the network has %" PRId64 " classes",
                (int)class[i], nb_pick_position(pick, (done + i) / steps) + 1, step, classes);
        }
        if (!pair)
            set_one(ones, narrow, (done + i) * outputs + class[i] - 1);
        else if (class[i] == 2)
            set_one(ones, narrow, done + i);
    }
    return NB_OK;
}

/* (n, …, K), zeros with 1 at the class of every row; (n, 1) of a pair. */
static nb_status gather_one_hot(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, bool pair,
                                nb_tensor *to)
{
    int32_t few[CLASSES_AT_ONCE], *class = few;
    int64_t steps = width_of(to) / to->shape[to->dims - 1],
            most = steps < CLASSES_AT_ONCE ? CLASSES_AT_ONCE / steps : 1;
    size_t bytes = (size_t)steps * sizeof *class;
    nb_status status = NB_OK;
    if (steps > CLASSES_AT_ONCE) class = nb_alloc(ctx, bytes);
    if (!class) return ctx->status;
    memset(nb_tensor_data(to), 0, (size_t)nb_tensor_count(to) * nb_dtype_size(to->dtype));
    for (int64_t i = 0; i < pick->n && status == NB_OK; i += most) {
        nb_pick some = nb_pick_some(pick, i, pick->n - i < most ? pick->n - i : most);
        status = gather_whole(ctx, "y", rows, &some, &(nb_room){class, NB_I32, steps});
        if (status == NB_OK)
            status = set_ones(ctx, pick, class, some.n * steps, i * steps, pair, to);
        if (status == NB_OK && i > 0) status = nb_poll(ctx);
    }
    if (class != few) nb_free(ctx, class, bytes);
    return status;
}

/* Whether y (n, …, K) takes a row of ones and zeros for every number of the set's y (…). */
static bool takes_one_hot(const nb_set *set, const nb_tensor *y)
{
    int dims = set->y->dims;
    return nb_dtype_computes(y->dtype) && y->dims == dims + 2 &&
           (set->schema.classes || y->shape[dims + 1] > 1) &&
           (set->y->length ||
            !memcmp(y->shape + 1, set->y->shape, (size_t)dims * sizeof *y->shape));
}

/* Whether y (n, 1) takes the numbers of two classes, as 0 and 1. */
static bool takes_pair(const nb_set *set, const nb_tensor *y)
{
    return set->schema.classes && set->schema.classes->count == 2 && set->y->dims == 0 &&
           y->dims == 2 && y->shape[1] == 1;
}

static nb_status gather_y(nb_ctx *ctx, const nb_set *set, const nb_pick *pick, nb_tensor *y)
{
    bool pair = takes_pair(set, y);
    if (!set->y) return nb_fail(ctx, NB_EARG, "the set holds no y");
    if (!set->schema.classes || !nb_dtype_computes(y->dtype)) {
        if (!takes_one_hot(set, y)) return gather_rows(ctx, "y", set->y, pick, NULL, y);
    } else if (!takes_one_hot(set, y) || y->shape[0] != pick->n ||
               y->shape[y->dims - 1] < (pair ? 1 : set->schema.classes->count)) {
        return nb_fail(ctx, NB_ESHAPE,
                       "y holds %" PRId64 " classes; the network has %" PRId64 " outputs",
                       set->schema.classes->count, y->dims ? width_of(y) : 1);
    }
    return gather_one_hot(ctx, set->y, pick, pair, y);
}

static void announce(nb_feed *rows, const nb_pick *next)
{
    if (rows->type->announce) rows->type->announce(rows, next);
}

nb_status nb_set_gather(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                        int64_t n, int64_t ahead, nb_tensor *x, nb_tensor *y)
{
    nb_pick pick = nb_set_pick(set, order, start, n);
    nb_status status = NB_OK;
    pick.behind = ahead;
    if (x) status = gather_rows(ctx, "x", set->x, &pick, set->scale, x);
    if (y && status == NB_OK) status = gather_y(ctx, set, &pick, y);
    if (status != NB_OK || ahead <= 0) return status;
    const nb_pick next = nb_pick_behind(&pick);
    if (x) announce(set->x, &next);
    if (y) announce(set->y, &next);
    return NB_OK;
}

/* ---- Non-zeros ------------------------------------------------------------------------------ */

bool nb_set_is_thin(const nb_set *set)
{
    double factor;
    return set->x->type->thin && nb_scale_is_plain(set->scale, &factor);
}

/* As check_finite, of numbers that stand at the columns that are listed. */
static nb_status check_thin(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, const nb_scale *scale,
                            const nb_thin *thin)
{
    const nb_real_kernels *real = nb_real(thin->dtype);
    const char *at = thin->value;
    size_t size = nb_dtype_size(thin->dtype), bad = 0;
    int64_t row = 0;
    if (is_surely_finite(rows, scale)) return NB_OK;
    if (real->finite((size_t)thin->count, at)) return NB_OK;
    while (real->finite(1, at + bad * size)) bad++;
    while (thin->start[row + 1] <= (int64_t)bad) row++;
    return bad_number(ctx, "x", rows, pick, row, thin->index[bad], thin->dtype);
}

nb_status nb_set_gather_thin(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                             int64_t n, int64_t ahead, nb_thin *thin)
{
    nb_pick pick = nb_set_pick(set, order, start, n);
    double factor;
    pick.behind = ahead;
    nb_scale_is_plain(set->scale, &factor);
    nb_status status = set->x->type->thin(ctx, set->x, &pick, factor, thin);
    thin->most = most_of_bytes(set->x, factor);
    return status == NB_OK ? check_thin(ctx, set->x, &pick, set->scale, thin) : status;
}

/* ---- All of it ------------------------------------------------------------------------------ */

static nb_tensor *gather_all(nb_ctx *ctx, const nb_set *set, const char *what, nb_feed *rows,
                             const nb_scale *scale, nb_dtype dtype)
{
    nb_pick all = nb_set_pick(set, NULL, 0, set->count);
    int64_t sizes[NB_MAX_DIMS], shape[NB_MAX_DIMS] = {set->count};
    nb_feed_shape(rows, &all, sizes);
    memcpy(shape + 1, sizes, (size_t)rows->dims * sizeof *shape);
    nb_tensor *to = nb_tensor_new(ctx, dtype, rows->dims + 1, shape);
    if (!to) return NULL;
    nb_room room = room_of(to);
    nb_status status = nb_dtype_computes(dtype) ? nb_feed_gather(ctx, rows, &all, scale, &room)
                                                : gather_whole(ctx, what, rows, &all, &room);
    return nb_tensor_settle(ctx, to, status);
}

nb_tensor *nb_set_x(nb_ctx *ctx, const nb_set *set, nb_dtype dtype)
{
    return gather_all(ctx, set, "x", set->x, set->scale, dtype);
}

nb_tensor *nb_set_y(nb_ctx *ctx, const nb_set *set, nb_dtype dtype)
{
    if (!set->y) return nb_fail_null(ctx, NB_EARG, "the set holds no y");
    return gather_all(ctx, set, "y", set->y, NULL, set->schema.classes ? NB_I32 : dtype);
}
