/* Ops on rows: softmax, log_softmax and logsumexp along a dimension (by default the last). */
#include "grad/support.h"

#include "tensor/shape.h"

#include <string.h>

/* The dimension that a call names, or the last. */
static int row_dim(const nb_tensor *x, const nb_attr *attr)
{
    return attr->length ? (int)attr->list[0] : x->dims - 1;
}

/* x with dimension `dim` swapped to the end; its own inverse. */
static nb_tensor *swap_last(nb_ctx *ctx, const nb_tensor *x, int dim)
{
    int order[NB_MAX_DIMS];
    for (int i = 0; i < x->dims; i++) order[i] = i;
    order[dim] = x->dims - 1;
    order[x->dims - 1] = dim;
    return nb_tensor_permute(ctx, x, order);
}

/* The same as a contiguous matrix whose rows are what an op works on; a number is a row of one. */
static nb_tensor *rows_of(nb_ctx *ctx, const nb_tensor *x, int dim)
{
    nb_tensor *last =
        x->dims ? swap_last(ctx, x, dim) : nb_tensor_reshape(ctx, x, 1, (const int64_t[]){1});
    nb_tensor *rows = last ? nb_tensor_contiguous(ctx, last) : NULL;
    nb_tensor_release(ctx, last);
    return rows;
}

/* Rows back in the order and shape that `like` has. */
static nb_tensor *rows_back(nb_ctx *ctx, nb_tensor *rows, const nb_tensor *like, int dim)
{
    if (!rows) return NULL;
    nb_tensor *out = like->dims ? swap_last(ctx, rows, dim) : nb_tensor_reshape(ctx, rows, 0, NULL);
    nb_tensor_release(ctx, rows);
    return out;
}

static nb_tensor *softmax_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    const nb_real_kernels *real = nb_real(x->dtype);
    bool log = call->op->kernel;
    int dim = row_dim(x, &call->attr);
    nb_tensor *from = rows_of(ctx, x, dim);
    nb_tensor *to = from ? nb_tensor_new(ctx, x->dtype, from->dims, from->shape) : NULL;
    if (to && nb_tensor_count(to)) {
        size_t n = (size_t)to->shape[to->dims - 1], count = (size_t)nb_tensor_count(to);
        size_t width = nb_dtype_size(x->dtype);
        char *source = nb_tensor_data(from), *target = nb_tensor_data(to);
        for (size_t i = 0; i < count; i += n) {
            if (log)
                real->log_softmax(n, source + i * width, target + i * width);
            else
                real->softmax(n, source + i * width, target + i * width);
        }
    }
    nb_tensor_release(ctx, from);
    nb_tensor *y = rows_back(ctx, to, x, dim);
    if (y && call->recording && !(call->saved[0] = nb_tensor_alias(ctx, y))) {
        nb_tensor_release(ctx, y);
        return NULL;
    }
    return y;
}

/* sum(x, y), where x is a passing reference; the dimension stays. */
static nb_tensor *row_sum(nb_ctx *ctx, nb_tensor *x, int dim)
{
    nb_tensor *sum = x ? nb_sum_dims(ctx, x, x->dims ? 1u << dim : 0, 1) : NULL;
    nb_tensor_release(ctx, x);
    return sum;
}

/* y = softmax(x): dx = y ⊙ (δ - Σ δ ⊙ y) */
static nb_status softmax_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    nb_tensor *y = record->saved[0];
    nb_tensor *sum = row_sum(ctx, nb_op2(ctx, NB_OP_mul, delta, y), row_dim(y, &record->attr));
    nb_tensor *rest = sum ? nb_op2(ctx, NB_OP_sub, delta, sum) : NULL;
    grad[0] = nb_then2(ctx, NB_OP_mul, rest, y);
    nb_tensor_release(ctx, sum);
    return grad[0] ? NB_OK : ctx->status;
}

/* y = x - log Σ e^x: dx = δ - e^y Σ δ */
static nb_status log_softmax_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                      nb_tensor **grad)
{
    nb_tensor *y = record->saved[0];
    nb_tensor *sum = row_sum(ctx, nb_tensor_retain(delta), row_dim(y, &record->attr));
    nb_tensor *part = sum ? nb_then2(ctx, NB_OP_mul, nb_op1(ctx, NB_OP_exp, y), sum) : NULL;
    nb_call rest = {.op = nb_ops[NB_OP_sub], .in = {delta, part}, .inputs = 2, .ends = 1 << 1};
    grad[0] = part ? nb_op_call(ctx, &rest) : NULL;
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, part);
    return grad[0] ? NB_OK : ctx->status;
}

