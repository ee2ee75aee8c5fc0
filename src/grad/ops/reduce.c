/* Reductions: over one dimension, several or all; f32 is summed in f64. */
#include "grad/support.h"

#include "tensor/shape.h"

#include <math.h>

/* The dimensions that a call names as a set of bits; none named: all. */
static unsigned chosen(const nb_call *call)
{
    unsigned dims = 0;
    if (call->attr.length == 0) return (1u << call->in[0]->dims) - 1;
    for (int i = 0; i < call->attr.length; i++) dims |= 1u << call->attr.list[i];
    return dims;
}

static int64_t reduced_count(const nb_tensor *x, unsigned dims)
{
    int64_t count = 1;
    for (int i = 0; i < x->dims; i++)
        if (dims >> i & 1) count *= x->shape[i];
    return count;
}

/* Drops the dimensions of size 1 that a reduction left, unless they are to be kept. */
static nb_tensor *drop(nb_ctx *ctx, nb_tensor *reduced, unsigned dims, bool keep)
{
    int64_t shape[NB_MAX_DIMS];
    int kept = 0;
    if (!reduced || keep) return reduced;
    for (int i = 0; i < reduced->dims; i++)
        if (!(dims >> i & 1)) shape[kept++] = reduced->shape[i];
    nb_tensor *out = nb_tensor_reshape(ctx, reduced, kept, shape);
    nb_tensor_release(ctx, reduced);
    return out;
}

/* A δ of the reduced shape seen with the input's shape again. */
static nb_tensor *spread(nb_ctx *ctx, const nb_record *record, const nb_tensor *delta)
{
    const nb_tensor *x = record->in[0];
    int64_t shape[NB_MAX_DIMS];
    nb_call of = {.in = {record->in[0]}, .attr = record->attr};
    unsigned dims = chosen(&of);
    for (int i = 0; i < x->dims; i++) shape[i] = dims >> i & 1 ? 1 : x->shape[i];
    nb_tensor *kept = nb_tensor_reshape(ctx, delta, x->dims, shape);
    nb_tensor *out = kept ? nb_tensor_expand(ctx, kept, x->dims, x->shape) : NULL;
    nb_tensor_release(ctx, kept);
    return out;
}

static nb_tensor *sum_forward(nb_ctx *ctx, nb_call *call)
{
    unsigned dims = chosen(call);
    return drop(ctx, nb_sum_dims(ctx, call->in[0], dims, 1), dims, call->attr.keep);
}

/* y = Σ x: dx = δ, spread */
static nb_status sum_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    grad[0] = spread(ctx, record, delta);
    return grad[0] ? NB_OK : ctx->status;
}

static nb_tensor *mean_forward(nb_ctx *ctx, nb_call *call)
{
    unsigned dims = chosen(call);
    double scale = 1.0 / (double)reduced_count(call->in[0], dims);
    return drop(ctx, nb_sum_dims(ctx, call->in[0], dims, scale), dims, call->attr.keep);
}

/* y = Σ x / n: dx = δ / n, spread */
static nb_status mean_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_call of = {.in = {record->in[0]}, .attr = record->attr};
    double n = (double)reduced_count(record->in[0], chosen(&of));
    nb_tensor *part = nb_op_number(ctx, NB_OP_div, delta, n);
    grad[0] = part ? spread(ctx, record, part) : NULL;
    nb_tensor_release(ctx, part);
    return grad[0] ? NB_OK : ctx->status;
}

/* Places of the extremes along one dimension, and the values there. */
typedef struct places {
    size_t (*find)(size_t n, const void *x, ptrdiff_t stride);
    size_t length;
    ptrdiff_t stride;
    nb_dtype dtype;
} places;

static void place_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const places *how = arg;
    int64_t width = (int64_t)nb_dtype_size(how->dtype);
    for (size_t i = 0; i < n; i++) {
        const char *row = at[1] + (int64_t)i * stride[1] * width;
        size_t place = how->find(how->length, row, how->stride);
        ((int32_t *)at[0])[(int64_t)i * stride[0]] = (int32_t)place + 1;
    }
}

