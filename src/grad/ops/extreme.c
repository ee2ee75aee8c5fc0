/* The largest and the smallest elements: values and places along one dimension, values alone over
 * several or all. NaN is larger and smaller than everything. */
#include "grad/lines.h"
#include "grad/support.h"

#include <string.h>

/* ---- Along one dimension -------------------------------------------------------------------- */

enum { TILE = 256, FEW = 8 }; /* columns at a time; fewer are searched one by one */

/* Lines of one tensor; the elements themselves go into values of `width` bytes. */
typedef struct search {
    const nb_real_kernels *real;
    bool largest;
    size_t length, width;
    ptrdiff_t step;
} search;

/* at: values, places, x. Lines that lie side by side are searched together. */
static void search_columns(const search *how, size_t n, char *const *at, const int64_t *stride)
{
    double best[TILE];
    int32_t place[TILE];
    ptrdiff_t width = (ptrdiff_t)how->width;
    for (size_t start = 0; start < n; start += TILE) {
        size_t m = n - start < TILE ? n - start : TILE;
        const char *x = at[2] + (int64_t)start * stride[2] * width;
        (how->largest ? how->real->argmax_columns : how->real->argmin_columns)(
            how->length, m, x, how->step, (ptrdiff_t)stride[2], best, place);
        for (size_t i = 0; i < m; i++) {
            int64_t k = (int64_t)(start + i);
            memcpy(at[0] + k * stride[0] * width, (char *)best + i * how->width, how->width);
            ((int32_t *)(void *)at[1])[k * stride[1]] = place[i] + 1;
        }
    }
}

static void search_rows(const search *how, size_t n, char *const *at, const int64_t *stride)
{
    ptrdiff_t width = (ptrdiff_t)how->width;
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)i;
        const char *x = at[2] + k * stride[2] * width;
        size_t place =
            (how->largest ? how->real->argmax : how->real->argmin)(how->length, x, how->step);
        memcpy(at[0] + k * stride[0] * width, x + (ptrdiff_t)place * how->step * width, how->width);
        ((int32_t *)(void *)at[1])[k * stride[1]] = (int32_t)place + 1;
    }
}

static int64_t distance(int64_t step)
{
    return step < 0 ? -step : step;
}

static void search_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const search *how = arg;
    if (n >= FEW && distance(stride[2]) < distance(how->step))
        search_columns(how, n, at, stride);
    else
        search_rows(how, n, at, stride);
}

static nb_status check_any(nb_ctx *ctx, const char *name, int64_t reduced, int64_t results)
{
    if (reduced > 0 || results == 0) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s of no elements", name);
}

/* Values and places (from 1) along `dim`, which stays with size 1. */
static nb_status find_places(nb_ctx *ctx, const nb_call *call, const nb_tensor *x, int dim,
                             nb_tensor **value, nb_tensor **place)
{
    search how = {nb_real(x->dtype), call->op->kernel == NB_FOLD_largest,
                  (size_t)nb_line_length(x, dim), nb_dtype_size(x->dtype), nb_line_step(x, dim)};
    *value = *place = NULL;
    if (nb_lines_check(ctx, x, dim) != NB_OK) return ctx->status;
    *value = nb_lines_new(ctx, x->dtype, x, dim, 1);
    *place = *value ? nb_lines_new(ctx, NB_I32, x, dim, 1) : NULL;
    nb_status status = *place ? NB_OK : ctx->status;
    if (status == NB_OK)
        status = check_any(ctx, call->op->name, (int64_t)how.length, nb_tensor_count(*place));
    if (status == NB_OK && how.length)
        status = nb_lines_run(ctx, dim, 3, (const nb_tensor *const[]){*value, *place, x},
                              (int64_t)how.length, search_loop, &how);
    if (status == NB_OK) return NB_OK;
    nb_tensor_release(ctx, *value);
    nb_tensor_release(ctx, *place);
    *value = *place = NULL;
    return status;
}

/* The values of a line in the dtype that the user gave; the search is in one that computes. */
static nb_tensor *as_given(nb_ctx *ctx, nb_tensor *value, nb_dtype dtype)
{
    nb_tensor *out = value ? nb_tensor_convert(ctx, value, dtype, 1) : NULL;
    nb_tensor_release(ctx, value);
    return out;
}

static nb_tensor *extreme_along(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0], *value, *place;
    int dim = call->attr.dims.at[0];
    nb_tensor *from = nb_tensor_convert(ctx, x, nb_dtype_computing(ctx, x->dtype), 1);
    nb_status status = from ? find_places(ctx, call, from, dim, &value, &place) : ctx->status;
    nb_tensor_release(ctx, from);
    if (status != NB_OK) return NULL;
    if (call->recording) call->saved[0] = nb_tensor_retain(place);
    value = nb_lines_result(ctx, call, as_given(ctx, value, x->dtype));
    call->more[0] = nb_lines_result(ctx, call, place);
    if (value && call->more[0]) return value;
    nb_tensor_release(ctx, value);
    return NULL;
}

