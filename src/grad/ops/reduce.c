/* Sums, means and products over one dimension, several or all; in f64 inside. */
#include "grad/support.h"

#include "base/arith.h"

#include <math.h>
#include <string.h>

static nb_tensor *reduced(nb_ctx *ctx, nb_call *call, nb_reduce_fn *fill)
{
    return nb_reduce(ctx, call, nb_dtype_adding(call->in[0]->dtype), false, fill);
}

static nb_tensor *fold_forward(nb_ctx *ctx, nb_call *call)
{
    return reduced(ctx, call, nb_reduce_fold);
}

/* A δ of the reduced shape seen with the input's shape again. */
static nb_tensor *spread(nb_ctx *ctx, const nb_record *record, const nb_tensor *delta)
{
    const nb_tensor *x = record->in[0];
    nb_tensor *kept = nb_keep_dims(ctx, record, delta);
    nb_tensor *out = kept ? nb_tensor_expand(ctx, kept, x->dims, x->shape) : NULL;
    nb_tensor_release(ctx, kept);
    return out;
}

/* y = Σ x: dx = δ, spread */
static nb_status sum_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    grad[0] = spread(ctx, record, delta);
    return grad[0] ? NB_OK : ctx->status;
}

static nb_status find_mean(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    nb_status status = nb_reduce_fold(ctx, call, plan, acc);
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++)
        acc[i] /= (double)plan->reduced;
    return status;
}

static nb_tensor *mean_forward(nb_ctx *ctx, nb_call *call)
{
    return reduced(ctx, call, find_mean);
}

/* y = Σ x / n: dx = δ / n, spread */
static nb_status mean_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *x = record->in[0];
    unsigned dims = nb_named_dims(&record->attr.dims, x);
    double n = 1;
    for (int i = 0; i < x->dims; i++)
        if (dims >> i & 1) n *= (double)x->shape[i];
    nb_tensor *share = nb_op_number(ctx, NB_OP_div, delta, n);
    grad[0] = share ? spread(ctx, record, share) : NULL;
    nb_tensor_release(ctx, share);
    return grad[0] ? NB_OK : ctx->status;
}

/* ---- prod ----------------------------------------------------------------------------------- */

/* The order of dimensions in which those that are reduced come last. */
static void order_last(const nb_tensor *x, unsigned dims, int *order)
{
    int to = 0;
    for (int goes = 0; goes < 2; goes++)
        for (int i = 0; i < x->dims; i++)
            if ((int)(dims >> i & 1) == goes) order[to++] = i;
}

/* A tensor of x's shape whose elements lie in that order, seen as x is. */
static nb_tensor *new_last(nb_ctx *ctx, const nb_tensor *x, const int *order)
{
    int64_t shape[NB_MAX_DIMS];
    int back[NB_MAX_DIMS];
    for (int i = 0; i < x->dims; i++) {
        shape[i] = x->shape[order[i]];
        back[order[i]] = i;
    }
    nb_tensor *lying = nb_tensor_new(ctx, x->dtype, x->dims, shape);
    nb_tensor *out = lying ? nb_tensor_permute(ctx, lying, back) : NULL;
    nb_tensor_release(ctx, lying);
    return out;
}

enum { ROUND = 1 << 16 }; /* factors between two looks at `stop` */

/* Products of which each factor is one: n of them, contiguous, `width` bytes each. */
typedef struct factors {
    nb_dtype dtype;
    size_t n, width;
    const volatile sig_atomic_t *stop; /* or NULL */
    double *room;                      /* n numbers, and behind them n zeros of the dtype */
} factors;

/* How many factors the next round has behind `done`; 0: none, or Ctrl-C was pressed. */
static size_t next_round(const factors *f, size_t done)
{
    if (f->stop && *f->stop) return 0;
    return nb_least_size(ROUND, f->n - done);
}

/* dx[i] = δ Π over j ≠ i of x[j]. Where the product of all has its digits (a zero among them, or
 * one that is out of range, takes them) that is a quotient; else the slope of a running product
 * whose last element alone has a δ. */
