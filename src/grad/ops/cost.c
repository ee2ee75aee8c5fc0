/* Costs as ops of one pass: C = 1/n Σ over examples, n the first dimension's size.
 * y takes no gradient. */
#include "grad/support.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"

/* Both inputs contiguous, of one shape. */
static nb_status both(nb_ctx *ctx, const nb_call *call, nb_tensor **a, nb_tensor **y)
{
    *a = *y = NULL;
    if (!nb_tensor_same_shape(call->in[0], call->in[1]))
        return nb_misfit(ctx, "outputs and targets", call->in[0], call->in[1]);
    *a = nb_tensor_contiguous(ctx, call->in[0]);
    *y = *a ? nb_tensor_contiguous(ctx, call->in[1]) : NULL;
    if (*y) return NB_OK;
    nb_tensor_release(ctx, *a);
    return ctx->status;
}

static double examples(const nb_tensor *t)
{
    return t->dims ? (double)t->shape[0] : 1.0;
}

static nb_tensor *finish(nb_ctx *ctx, nb_tensor *a, nb_tensor *y, double sum)
{
    nb_tensor *out = nb_tensor_scalar(ctx, a->dtype, sum / examples(a));
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, y);
    return out;
}

/* C = 1/2n Σ ‖y - a‖² */
static nb_tensor *half_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *a, *y;
    if (both(ctx, call, &a, &y) != NB_OK) return NULL;
    double sum = nb_real(a->dtype)->squared_distance((size_t)nb_tensor_count(a), nb_tensor_data(a),
                                                     nb_tensor_data(y));
    return finish(ctx, a, y, sum / 2);
}

/* factor (p - y), contiguous, as the gradient of an input; the reference to p is taken. */
static nb_status difference(nb_ctx *ctx, nb_tensor *p, const nb_record *record, double factor,
                            nb_tensor **grad)
{
    if (!p) return ctx->status;
    nb_tensor *y = nb_tensor_contiguous(ctx, record->in[1]);
    nb_tensor *out = NULL;
    if (y)
        out = nb_tensor_is_alone(p) ? nb_tensor_retain(p)
                                    : nb_tensor_new(ctx, p->dtype, p->dims, p->shape);
    if (out) {
        const nb_real_kernels *real = nb_real(p->dtype);
        size_t n = (size_t)nb_tensor_count(p);
        real->binary[NB_B_sub](n, nb_tensor_data(p), 1, nb_tensor_data(y), 1, nb_tensor_data(out),
                               1);
        real->unary[NB_U_scale](n, nb_tensor_data(out), 1, nb_tensor_data(out), 1, factor, 0);
    }
    nb_tensor_release(ctx, p);
    nb_tensor_release(ctx, y);
    grad[0] = out;
    return out ? NB_OK : ctx->status;
}

static double factor_of(const nb_record *record, const nb_tensor *delta)
{
    return nb_tensor_item(delta) / examples(record->in[0]);
}

/* dC/da = (a - y) / n */
static nb_status half_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    if (!record->needs[0]) return NB_OK;
    return difference(ctx, nb_tensor_contiguous(ctx, record->in[0]), record,
                      factor_of(record, delta), grad);
}

NB_DEFINE_OP(half_squared_distance) = {
    .name = "half_squared_distance",
    .help = "The book's quadratic cost, 1/2n Σ ‖y - a‖².",
    .hidden = true,
    .promote = 3,
    .reads = 3,
    .forward = half_forward,
    .backward = half_backward,
    .errors = "2x3 2x4: 2x3 and 2x4 do not fit; 2x3 3: 2x3 and 3 do not fit; "
              "2x3 3x2: 2x3 and 3x2 do not fit",
    .samples = "- -, 2x3 2x3, 3x2t 3x2, 3x1 3x1, 2x0 2x0",
    .low = -2,
    .high = 2,
};

/* C = 1/n Σ (softplus(z) - y z), the cross-entropy of sigmoid(z) summed over outputs. */
static nb_tensor *sigmoid_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *z, *y;
    if (both(ctx, call, &z, &y) != NB_OK) return NULL;
    double sum = nb_real(z->dtype)->sigmoid_cross_entropy((size_t)nb_tensor_count(z),
                                                          nb_tensor_data(z), nb_tensor_data(y));
    return finish(ctx, z, y, sum);
}