/* ---- Over several dimensions or all --------------------------------------------------------- */

static nb_status find_extreme(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    nb_status status = check_any(ctx, call->op->name, plan->reduced, plan->count);
    return status == NB_OK ? nb_reduce_fold(ctx, call, plan, acc) : status;
}

/* saved: the values with the reduced dimensions, and x. */
static nb_tensor *extreme_over(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0], *out = nb_reduce(ctx, call, x->dtype, true, find_extreme);
    if (!out || !call->recording) return out;
    call->saved[1] = nb_tensor_alias(ctx, x);
    return nb_tensor_settle(ctx, out, call->saved[1] ? NB_OK : ctx->status);
}

static nb_tensor *extreme_forward(nb_ctx *ctx, nb_call *call)
{
    bool one = call->attr.dims.count == 1 && call->in[0]->dims > 0;
    return one ? extreme_along(ctx, call) : extreme_over(ctx, call);
}

/* δ shared among the elements that equal y. */
static nb_tensor *share(nb_ctx *ctx, nb_record *record, nb_tensor *kept)
{
    nb_tensor *y = record->saved[0], *x = record->saved[1], *out = NULL;
    nb_tensor *equal = nb_op2(ctx, NB_OP_eq, x, y);
    nb_tensor *mask = equal ? nb_tensor_convert(ctx, equal, x->dtype, 1) : NULL;
    nb_tensor_release(ctx, equal);
    nb_tensor *count = mask ? nb_sum_dims(ctx, mask, nb_named_dims(&record->attr.dims, x)) : NULL;
    nb_tensor *part = count ? nb_op2(ctx, NB_OP_div, kept, count) : NULL;
    if (part) out = nb_op2(ctx, NB_OP_mul, mask, part);
    nb_tensor_release(ctx, mask);
    nb_tensor_release(ctx, count);
    nb_tensor_release(ctx, part);
    return out;
}

/* y = x at its extreme: along one dimension dx = δ at the place that was given; over several, where
 * none is, equal elements share δ. */
static nb_status extreme_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    nb_tensor *x = record->in[0], *kept = nb_keep_dims(ctx, record, delta);
    if (kept && record->saved[1])
        grad[0] = share(ctx, record, kept);
    else if (kept)
        grad[0] = nb_lines_put(ctx, x, record->attr.dims.at[0], record->saved[0], kept);
    nb_tensor_release(ctx, kept);
    return grad[0] ? NB_OK : ctx->status;
}

/* ---- Places alone --------------------------------------------------------------------------- */

static nb_tensor *place_forward(nb_ctx *ctx, nb_call *call)
{
    int dim;
    nb_tensor *value = NULL, *place = NULL, *lines = nb_lines_named(ctx, call, &dim);
    if (lines && find_places(ctx, call, lines, dim, &value, &place) == NB_OK)
        nb_tensor_release(ctx, value);
    nb_tensor_release(ctx, lines);
    return nb_lines_result(ctx, call, place);
}

#define EXTREME(word, way, text, show)                                                             \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "L",                                                        \
                          .options = nb_keep_options,                                              \
                          .usage = "x:" #word "(dims…, {keep})",                                   \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = way,                                                           \
                          .results = 2,                                                            \
                          .alone = true,                                                           \
                          .forward = extreme_forward,                                              \
                          .backward = extreme_backward,                                            \
                          .errors = "0: of no elements; 0x3 /1: of no elements",                   \
                          .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /2, "                 \
                                     "2x3x2 /1 /3, 3x9t /2, 9x3t /1, 0x3 /2",                      \
                          .low = -2,                                                               \
                          .high = 2}

EXTREME(
    max, NB_FOLD_largest,
    "The largest element. Along one dimension: the values and their places, counted from 1; over "
    "several: the values.",
    "tensor{{1, 9}, {7, 2}}:max(2) → 9 7");
EXTREME(min, NB_FOLD_smallest,
        "The smallest element. Along one dimension: the values and their places, counted from 1; "
        "over several: the values.",
        "tensor{{1, 9}, {7, 2}}:min(2) → 1 2");

#define PLACE(word, way, text, show)                                                               \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "D",                                                        \
                          .options = nb_keep_options,                                              \
                          .usage = "x:" #word "(dim, {keep})",                                     \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = way,                                                           \
                          .promote = 1,                                                            \
                          .plain = NB_PLAIN_INTEGER,                                               \
                          .forward = place_forward,                                                \
                          .errors = "0: of no elements; 0x3 /1: of no elements",                   \
                          .samples = "-, 5, 2x3, 2x3 /1, 2x3 /2, 3x9t /2, 0x3 /2",                 \
                          .low = -2,                                                               \
                          .high = 2}

PLACE(argmax, NB_FOLD_largest,
      "The place of the largest element, counted from 1; the first of equals.",
      "tensor{1, 9, 7}:argmax() → 2");
PLACE(argmin, NB_FOLD_smallest,
      "The place of the smallest element, counted from 1; the first of equals.",
      "tensor{4, 1, 7}:argmin() → 2");