static void product_slope(const factors *f, const char *x, const char *delta, char *dx)
{
    const double least = 1e-300, most = 1e300;
    const nb_real_kernels *real = nb_real(f->dtype);
    nb_fold_row_fn *fold = nb_kernels_get()->folds[f->dtype]->row[NB_FOLD_product];
    double product = nb_fold_rules[NB_FOLD_product].start;
    for (size_t at = 0, m; (m = next_round(f, at)) > 0; at += m)
        fold(m, x + at * f->width, 1, 0, &product);
    if (fabs(product) >= least && fabs(product) <= most) {
        for (size_t at = 0, m; (m = next_round(f, at)) > 0; at += m)
            real->product_shares(m, product, x + at * f->width, delta, dx + at * f->width);
        return;
    }
    char *last = (char *)(f->room + f->n);
    memcpy(last + (f->n - 1) * f->width, delta, f->width);
    real->running_product_slope(f->n, x, 1, last, 1, dx, 1, f->room, f->stop);
}

static nb_status product_slopes(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *delta,
                                nb_tensor *dx)
{
    size_t width = nb_dtype_size(x->dtype), count = (size_t)nb_tensor_count(delta);
    size_t n = count ? (size_t)nb_tensor_count(x) / count : 0, bytes = n * (sizeof(double) + width);
    factors f = {x->dtype, n, width, ctx->interrupt, nb_alloc(ctx, bytes)};
    if (!f.room) return ctx->status;
    const char *from = nb_tensor_data(x), *d = nb_tensor_data(delta);
    char *to = nb_tensor_data(dx);
    if (n) nb_real(x->dtype)->fill(n, f.room + n, 1, 0);
    nb_status status = NB_OK;
    for (size_t i = 0; n && i < count && status == NB_OK; i++) {
        product_slope(&f, from + i * n * width, d + i * width, to + i * n * width);
        if (i % 1024 == 0) status = nb_poll(ctx);
    }
    if (status == NB_OK) status = nb_poll(ctx);
    nb_free(ctx, f.room, bytes);
    return status;
}

/* Many products of a few factors, `step` elements apart, the first of each `line` apart. */
typedef struct few {
    size_t n;
    ptrdiff_t step, line;
} few;

enum { FEW = 16 };

/* dx[i] = δ times what stands before i times what stands behind it. */
#define SLOPES_OF_FEW(T)                                                                           \
    static void slopes_of_few_##T(const few *f, size_t count, const T *x, const T *delta, T *dx)   \
    {                                                                                              \
        for (size_t i = 0; i < count; i++, x += f->line, dx += f->line) {                          \
            double before[FEW], product = 1, behind = (double)delta[i];                            \
            for (size_t k = 0; k < f->n; k++) {                                                    \
                before[k] = product;                                                               \
                product *= (double)x[(ptrdiff_t)k * f->step];                                      \
            }                                                                                      \
            for (size_t k = f->n; k-- > 0;) {                                                      \
                dx[(ptrdiff_t)k * f->step] = (T)(before[k] * behind);                              \
                behind *= (double)x[(ptrdiff_t)k * f->step];                                       \
            }                                                                                      \
        }                                                                                          \
    }

SLOPES_OF_FEW(float)
SLOPES_OF_FEW(double)

/* `count` products, a round at a time, from elements at[0] of x and dx and at[1] of δ on. */
static nb_status few_slopes(nb_ctx *ctx, const few *f, int64_t count, const nb_tensor *x,
                            const nb_tensor *delta, nb_tensor *dx, const int64_t at[2])
{
    for (int64_t i = 0; i < count; i += ROUND) {
        size_t m = (size_t)(count - i < ROUND ? count - i : ROUND);
        int64_t here = at[0] + i * f->line, given = at[1] + i;
        if (nb_poll(ctx) != NB_OK) return ctx->status;
        if (x->dtype == NB_F32)
            slopes_of_few_float(f, m, (const float *)nb_tensor_data(x) + here,
                                (const float *)nb_tensor_data(delta) + given,
                                (float *)nb_tensor_data(dx) + here);
        else
            slopes_of_few_double(f, m, (const double *)nb_tensor_data(x) + here,
                                 (const double *)nb_tensor_data(delta) + given,
                                 (double *)nb_tensor_data(dx) + here);
    }
    return NB_OK;
}

