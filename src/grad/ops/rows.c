/* Ops on rows: softmax and log_softmax along a dimension (by default the last). */
#include "grad/pieces.h"
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

/* Rows under way, all contiguous: of `from`, with y beside them on the way back. */
typedef struct rows_job {
    nb_pieces pieces;
    const nb_real_kernels *real;
    size_t n, bytes; /* of a row */
    const char *from, *y;
    char *to;
    bool log;
    nb_stop *stop;
} rows_job;

static void rows_piece(void *arg, size_t piece)
{
    const rows_job *job = arg;
    const nb_pieces *p = &job->pieces;
    for (int64_t i = nb_piece_start(p, piece); i < nb_piece_end(p, piece); i++) {
        const char *from = job->from + (size_t)i * job->bytes;
        char *to = job->to + (size_t)i * job->bytes;
        if (nb_pieces_stopped(p)) return;
        if (job->y)
            job->real->softmax_slope(job->n, job->y + (size_t)i * job->bytes, from, to,
                                     job->stop);
        else if (job->log)
            job->real->log_softmax(job->n, from, to, job->stop);
        else
            job->real->softmax(job->n, from, to, job->stop);
    }
}

/* Row by row; y is NULL forward. */
static nb_status run_rows(nb_ctx *ctx, bool log, const nb_tensor *from, const nb_tensor *y,
                          nb_tensor *to)
{
    int64_t n = to->shape[to->dims - 1];
    rows_job job = {.pieces = nb_pieces_of(n ? nb_tensor_count(to) / n : 0, n),
                    .real = nb_real(to->dtype),
                    .n = (size_t)n,
                    .bytes = (size_t)n * nb_dtype_size(to->dtype),
                    .from = nb_tensor_data(from),
                    .y = y ? nb_tensor_data(y) : NULL,
                    .to = nb_tensor_data(to),
                    .log = log,
                    .stop = ctx->interrupt};
    return nb_pieces_run(ctx, &job.pieces, rows_piece, &job);
}

static nb_tensor *softmax_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    int dim = row_dim(x, &call->attr);
    nb_tensor *from = rows_of(ctx, x, dim);
    nb_tensor *to = from ? nb_tensor_new(ctx, x->dtype, from->dims, from->shape) : NULL;
    if (to) to = nb_tensor_settle(ctx, to, run_rows(ctx, call->op->kernel, from, NULL, to));
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
    const nb_tensor *y = record->saved[0];
    int dim = row_dim(y, &record->attr);
    nb_tensor *of_y = rows_of(ctx, y, dim), *to = NULL;
    nb_tensor *from = of_y ? rows_of(ctx, delta, dim) : NULL;
    if (from) to = nb_tensor_new(ctx, y->dtype, from->dims, from->shape);
    if (to) to = nb_tensor_settle(ctx, to, run_rows(ctx, false, from, of_y, to));
    nb_tensor_release(ctx, of_y);
    nb_tensor_release(ctx, from);
    grad[0] = rows_back(ctx, to, y, dim);
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