/* BP1 in one step: dC/dz = (sigmoid(z) - y) / n */
static nb_status sigmoid_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    if (!record->needs[0]) return NB_OK;
    nb_tensor *z = nb_tensor_contiguous(ctx, record->in[0]);
    nb_tensor *a = nb_then1(ctx, NB_OP_sigmoid, z);
    return difference(ctx, a, record, factor_of(record, delta), grad);
}

NB_DEFINE_OP(sigmoid_cross_entropy) = {
    .name = "sigmoid_cross_entropy",
    .help = "The book's cross-entropy of sigmoid outputs, from z, stably.",
    .hidden = true,
    .promote = 3,
    .reads = 3,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
    .errors = "2x3 2x4: 2x3 and 2x4 do not fit; 2x3 3: 2x3 and 3 do not fit; "
              "2x3 3x2: 2x3 and 3x2 do not fit",
    .samples = "- -, 2x3 2x3, 3x2t 3x2, 3x1 3x1, 2x0 2x0",
    .low = -2,
    .high = 2,
};

/* soft = softmax(z), and the sum over examples of Σ_j y_j (log Σ e^z - z_j); all contiguous. */
static nb_status softmax_rows(nb_ctx *ctx, const nb_tensor *z, const nb_tensor *y, nb_tensor *soft,
                              double *sum)
{
    const nb_real_kernels *real = nb_real(z->dtype);
    int64_t n = z->dims ? z->shape[z->dims - 1] : 1, count = nb_tensor_count(z);
    size_t width = nb_dtype_size(z->dtype);
    *sum = 0;
    for (int64_t i = 0; i < count; i += n) {
        size_t at = (size_t)i * width;
        const char *row = (const char *)nb_tensor_data(z) + at;
        const char *target = (const char *)nb_tensor_data(y) + at;
        if (nb_interrupted(ctx)) return nb_poll(ctx);
        double log_sum = real->softmax((size_t)n, row, (char *)nb_tensor_data(soft) + at);
        *sum += real->sum((size_t)n, target, 1) * log_sum - real->dot((size_t)n, target, 1, row, 1);
    }
    return NB_OK;
}

/* C = 1/n Σ over examples of Σ_j y_j (log Σ e^z - z_j). saved: softmax(z). */
static nb_tensor *softmax_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *z, *y, *out = NULL;
    double sum;
    if (both(ctx, call, &z, &y) != NB_OK) return NULL;
    nb_tensor *soft = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    if (soft && softmax_rows(ctx, z, y, soft, &sum) == NB_OK)
        out = nb_tensor_scalar(ctx, z->dtype, sum / examples(z));
    if (out && call->recording) call->saved[0] = nb_tensor_retain(soft);
    nb_tensor_release(ctx, soft);
    nb_tensor_release(ctx, z);
    nb_tensor_release(ctx, y);
    return out;
}

/* The sum of each row of y, as a column: 1 for class numbers and probabilities. */
static nb_tensor *row_sums(nb_ctx *ctx, const nb_tensor *y)
{
    return nb_sum_dims(ctx, y, y->dims ? 1u << (y->dims - 1) : 0);
}

/* BP1 in one step, with the Jacobian of softmax in it: dC/dz = (softmax(z) Σ y - y) / n */
static nb_status softmax_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    if (!record->needs[0]) return NB_OK;
    nb_tensor *sums = row_sums(ctx, record->in[1]);
    nb_tensor *p = sums ? nb_op2(ctx, NB_OP_mul, record->saved[0], sums) : NULL;
    nb_tensor_release(ctx, sums);
    return difference(ctx, p, record, factor_of(record, delta), grad);
}

NB_DEFINE_OP(softmax_cross_entropy) = {
    .name = "softmax_cross_entropy",
    .help = "The categorical cross-entropy of softmax outputs, from z, stably.",
    .hidden = true,
    .promote = 3,
    .reads = 3,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .errors = "2x3 2x4: 2x3 and 2x4 do not fit; 2x3 3: 2x3 and 3 do not fit; "
              "2x3 3x2: 2x3 and 3x2 do not fit",
    .samples = "- -, 2x3 2x3, 3x2t 3x2, 3x1 3x1, 2x0 2x0",
    .low = -2,
    .high = 2,
};
