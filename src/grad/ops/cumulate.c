/* Running sums and products along a dimension, by default the last; in f64 inside. */
#include "grad/lines.h"
#include "grad/support.h"

/* Lines of `length` elements with steps along them; `reverse` runs from their ends. */
typedef struct running {
    const nb_real_kernels *real;
    nb_scan_fn *scan;
    nb_stop *stop;
    size_t length;
    int64_t width;
    ptrdiff_t to, from, given; /* steps of the output, the input and δ */
    nb_rooms rooms;
} running;

/* at: y, x. Lines that lie side by side run together. */
static void scan_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const running *how = arg;
    bool beside = how->from < 0 ? -how->from > 1 : how->from > 1;
    if (beside) {
        how->scan(how->length, n, at[1], how->from, (ptrdiff_t)stride[1], at[0], how->to,
                  (ptrdiff_t)stride[0], how->stop);
        return;
    }
    for (int64_t i = 0; i < (int64_t)n; i++)
        how->scan(how->length, 1, at[1] + i * stride[1] * how->width, how->from, 1,
                  at[0] + i * stride[0] * how->width, how->to, 1, how->stop);
}

/* The lines of x from their last elements to their first. */
static nb_tensor *turned(nb_ctx *ctx, const nb_tensor *x, int dim)
{
    int64_t n = nb_line_length(x, dim);
    if (dim < 0 || n == 0) return nb_tensor_alias(ctx, x);
    return nb_tensor_narrow(ctx, x, dim, n - 1, n, -1);
}

/* out, shaped as x, is filled with the running values of x. */
static nb_status scan_lines(nb_ctx *ctx, const nb_tensor *x, int dim, bool product, nb_tensor *out)
{
    const nb_real_kernels *real = nb_real(x->dtype);
    running how = {.real = real,
                   .scan = product ? real->running_product : real->running_sum,
                   .stop = ctx->interrupt,
                   .length = (size_t)nb_line_length(x, dim),
                   .width = (int64_t)nb_dtype_size(x->dtype),
                   .to = nb_line_step(out, dim),
                   .from = nb_line_step(x, dim)};
    if (how.length == 0) return NB_OK;
    nb_status status = nb_lines_run(ctx, dim, 2, (const nb_tensor *const[]){out, x},
                                    (int64_t)how.length, scan_loop, &how);
    return status == NB_OK ? nb_poll(ctx) : status;
}

static nb_tensor *running_forward(nb_ctx *ctx, nb_call *call)
{
    const nb_tensor *x = call->in[0];
    int dim = nb_line_dim(&call->attr.dims, x, x->dims - 1);
    nb_tensor *out = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    if (!out) return NULL;
    return nb_tensor_settle(ctx, out, scan_lines(ctx, x, dim, call->op->kernel, out));
}

/* y[k] = Σ over i <= k of x[i]: dx[i] = Σ over k >= i of δ[k], a running sum from the end */
static nb_status cumsum_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    int dim = nb_line_dim(&record->attr.dims, x, x->dims - 1);
    nb_tensor *out = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    nb_tensor *to = out ? turned(ctx, out, dim) : NULL;
    nb_tensor *from = to ? turned(ctx, delta, dim) : NULL;
    nb_status status = from ? scan_lines(ctx, from, dim, false, to) : ctx->status;
    nb_tensor_release(ctx, to);
    nb_tensor_release(ctx, from);
    grad[0] = nb_tensor_settle(ctx, out, status);
    return status;
}

/* at: dx, x, δ */
static void slope_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    running *how = arg;
    double *room = nb_rooms_take(&how->rooms);
    for (int64_t i = 0; i < (int64_t)n; i++)
        how->real->running_product_slope(how->length, at[1] + i * stride[1] * how->width, how->from,
                                         at[2] + i * stride[2] * how->width, how->given,
                                         at[0] + i * stride[0] * how->width, how->to, room,
                                         how->stop);
    nb_rooms_give(&how->rooms, room);
}

/* y[k] = Π over i <= k of x[i]: dx[i] = Σ over k >= i of δ[k] Π over j <= k, j ≠ i, of x[j] */
static nb_status cumprod_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    int dim = nb_line_dim(&record->attr.dims, x, x->dims - 1);
    size_t n = (size_t)nb_line_length(x, dim);
    nb_tensor *out = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    if (!out) return ctx->status;
    running how = {.real = nb_real(x->dtype),
                   .stop = ctx->interrupt,
                   .length = n,
                   .width = (int64_t)nb_dtype_size(x->dtype),
                   .to = nb_line_step(out, dim),
                   .from = nb_line_step(x, dim),
                   .given = nb_line_step(delta, dim)};
    nb_status status =
        nb_rooms_make(ctx, &how.rooms, n * sizeof(double), n ? nb_tensor_count(x) / (int64_t)n : 0);
    if (status == NB_OK) {
        if (n)
            status = nb_lines_run(ctx, dim, 3, (const nb_tensor *const[]){out, x, delta},
                                  (int64_t)n, slope_loop, &how);
        nb_rooms_free(ctx, &how.rooms);
    }
    if (status == NB_OK) status = nb_poll(ctx);
    grad[0] = nb_tensor_settle(ctx, out, status);
    return status;
}

#define RUNNING(word, product, back, read, text, show)                                             \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "D",                                                        \
                          .usage = "x:" #word "(dim)",                                             \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = product,                                                       \
                          .promote = 1,                                                            \
                          .adds_up = true,                                                         \
                          .reads = read,                                                           \
                          .forward = running_forward,                                              \
                          .backward = back,                                                        \
                          .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3x2 /2, 0x3, 0x3 /1",             \
                          .low = -2,                                                               \
                          .high = 2}

RUNNING(cumsum, 0, cumsum_backward, 0, "The running sums along a dimension, by default the last.",
        "tensor{1, 2, 3}:cumsum() → 1 3 6");
RUNNING(cumprod, 1, cumprod_backward, 1,
        "The running products along a dimension, by default the last.",
        "tensor{1, 2, 3}:cumprod() → 1 2 6");
