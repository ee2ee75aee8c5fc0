/* Parts of matrices by their diagonals: trace, triu, tril. */
#include "grad/matrices.h"
#include "grad/support.h"

/* ---- trace ---------------------------------------------------------------------------------- */

/* A view of the diagonals, in the last dimension. */
static nb_tensor *diagonals(nb_ctx *ctx, const nb_tensor *a)
{
    int last = a->dims - 1;
    nb_tensor *view = nb_tensor_alias(ctx, a);
    if (!view) return NULL;
    view->dims = last;
    if (a->shape[last] < view->shape[last - 1]) view->shape[last - 1] = a->shape[last];
    view->stride[last - 1] += a->stride[last];
    return view;
}

static nb_tensor *trace_forward(nb_ctx *ctx, nb_call *call)
{
    if (nb_matrix_check(ctx, "trace", call->in[0], false) != NB_OK) return NULL;
    nb_tensor *view = diagonals(ctx, call->in[0]);
    nb_tensor *sum = view ? nb_sum_dims(ctx, view, 1u << (view->dims - 1)) : NULL;
    nb_tensor *out = sum ? nb_tensor_reshape(ctx, sum, sum->dims - 1, sum->shape) : NULL;
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, sum);
    return out;
}

/* y = Σ aᵢᵢ: da = δ on the diagonal */
static nb_status trace_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *a = record->in[0];
    nb_tensor *whole = nb_tensor_zeros(ctx, a->dtype, a->dims, a->shape);
    nb_tensor *view = whole ? diagonals(ctx, whole) : NULL, *column = NULL;
    if (view) {
        int64_t shape[NB_MAX_DIMS];
        for (int i = 0; i < delta->dims; i++) shape[i] = delta->shape[i];
        shape[delta->dims] = 1;
        column = nb_tensor_reshape(ctx, delta, delta->dims + 1, shape);
    }
    bool done = column && nb_tensor_copy(ctx, view, column) == NB_OK;
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, column);
    if (!done) nb_tensor_release(ctx, whole);
    grad[0] = done ? whole : NULL;
    return done ? NB_OK : ctx->status;
}

NB_DEFINE_OP(trace) = {
    .name = "trace",
    .signature = "",
    .usage = "a:trace()",
    .help = "The sum of a matrix's diagonal, or of each of a batch.",
    .example = "tensor{{1, 2}, {3, 4}}:trace() → 5",
    .promote = 1,
    .adds_up = true,
    .forward = trace_forward,
    .backward = trace_backward,
    .errors = "3: trace",
    .samples = "2x2, 2x3, 3x2t, 2x2x3, 1x1, 0x3, 0x2x2, 2x0x3",
    .low = -2,
    .high = 2,
};

/* ---- triu and tril -------------------------------------------------------------------------- */

/* t with 0 beyond diagonal `count`: above it for tril, below it for triu. */
static nb_tensor *part_of(nb_ctx *ctx, const nb_op *op, int64_t count, const nb_tensor *t)
{
    nb_tensor *part = nb_tensor_clone(ctx, t);
    if (!part) return NULL;
    bool above = op == nb_ops[NB_OP_tril];
    return nb_tensor_settle(ctx, part, nb_matrix_clear_polled(ctx, part, above, count));
}

static nb_tensor *part_forward(nb_ctx *ctx, nb_call *call)
{
    if (nb_matrix_check(ctx, call->op->name, call->in[0], false) != NB_OK) return NULL;
    return part_of(ctx, call->op, call->attr.diagonal, call->in[0]);
}

/* The same part of δ. */
static nb_status part_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    grad[0] = part_of(ctx, record->op, record->attr.diagonal, delta);
    return grad[0] ? NB_OK : ctx->status;
}

#define PART(word, text, show)                                                                     \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "b",                                                        \
                          .usage = "x:" #word "(k)",                                               \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .in_place = true,                                                        \
                          .forward = part_forward,                                                 \
                          .backward = part_backward,                                               \
                          .errors = "3: tri",                                                      \
                          .samples = "3x3, 2x4 /1, 2x4 /-1, 4x3t /-1, 3x2 /-2, 2x2x3 /1, 2x2 /9, " \
                                     "2x2 /-9, 0x3, 2x0",                                          \
                          .low = -2,                                                               \
                          .high = 2}

PART(triu,
     "The upper triangle: 0 below diagonal k, the main one where none is named; a positive k is "
     "above it.",
     "tensor.ones(2, 2):triu() → 1 1 / 0 1");
PART(tril,
     "The lower triangle: 0 above diagonal k, the main one where none is named; a positive k is "
     "above it.",
     "tensor.ones(2, 2):tril() → 1 0 / 1 1");
