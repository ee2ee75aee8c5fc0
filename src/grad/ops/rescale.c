/* rescale: examples x of shape (n, …) as (x - offset) factor, column by column, in f64 inside. */
#include "grad/support.h"

#include "grad/columns.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

enum { BETWEEN_LOOKS = 1 << 18 }; /* numbers */

/* ---- Columns --------------------------------------------------------------------------------- */

static int64_t inner_sizes(int dims, const int64_t *shape)
{
    int64_t inner = 1;
    for (int i = 1; i < dims; i++) inner *= shape[i];
    return inner;
}

int64_t nb_columns_of(int dims, const int64_t *shape)
{
    if (dims == 0) return 1;
    return dims == 2 ? shape[1] : shape[0];
}

bool nb_columns_fit(int dims, const int64_t *shape, int64_t columns, int64_t *inner)
{
    bool free = false;
    for (int i = 0; i < dims; i++) free = free || shape[i] < 0;
    *inner = 0;
    if (columns == 1) return true;
    *inner = 1;
    if (!free && columns == nb_shape_count(dims, shape)) return true;
    if (dims > 2) *inner = inner_sizes(dims, shape);
    return dims > 0 && columns == nb_columns_of(dims, shape);
}

/* ---- The op ---------------------------------------------------------------------------------- */

/* y = x scaled: n contiguous examples of `width` numbers each. */
typedef struct scaling {
    nb_rescale_fn *rescale;
    const double *offset, *factor;
    int64_t columns, inner;
    size_t size; /* of a number of x and y */
} scaling;

/* One line of numbers that are neighbours: all of one column, or one of each. */
static void scale_line(const scaling *s, int64_t count, const char *x, char *y)
{
    if (s->inner < 2) {
        s->rescale((size_t)count, x, s->offset, s->factor, s->inner == 0 ? 0 : 1, y);
        return;
    }
    size_t bytes = (size_t)s->inner * s->size;
    for (int64_t c = 0; c < s->columns; c++, x += bytes, y += bytes)
        s->rescale((size_t)s->inner, x, s->offset + c, s->factor + c, 0, y);
}

static nb_status scale_all(nb_ctx *ctx, const scaling *s, int64_t count, const char *x, char *y)
{
    int64_t line = s->inner == 0 ? BETWEEN_LOOKS : s->columns * s->inner, since = 0;
    for (int64_t i = 0; i < count; i += line) {
        size_t at = (size_t)i * s->size;
        int64_t n = count - i < line ? count - i : line;
        scale_line(s, n, x + at, y + at);
        since += n;
        if (since < BETWEEN_LOOKS) continue;
        if (nb_poll(ctx) != NB_OK) return ctx->status;
        since = 0;
    }
    return NB_OK;
}

/* Numbers of columns in f64, contiguous. */
static nb_tensor *in_f64(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *real = nb_tensor_convert(ctx, t, NB_F64, 1);
    nb_tensor *whole = real ? nb_tensor_contiguous(ctx, real) : NULL;
    nb_tensor_release(ctx, real);
    return whole;
}

/* (x - offset) factor; offset NULL: x factor. Of numbers that were found to fit. */
static nb_tensor *scaled(nb_ctx *ctx, nb_tensor *x, nb_tensor *offset, nb_tensor *factor)
{
    scaling s = {.rescale = nb_kernels_get()->rescale[x->dtype][x->dtype],
                 .columns = factor->shape[0],
                 .size = nb_dtype_size(x->dtype)};
    nb_columns_fit(x->dims - 1, x->shape + 1, s.columns, &s.inner);
    nb_tensor *all = nb_tensor_contiguous(ctx, x), *factors = all ? in_f64(ctx, factor) : NULL;
    nb_tensor *offsets = !factors ? NULL
                         : offset ? in_f64(ctx, offset)
                                  : nb_tensor_zeros(ctx, NB_F64, 1, &s.columns);
    nb_tensor *out = offsets ? nb_tensor_new(ctx, x->dtype, x->dims, x->shape) : NULL;
    nb_status status = out ? NB_OK : ctx->status;
    if (out) {
        s.offset = nb_tensor_data(offsets);
        s.factor = nb_tensor_data(factors);
        status = scale_all(ctx, &s, nb_tensor_count(out), nb_tensor_data(all), nb_tensor_data(out));
    }
    nb_tensor_release(ctx, all);
    nb_tensor_release(ctx, factors);
    nb_tensor_release(ctx, offsets);
    return nb_tensor_settle(ctx, out, status);
}

static nb_status check(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *offset,
                       const nb_tensor *factor)
{
    char text[3][NB_SHAPE_TEXT];
    int64_t inner;
    bool pair = offset->dims == 1 && nb_tensor_same_shape(offset, factor);
    if (pair && x->dims > 0 && nb_columns_fit(x->dims - 1, x->shape + 1, offset->shape[0], &inner))
        return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "rescale: offsets of %s and factors of %s do not fit %s",
                   nb_shape_text(offset->dims, offset->shape, text[0]),
                   nb_shape_text(factor->dims, factor->shape, text[1]),
                   nb_shape_text(x->dims, x->shape, text[2]));
}

static nb_tensor *rescale_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *const *in = call->in;
    if (check(ctx, in[0], in[1], in[2]) != NB_OK) return NULL;
    return scaled(ctx, in[0], in[1], in[2]);
}

/* dx = δ factor */
static nb_status rescale_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    grad[0] = scaled(ctx, delta, NULL, record->in[2]);
    return grad[0] ? NB_OK : ctx->status;
}

NB_DEFINE_OP(rescale) = {
    .name = "rescale",
    .help = "Examples as (x - offset) factor, by their columns.",
    .hidden = true,
    .promote = 1,
    .reads = 4,
    .forward = rescale_forward,
    .backward = rescale_backward,
    .errors = "5x3 2k 2k: offsets of 2 and factors of 2 do not fit 5x3; 5x3 3k 2k: factors of 2",
    .samples = "5x3 3k 3k, 5x3 1k 1k, 5 1k 1k, 3x5t 5k 5k, 2x3x4 4k 4k, 2x3x4 12k 12k, "
               "2x3x2x2 3k 3k, 2x3x2x2 12k 12k, 0x3 3k 3k",
    .low = -2,
    .high = 2,
};