/* The places (from 1, as i32) along dimension `dim`, which stays with size 1. */
static nb_tensor *find_places(nb_ctx *ctx, const nb_tensor *x, int dim, bool largest)
{
    const nb_real_kernels *real = nb_real(x->dtype);
    if (x->shape[dim] == 0)
        return nb_fail_null(ctx, NB_ESHAPE, "%s of no elements", largest ? "max" : "min");
    if (x->shape[dim] > INT32_MAX)
        return nb_fail_null(ctx, NB_ESHAPE, "a dimension of %lld is too long for indices",
                            (long long)x->shape[dim]);
    places how = {largest ? real->argmax : real->argmin, (size_t)x->shape[dim],
                  (ptrdiff_t)x->stride[dim], x->dtype};
    nb_tensor first = *x;
    first.shape[dim] = 1;
    return nb_map(ctx, NB_I32, x->dims, first.shape, (const nb_tensor *const[]){&first}, 1,
                  place_loop, &how);
}

/* All elements as one row: what a reduction without a dimension looks at. */
static nb_tensor *as_row(nb_ctx *ctx, const nb_tensor *x)
{
    return nb_tensor_reshape(ctx, x, 1, (const int64_t[]){-1});
}

typedef struct pick {
    nb_convert_fn *copy;
    ptrdiff_t stride;
    int64_t width;
} pick;

static void pick_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const pick *how = arg;
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)i;
        int32_t place = ((const int32_t *)at[1])[k * stride[1]] - 1;
        const char *from = at[2] + (k * stride[2] + place * how->stride) * how->width;
        how->copy(1, from, 1, at[0] + k * stride[0] * how->width, 1, 1.0);
    }
}

/* The elements of x at `place` along dimension dim. */
static nb_tensor *pick_places(nb_ctx *ctx, const nb_tensor *x, int dim, const nb_tensor *place)
{
    pick how = {nb_kernels_get()->convert[x->dtype][x->dtype], (ptrdiff_t)x->stride[dim],
                (int64_t)nb_dtype_size(x->dtype)};
    nb_tensor first = *x;
    first.shape[dim] = 1;
    return nb_map(ctx, x->dtype, x->dims, first.shape, (const nb_tensor *const[]){place, &first}, 2,
                  pick_loop, &how);
}

/* What was found along `dim` in the shape asked for; found is a passing reference. */
static nb_tensor *shaped(nb_ctx *ctx, const nb_call *call, nb_tensor *found, int dim)
{
    static const int64_t ones[NB_MAX_DIMS] = {1, 1, 1, 1, 1, 1, 1, 1};
    bool all = call->attr.length == 0;
    if (!all || !call->attr.keep) return drop(ctx, found, 1u << dim, call->attr.keep);
    nb_tensor *out = nb_tensor_reshape(ctx, found, call->in[0]->dims, ones);
    nb_tensor_release(ctx, found);
    return out;
}

/* Values and places along attr.list[0], or over all elements when no dimension is named. */
static nb_tensor *find_extreme(nb_ctx *ctx, nb_call *call)
{
    bool largest = call->op->kernel == NB_B_maximum, all = call->attr.length == 0;
    nb_tensor *x = all ? as_row(ctx, call->in[0]) : nb_tensor_retain(call->in[0]);
    int dim = all ? 0 : (int)call->attr.list[0];
    nb_tensor *place = x ? find_places(ctx, x, dim, largest) : NULL;
    nb_tensor *value = place ? pick_places(ctx, x, dim, place) : NULL;
    nb_tensor_release(ctx, x);
    if (value && call->recording) call->saved[0] = nb_tensor_retain(place);
    if (value) value = shaped(ctx, call, value, dim);
    if (value) call->more[0] = shaped(ctx, call, nb_tensor_retain(place), dim);
    nb_tensor_release(ctx, place);
    if (value && call->more[0]) return value;
    nb_tensor_release(ctx, value);
    return NULL;
}

static nb_tensor *extreme_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *value = find_extreme(ctx, call);
    if (call->attr.length == 0) nb_call_drop(ctx, call);
    return value;
}

static void scatter_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const pick *how = arg;
    for (size_t i = 0; i < n; i++) {
        int64_t k = (int64_t)i;
        int32_t place = ((const int32_t *)at[1])[k * stride[1]] - 1;
        char *to = at[0] + (k * stride[0] + place * how->stride) * how->width;
        how->copy(1, at[2] + k * stride[2] * how->width, 1, to, 1, 1.0);
    }
}

