/* Filling with numbers that are made one after another. Chance is drawn in the order of the
 * elements on one thread, so that a seed gives the same tensor everywhere. */
#include "tensor/make.h"

#include "kernel/kernel.h"

#include <float.h>
#include <math.h>

enum { BATCH = 512 }; /* numbers made at a time; between batches Ctrl-C is looked for */

/* Gives the number of element i. */
typedef double number_at(void *arg, int64_t i);

/* A batch is made in double and converted to the tensor's dtype by the kernel for that. */
static nb_status fill(nb_ctx *ctx, nb_tensor *tensor, number_at *number, void *arg)
{
    double batch[BATCH];
    nb_convert_fn *convert = nb_kernels_get()->convert[NB_F64][tensor->dtype];
    char *to = nb_tensor_data(tensor);
    int64_t count = nb_tensor_count(tensor);
    for (int64_t start = 0; start < count; start += BATCH) {
        int64_t n = count - start < BATCH ? count - start : BATCH;
        for (int64_t i = 0; i < n; i++) batch[i] = number(arg, start + i);
        convert((size_t)n, batch, 1, to, 1, 1.0);
        to += n * (int64_t)nb_dtype_size(tensor->dtype);
        if (nb_poll(ctx) != NB_OK) return ctx->status;
    }
    return NB_OK;
}

static double unit(void *arg, int64_t i)
{
    (void)i;
    return nb_random_unit(arg);
}

/* 24 bits: the most that f32 holds below 1. */
static double short_unit(void *arg, int64_t i)
{
    (void)i;
    return (double)(nb_random_word(arg) >> 8) * 0x1p-24;
}

nb_status nb_fill_uniform(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream)
{
    return fill(ctx, tensor, tensor->dtype == NB_F64 ? unit : short_unit, stream);
}

static double normal(void *arg, int64_t i)
{
    (void)i;
    return nb_random_normal(arg);
}

nb_status nb_fill_normal(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream)
{
    return fill(ctx, tensor, normal, stream);
}

typedef struct integers {
    nb_stream *stream;
    int64_t low;
    uint64_t count;
} integers;

static double integer(void *arg, int64_t i)
{
    (void)i;
    const integers *of = arg;
    return (double)(of->low + (int64_t)nb_random_below(of->stream, of->count));
}

nb_status nb_fill_integers(nb_ctx *ctx, nb_tensor *tensor, nb_stream *stream, int64_t low,
                           int64_t high)
{
    integers of = {stream, low, (uint64_t)high - (uint64_t)low + 1};
    return fill(ctx, tensor, integer, &of);
}

void nb_fill_permutation(nb_tensor *tensor, nb_stream *stream)
{
    int32_t *index = nb_tensor_data(tensor);
    int64_t count = tensor->shape[0];
    for (int64_t i = 0; i < count; i++) index[i] = (int32_t)(i + 1);
    nb_random_shuffle(stream, index, (size_t)count);
}

typedef struct line {
    double first, step, last;
    int64_t end; /* the place of `last`; -1: none */
} line;

static double on_line(void *arg, int64_t i)
{
    const line *of = arg;
    return i == of->end ? of->last : of->first + (double)i * of->step;
}

nb_status nb_fill_range(nb_ctx *ctx, nb_tensor *tensor, double start, double step)
{
    line of = {start, step, 0, -1};
    return fill(ctx, tensor, on_line, &of);
}

nb_status nb_fill_line(nb_ctx *ctx, nb_tensor *tensor, double first, double last)
{
    int64_t end = nb_tensor_count(tensor) - 1;
    line of = {first, end > 0 ? last / (double)end - first / (double)end : 0, last,
               end > 0 ? end : -1};
    return fill(ctx, tensor, on_line, &of);
}

nb_status nb_fill_identity(nb_ctx *ctx, nb_tensor *tensor)
{
    nb_status status = nb_tensor_fill(ctx, tensor, 0);
    int64_t n = tensor->shape[0] < tensor->shape[1] ? tensor->shape[0] : tensor->shape[1];
    for (int64_t i = 0; i < n && status == NB_OK; i++)
        nb_tensor_set(tensor, (const int64_t[]){i, i}, 1);
    return status;
}

int64_t nb_range_count(double first, double last, double step)
{
    double steps = (last - first) / step;
    if (steps < 0) return 0;
    steps = floor(steps * (1 + 4 * DBL_EPSILON));
    return steps < (double)NB_MAX_ELEMENTS ? (int64_t)steps + 1 : -1;
}