/* log Σ e^x of each row, and softmax of it on the way; all contiguous. */
static void sum_exponentials(const nb_tensor *rows, nb_tensor *soft, nb_tensor *out)
{
    size_t n = (size_t)rows->shape[rows->dims - 1], width = nb_dtype_size(rows->dtype);
    nb_convert_fn *store = nb_kernels_get()->convert[NB_F64][rows->dtype];
    const char *from = nb_tensor_data(rows);
    char *to = nb_tensor_data(soft), *sums = nb_tensor_data(out);
    for (size_t i = 0, count = (size_t)nb_tensor_count(out); i < count; i++) {
        double sum = nb_real(rows->dtype)->softmax(n, from + i * n * width, to + i * n * width);
        store(1, &sum, 1, sums + i * width, 1, 1.0);
    }
}

/* Without dimension `dim`, which has size 1; the reference to x is taken. */
static nb_tensor *drop(nb_ctx *ctx, nb_tensor *x, int dim)
{
    int64_t shape[NB_MAX_DIMS];
    for (int i = 0, to = 0; i < x->dims; i++)
        if (i != dim) shape[to++] = x->shape[i];
    nb_tensor *out = nb_tensor_reshape(ctx, x, x->dims - 1, shape);
    nb_tensor_release(ctx, x);
    return out;
}

/* One number a row: log Σ e^x. saved: softmax(x). */
static nb_tensor *logsumexp_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    int dim = row_dim(x, &call->attr);
    int64_t shape[NB_MAX_DIMS] = {0};
    if (x->dims && x->shape[dim] == 0)
        return nb_fail_null(ctx, NB_ESHAPE, "logsumexp of no elements");
    nb_tensor *rows = rows_of(ctx, x, dim);
    if (!rows) return NULL;
    memcpy(shape, rows->shape, sizeof shape);
    shape[rows->dims - 1] = 1;
    nb_tensor *soft = nb_tensor_new(ctx, x->dtype, rows->dims, rows->shape);
    nb_tensor *out = soft ? nb_tensor_new(ctx, x->dtype, rows->dims, shape) : NULL;
    if (out) sum_exponentials(rows, soft, out);
    nb_tensor_release(ctx, rows);
    soft = rows_back(ctx, soft, x, dim);
    if (!soft) {
        nb_tensor_release(ctx, out);
        return NULL;
    }
    if (call->recording)
        call->saved[0] = soft;
    else
        nb_tensor_release(ctx, soft);
    out = rows_back(ctx, out, x, dim);
    return !out || call->attr.keep || !x->dims ? out : drop(ctx, out, dim);
}

/* y = log Σ e^x: dx = δ softmax(x) */
static nb_status logsumexp_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                    nb_tensor **grad)
{
    nb_tensor *soft = record->saved[0];
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, soft->shape, sizeof shape);
    if (soft->dims) shape[row_dim(soft, &record->attr)] = 1;
    nb_tensor *kept = nb_tensor_reshape(ctx, delta, soft->dims, shape);
    grad[0] = kept ? nb_op2(ctx, NB_OP_mul, soft, kept) : NULL;
    nb_tensor_release(ctx, kept);
    return grad[0] ? NB_OK : ctx->status;
}

#define ROWS(word, log, fore, back, more, text, show)                                              \
    extern const nb_op nb_def_##word;                                                              \
    const nb_op nb_def_##word = {.name = #word,                                                    \
                                 .signature = "D",                                                 \
                                 .options = more,                                                  \
                                 .usage = "x:" #word "(dim)",                                      \
                                 .help = text,                                                     \
                                 .example = show,                                                  \
                                 .kernel = log,                                                    \
                                 .promote = 1,                                                     \
                                 .forward = fore,                                                  \
                                 .backward = back,                                                 \
                                 .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3x2 /2, 0x3",              \
                                 .low = -2,                                                        \
                                 .high = 2}

ROWS(softmax, 0, softmax_forward, softmax_backward, NULL,
     "e^x divided by its sum along a dimension, by default the last.",
     "tensor{0, 0}:softmax() → 0.5 0.5");
ROWS(log_softmax, 1, softmax_forward, log_softmax_backward, NULL,
     "The logarithm of softmax, stably, along a dimension, by default the last.",
     "tensor{0, 0}:log_softmax() → -0.6931 -0.6931");
ROWS(logsumexp, 0, logsumexp_forward, logsumexp_backward, nb_keep_options,
     "log Σ e^x, stably, along a dimension, by default the last.",
     "tensor{0, 0}:logsumexp() → 0.6931");
