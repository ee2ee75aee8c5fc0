/* Costs as ops of one pass: C = 1/n Σ over examples, n the first dimension's size.
 * y takes no gradient. */
#include "grad/support.h"

#include "base/text.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

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
static nb_status difference(nb_ctx *ctx, nb_tensor *p, nb_tensor *targets, double factor,
                            nb_tensor **grad)
{
    if (!p) return ctx->status;
    nb_tensor *y = nb_tensor_contiguous(ctx, targets);
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
    return difference(ctx, nb_tensor_contiguous(ctx, record->in[0]), record->in[1],
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
    return difference(ctx, a, record->in[1], factor_of(record, delta), grad);
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

/* ---- Softmax and cross-entropy ----------------------------------------------------------------
 */

/* What the cost is taken against: targets of z's shape and dtype, or the class of every row of z,
 * counted from 1. The latter give the bits of targets with a 1 at the class: what is 0 there adds
 * nothing to a sum. */
typedef struct answers {
    nb_tensor *targets; /* contiguous, or NULL */
    nb_tensor *classes; /* I32, contiguous, within z; or NULL */
} answers;

static void drop(nb_ctx *ctx, answers *y)
{
    nb_tensor_release(ctx, y->targets);
    nb_tensor_release(ctx, y->classes);
}

/* Whether y holds class numbers: integers of z's shape without its last dimension. */
static bool are_classes(const nb_tensor *z, const nb_tensor *y)
{
    return !nb_dtype_computes(y->dtype) && y->dims == z->dims - 1 &&
           !memcmp(y->shape, z->shape, (size_t)y->dims * sizeof *y->shape);
}

/* Names the place as a user counts: "3" or "3, 2" for a step of an example. */
static nb_status bad_class(nb_ctx *ctx, const nb_tensor *y, int64_t at, int64_t classes)
{
    nb_text place;
    int64_t index[NB_MAX_DIMS];
    int32_t value = ((const int32_t *)nb_tensor_data(y))[at];
    for (int i = y->dims - 1; i >= 0; i--) {
        index[i] = at % y->shape[i] + 1;
        at /= y->shape[i];
    }
    nb_text_init(&place, ctx);
    for (int i = 0; i < y->dims; i++)
        nb_text_add(&place, "%s%lld", i ? ", " : "", (long long)index[i]);
    nb_fail(ctx, NB_EARG, "y holds class %d at %s; there are classes 1 to %lld", (int)value,
            nb_text_get(&place), (long long)classes);
    nb_text_free(&place);
    return NB_EARG;
}

static nb_status check_classes(nb_ctx *ctx, const nb_tensor *y, int64_t classes)
{
    const int32_t *class = nb_tensor_data(y);
    for (int64_t i = 0, n = nb_tensor_count(y); i < n; i++)
        if (class[i] < 1 || class[i] > classes) return bad_class(ctx, y, i, classes);
    return NB_OK;
}

static nb_tensor *contiguous_in(nb_ctx *ctx, nb_tensor *t, nb_dtype dtype)
{
    nb_tensor *same = nb_tensor_convert(ctx, t, dtype, 1);
    nb_tensor *whole = same ? nb_tensor_contiguous(ctx, same) : NULL;
    nb_tensor_release(ctx, same);
    return whole;
}

static nb_status read_answers(nb_ctx *ctx, const nb_tensor *z, nb_tensor *y, answers *out)
{
    *out = (answers){.targets = NULL};
    if (are_classes(z, y)) {
        out->classes = contiguous_in(ctx, y, NB_I32);
        if (!out->classes) return ctx->status;
        return check_classes(ctx, out->classes, z->shape[z->dims - 1]);
    }
    if (!nb_tensor_same_shape(z, y)) return nb_misfit(ctx, "outputs and targets", z, y);
    out->targets = contiguous_in(ctx, y, z->dtype);
    return out->targets ? NB_OK : ctx->status;
}

/* The rows of z, contiguous: numbers of one, and how many. */
static int64_t row_width(const nb_tensor *z)
{
    return z->dims ? z->shape[z->dims - 1] : 1;
}

/* soft = softmax(z), and the sum over rows of Σ_j y_j (log Σ e^z - z_j); all contiguous. */
static nb_status softmax_rows(nb_ctx *ctx, const nb_tensor *z, const answers *y, nb_tensor *soft,
                              double *sum)
{
    const nb_real_kernels *real = nb_real(z->dtype);
    int64_t n = row_width(z), count = nb_tensor_count(z);
    const int32_t *class = y->classes ? nb_tensor_data(y->classes) : NULL;
    const char *targets = y->targets ? nb_tensor_data(y->targets) : NULL;
    size_t width = nb_dtype_size(z->dtype);
    *sum = 0;
    for (int64_t i = 0; i < count; i += n) {
        size_t at = (size_t)i * width;
        const char *row = (const char *)nb_tensor_data(z) + at;
        if (nb_interrupted(ctx)) return nb_poll(ctx);
        double log_sum = real->softmax((size_t)n, row, (char *)nb_tensor_data(soft) + at);
        if (class)
            *sum += log_sum - real->sum(1, row + (size_t)(*class ++-1) * width, 1);
        else
            *sum += real->sum((size_t)n, targets + at, 1) * log_sum -
                    real->dot((size_t)n, targets + at, 1, row, 1);
    }
    return NB_OK;
}

/* C = 1/n Σ over examples of Σ_j y_j (log Σ e^z - z_j). saved: softmax(z). */
static nb_tensor *softmax_forward(nb_ctx *ctx, nb_call *call)
{
    answers y;
    double sum;
    nb_tensor *out = NULL, *soft = NULL;
    nb_tensor *z = nb_tensor_contiguous(ctx, call->in[0]);
    if (!z) return NULL;
    nb_status status = read_answers(ctx, z, call->in[1], &y);
    if (status == NB_OK) soft = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    if (soft && softmax_rows(ctx, z, &y, soft, &sum) == NB_OK)
        out = nb_tensor_scalar(ctx, z->dtype, sum / examples(z));
    if (out && call->recording) call->saved[0] = nb_tensor_retain(soft);
    nb_tensor_release(ctx, soft);
    nb_tensor_release(ctx, z);
    drop(ctx, &y);
    return out;
}

/* factor (soft - y) of targets: soft Σ y - y, where Σ y, the sum of each row, is 1 for
 * probabilities. */
static nb_status targets_backward(nb_ctx *ctx, const nb_record *record, nb_tensor *y, double factor,
                                  nb_tensor **grad)
{
    nb_tensor *sums = nb_sum_dims(ctx, y, y->dims ? 1u << (y->dims - 1) : 0);
    nb_tensor *p = sums ? nb_op2(ctx, NB_OP_mul, record->saved[0], sums) : NULL;
    nb_tensor_release(ctx, sums);
    return difference(ctx, p, y, factor, grad);
}

/* factor (soft - y) of classes. */
static nb_status classes_backward(nb_ctx *ctx, const nb_record *record, const nb_tensor *y,
                                  double factor, nb_tensor **grad)
{
    const nb_tensor *soft = record->saved[0];
    const nb_real_kernels *real = nb_real(soft->dtype);
    nb_tensor *out = nb_tensor_new(ctx, soft->dtype, soft->dims, soft->shape);
    if (!out) return ctx->status;
    size_t width = nb_dtype_size(soft->dtype), row = (size_t)row_width(soft) * width;
    const float one_f32 = 1;
    const double one_f64 = 1;
    const void *one = soft->dtype == NB_F32 ? (const void *)&one_f32 : &one_f64;
    const int32_t *class = nb_tensor_data(y);
    const char *from = nb_tensor_data(soft);
    char *to = nb_tensor_data(out);
    real->unary[NB_U_scale]((size_t)nb_tensor_count(soft), from, 1, to, 1, factor, 0);
    for (int64_t i = 0, n = nb_tensor_count(y); i < n; i++) {
        size_t at = (size_t)i * row + (size_t)(class[i] - 1) * width;
        real->binary[NB_B_sub](1, from + at, 1, one, 1, to + at, 1);
        real->unary[NB_U_scale](1, to + at, 1, to + at, 1, factor, 0);
    }
    grad[0] = out;
    return NB_OK;
}

/* BP1 in one step, with the Jacobian of softmax in it: dC/dz = (softmax(z) - y) / n */
static nb_status softmax_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    answers y;
    if (!record->needs[0]) return NB_OK;
    double factor = factor_of(record, delta);
    nb_status status = read_answers(ctx, record->saved[0], record->in[1], &y);
    if (status == NB_OK)
        status = y.classes ? classes_backward(ctx, record, y.classes, factor, grad)
                           : targets_backward(ctx, record, y.targets, factor, grad);
    drop(ctx, &y);
    return status;
}

/* Only z is brought to a dtype that computes: classes stay integers, targets follow z. */
NB_DEFINE_OP(softmax_cross_entropy) = {
    .name = "softmax_cross_entropy",
    .help = "The categorical cross-entropy of softmax outputs, from z, stably. y holds targets, or "
            "the classes of the rows, integers from 1.",
    .hidden = true,
    .promote = 1,
    .reads = 3,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .errors = "2x3 2x4: 2x3 and 2x4 do not fit; 2x3 3: 2x3 and 3 do not fit; "
              "2x3 3k: 2x3 and 3 do not fit; 2x3 2x1k: 2x3 and 2x1 do not fit; "
              "2x3 3x2: 2x3 and 3x2 do not fit",
    .samples = "- -, 2x3 2x3, 3x2t 3x2, 3x1 3x1, 2x0 2x0, 3x4 3k, 4x3t 4k, 2x3x5 2x3k, 5 -k",
    .low = -2,
    .high = 2,
};