/* y = x at its extreme: dx = δ there, 0 elsewhere */
static nb_status extreme_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    nb_tensor *x = record->in[0], *place = record->saved[0];
    bool all = record->attr.length == 0;
    int dim = all ? 0 : (int)record->attr.list[0];
    nb_walk walk;
    nb_tensor *out = nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    nb_tensor *to = out && all ? as_row(ctx, out) : out ? nb_tensor_retain(out) : NULL;
    nb_tensor *from = to ? nb_tensor_reshape(ctx, delta, place->dims, place->shape) : NULL;
    if (from) {
        nb_tensor first = *to;
        first.shape[dim] = 1;
        pick how = {nb_kernels_get()->convert[x->dtype][x->dtype], (ptrdiff_t)to->stride[dim],
                    (int64_t)nb_dtype_size(x->dtype)};
        nb_walk_make(&walk, place->dims, place->shape, 3,
                     (const nb_tensor *const[]){&first, place, from});
        nb_walk_each(&walk, scatter_loop, &how);
    }
    bool done = from != NULL;
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, to);
    if (!done) nb_tensor_release(ctx, out);
    grad[0] = done ? out : NULL;
    return done ? NB_OK : ctx->status;
}

static nb_tensor *place_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *value = find_extreme(ctx, call);
    nb_tensor *place = call->more[0];
    call->more[0] = NULL;
    nb_tensor_release(ctx, value);
    return value ? place : NULL;
}

extern const nb_op nb_def_sum;
const nb_op nb_def_sum = {
    .name = "sum",
    .signature = "L",
    .options = nb_keep_options,
    .usage = "x:sum(dims…, {keep})",
    .help = "The sum over the dimensions named, or over all.",
    .example = "tensor{{1, 2}, {3, 4}}:sum(1) → 4 6",
    .promote = 1,
    .forward = sum_forward,
    .backward = sum_backward,
    .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /1 /3, 0x3, 0x3 /1",
    .low = -2,
    .high = 2,
};

extern const nb_op nb_def_mean;
const nb_op nb_def_mean = {
    .name = "mean",
    .signature = "L",
    .options = nb_keep_options,
    .usage = "x:mean(dims…, {keep})",
    .help = "The mean over the dimensions named, or over all; NaN of nothing.",
    .example = "tensor{1, 2, 6}:mean() → 3",
    .promote = 1,
    .forward = mean_forward,
    .backward = mean_backward,
    .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /1 /3, 0x3 /2",
    .low = -2,
    .high = 2,
};

#define EXTREME(word, way, text, show)                                                             \
    extern const nb_op nb_def_##word;                                                              \
    const nb_op nb_def_##word = {.name = #word,                                                    \
                                 .signature = "D",                                                 \
                                 .options = nb_keep_options,                                       \
                                 .usage = "x:" #word "(dim, {keep})",                              \
                                 .help = text,                                                     \
                                 .example = show,                                                  \
                                 .kernel = way,                                                    \
                                 .promote = 1,                                                     \
                                 .results = 2,                                                     \
                                 .forward = extreme_forward,                                       \
                                 .backward = extreme_backward,                                     \
                                 .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /2, 0x3 /2",   \
                                 .low = -2,                                                        \
                                 .high = 2}

EXTREME(max, NB_B_maximum,
        "The largest element; along a dimension: the values and their places, counted from 1.",
        "tensor{{1, 9}, {7, 2}}:max(2) → 9 7");
EXTREME(min, NB_B_minimum,
        "The smallest element; along a dimension: the values and their places, counted from 1.",
        "tensor{{1, 9}, {7, 2}}:min(2) → 1 2");

#define PLACE(word, way, text, show)                                                               \
    extern const nb_op nb_def_##word;                                                              \
    const nb_op nb_def_##word = {.name = #word,                                                    \
                                 .signature = "D",                                                 \
                                 .options = nb_keep_options,                                       \
                                 .usage = "x:" #word "(dim, {keep})",                              \
                                 .help = text,                                                     \
                                 .example = show,                                                  \
                                 .kernel = way,                                                    \
                                 .promote = 1,                                                     \
                                 .plain = NB_PLAIN_INTEGER,                                        \
                                 .forward = place_forward,                                         \
                                 .samples = "-, 5, 2x3, 2x3 /1, 2x3 /2, 0x3 /2",                   \
                                 .low = -2,                                                        \
                                 .high = 2}

PLACE(argmax, NB_B_maximum,
      "The place of the largest element, counted from 1; the first of equals.",
      "tensor{1, 9, 7}:argmax() → 2");
PLACE(argmin, NB_B_minimum,
      "The place of the smallest element, counted from 1; the first of equals.",
      "tensor{4, 1, 7}:argmin() → 2");
