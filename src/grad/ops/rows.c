/* Ops on rows: softmax and log_softmax along a dimension (by default the last). */
#include "grad/support.h"

/* The dimension that a call names, or the last. */
static int row_dim(const nb_tensor *x, const nb_attr *attr)
{
    return attr->dims.count ? attr->dims.at[0] : x->dims - 1;
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

/* Row by row, both contiguous. */
static nb_status run_rows(nb_ctx *ctx, bool log, const nb_tensor *from, nb_tensor *to)
{
    const nb_real_kernels *real = nb_real(to->dtype);
    size_t n = (size_t)to->shape[to->dims - 1], count = (size_t)nb_tensor_count(to);
    size_t width = nb_dtype_size(to->dtype);
    const char *source = nb_tensor_data(from);
    char *target = nb_tensor_data(to);
    for (size_t i = 0; i < count; i += n) {
        if (nb_interrupted(ctx)) return nb_poll(ctx);
        if (log)
            real->log_softmax(n, source + i * width, target + i * width, ctx->interrupt);
        else
            real->softmax(n, source + i * width, target + i * width, ctx->interrupt);
    }
    return nb_poll(ctx);
}

static nb_tensor *softmax_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    int dim = row_dim(x, &call->attr);
    nb_tensor *from = rows_of(ctx, x, dim);
    nb_tensor *to = from ? nb_tensor_new(ctx, x->dtype, from->dims, from->shape) : NULL;
    if (to) to = nb_tensor_settle(ctx, to, run_rows(ctx, call->op->kernel, from, to));
    nb_tensor_release(ctx, from);
    return nb_save_output(ctx, call, rows_back(ctx, to, x, dim));
}

/* sum(x, y), where x is a passing reference; the dimension stays. */
static nb_tensor *row_sum(nb_ctx *ctx, nb_tensor *x, int dim)
{
    nb_tensor *sum = x ? nb_sum_dims(ctx, x, x->dims ? 1u << dim : 0) : NULL;
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

#define ROWS(word, log, back, text, show)                                                          \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "D",                                                        \
                          .usage = "x:" #word "(dim)",                                             \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = log,                                                           \
                          .promote = 1,                                                            \
                          .forward = softmax_forward,                                              \
                          .backward = back,                                                        \
                          .samples = "-, 5, 2x3, 3x2t, 2x3 /1, 2x3x2 /2, 0x3",                     \
                          .low = -2,                                                               \
                          .high = 2}

ROWS(softmax, 0, softmax_backward, "e^x divided by its sum along a dimension, by default the last.",
     "tensor{0, 0}:softmax() → 0.5 0.5");
ROWS(log_softmax, 1, log_softmax_backward,
     "The logarithm of softmax, stably, along a dimension, by default the last.",
     "tensor{0, 0}:log_softmax() → -0.6931 -0.6931");