/* Along dimension `dim` of a contiguous x, of at most FEW entries, where it lies. */
static nb_tensor *slopes_where_they_lie(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *delta,
                                        int dim)
{
    int64_t outer = 1, inner = 1, n = x->shape[dim];
    for (int i = 0; i < dim; i++) outer *= x->shape[i];
    for (int i = dim + 1; i < x->dims; i++) inner *= x->shape[i];
    few f = {(size_t)n, (ptrdiff_t)inner, inner > 1 ? 1 : (ptrdiff_t)n};
    nb_tensor *dx = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    nb_status status = dx ? NB_OK : ctx->status;
    int64_t parts = inner > 1 ? outer : 1, count = inner > 1 ? inner : outer;
    for (int64_t o = 0; o < parts && status == NB_OK; o++)
        status = few_slopes(ctx, &f, count, x, delta, dx, (int64_t[]){o * n * inner, o * inner});
    return nb_tensor_settle(ctx, dx, status);
}

/* The one dimension of a few factors that is reduced, of an x that lies in one piece; -1: another
 * case. */
static int few_along(const nb_tensor *x, unsigned dims)
{
    if (!nb_tensor_is_contiguous(x)) return -1;
    for (int d = 0; d < x->dims; d++)
        if (dims == 1u << d && x->shape[d] <= FEW) return d;
    return -1;
}

static nb_tensor *few_backward(nb_ctx *ctx, const nb_tensor *x, nb_tensor *delta, int dim)
{
    nb_tensor *flat = nb_tensor_contiguous(ctx, delta);
    nb_tensor *dx = flat ? slopes_where_they_lie(ctx, x, flat, dim) : NULL;
    nb_tensor_release(ctx, flat);
    return dx;
}

/* y = Π x: dx = δ Π of the others, right with any number of zeros */
static nb_status prod_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *x = record->in[0];
    int order[NB_MAX_DIMS], dim = few_along(x, nb_named_dims(&record->attr.dims, x));
    if (dim >= 0) {
        grad[0] = few_backward(ctx, x, delta, dim);
        return grad[0] ? NB_OK : ctx->status;
    }
    order_last(x, nb_named_dims(&record->attr.dims, x), order);
    nb_tensor *turned = nb_tensor_permute(ctx, x, order);
    nb_tensor *lying = turned ? nb_tensor_contiguous(ctx, turned) : NULL;
    nb_tensor *flat = lying ? nb_tensor_contiguous(ctx, delta) : NULL;
    nb_tensor *dx = flat ? new_last(ctx, x, order) : NULL;
    nb_status status = dx ? product_slopes(ctx, lying, flat, dx) : ctx->status;
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, lying);
    nb_tensor_release(ctx, flat);
    grad[0] = nb_tensor_settle(ctx, dx, status);
    return status;
}

#define REDUCE(word, how, fore, back, read, nothing, text, show)                                   \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "L",                                                        \
                          .options = nb_keep_options,                                              \
                          .usage = "x:" #word "(dims…, {keep})",                                   \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = how,                                                           \
                          .reads = read,                                                           \
                          .forward = fore,                                                         \
                          .backward = back,                                                        \
                          .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /1 /3, "              \
                                     "2x3x2 /2, 2x3x2 /1, 9x3t /2, 0x3 /2" nothing,                \
                          .low = -2,                                                               \
                          .high = 2}

REDUCE(sum, NB_FOLD_sum, fold_forward, sum_backward, 0, ", 0x3, 0x3 /1",
       "The sum over the dimensions named, or over all; 0 of nothing.",
       "tensor{{1, 2}, {3, 4}}:sum(1) → 4 6");
REDUCE(mean, NB_FOLD_sum, mean_forward, mean_backward, 0, "",
       "The mean over the dimensions named, or over all; NaN of nothing.",
       "tensor{1, 2, 6}:mean() → 3");
REDUCE(prod, NB_FOLD_product, fold_forward, prod_backward, 1, ", 0x3, 0x3 /1",
       "The product over the dimensions named, or over all; 1 of nothing.",
       "tensor{{1, 2}, {3, 4}}:prod(2) → 2 12");
