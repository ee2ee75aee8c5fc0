/* Costs as ops of one pass: C = Σ over examples of w_i C_i / Σ w_i, n the first dimension's size;
 * without weights, an input (n) that may be left out, 1/n Σ C_i. y and w take no gradient. */
#include "grad/pieces.h"
#include "grad/support.h"

#include "base/memory.h"
#include "base/text.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

/* ---- How examples count -----------------------------------------------------------------------
 */

typedef struct shares {
    nb_tensor *weights; /* f64, contiguous; NULL: all count alike */
    int64_t n;
    double total; /* of the weights, or n */
} shares;

static int64_t examples(const nb_tensor *t)
{
    return t->dims ? t->shape[0] : 1;
}

/* For outputs z and what may be a call's third input. */
static nb_status read_shares(nb_ctx *ctx, const nb_tensor *z, nb_tensor *weights, shares *out)
{
    char text[NB_SHAPE_TEXT];
    *out = (shares){.n = examples(z), .total = (double)examples(z)};
    if (!weights) return NB_OK;
    if (weights->dims != 1 || weights->shape[0] != out->n)
        return nb_fail(ctx, NB_ESHAPE, "weights of %s do not fit %lld examples",
                       nb_shape_text(weights->dims, weights->shape, text), (long long)out->n);
    nb_tensor *real = nb_tensor_convert(ctx, weights, NB_F64, 1);
    out->weights = real ? nb_tensor_contiguous(ctx, real) : NULL;
    nb_tensor_release(ctx, real);
    if (!out->weights) return ctx->status;
    out->total = nb_real(NB_F64)->sum((size_t)out->n, nb_tensor_data(out->weights), 1);
    return NB_OK;
}

static nb_tensor *weights_of(nb_tensor *const *in, int inputs)
{
    return inputs > 2 ? in[2] : NULL;
}

static void drop_shares(nb_ctx *ctx, shares *s)
{
    nb_tensor_release(ctx, s->weights);
}

static double weight_at(const shares *s, int64_t i)
{
    return s->weights ? ((const double *)nb_tensor_data(s->weights))[i] : 1;
}

/* The mean that a sum over examples makes. Where no example counts, C is 0. */
static double mean_of(const shares *s, double sum)
{
    return s->total > 0 ? sum / s->total : 0;
}

/* y = x times factor w_i / Σ w, example by example; contiguous. y may be x. */
static void scale_examples(const shares *s, const nb_tensor *x, nb_tensor *y, double factor)
{
    nb_unary_fn *scale = nb_real(x->dtype)->unary[NB_U_scale];
    size_t count = (size_t)nb_tensor_count(x), row = s->n ? count / (size_t)s->n : 0;
    size_t width = row * nb_dtype_size(x->dtype);
    const char *from = nb_tensor_data(x);
    char *to = nb_tensor_data(y);
    factor = mean_of(s, factor);
    if (!s->weights) scale(count, from, 1, to, 1, factor, 0);
    for (int64_t i = 0; s->weights && i < s->n; i++, from += width, to += width)
        scale(row, from, 1, to, 1, factor * weight_at(s, i), 0);
}

/* ---- From a or z, number by number ------------------------------------------------------------
 */

/* The inputs of a call, contiguous, a and y of one shape. */
typedef struct pair {
    nb_tensor *a, *y;
    shares of;
} pair;

static void drop_pair(nb_ctx *ctx, pair *p)
{
    nb_tensor_release(ctx, p->a);
    nb_tensor_release(ctx, p->y);
    drop_shares(ctx, &p->of);
}

static nb_status both(nb_ctx *ctx, const nb_call *call, pair *p)
{
    *p = (pair){.a = NULL};
    if (!nb_tensor_same_shape(call->in[0], call->in[1]))
        return nb_misfit(ctx, "outputs and targets", call->in[0], call->in[1]);
    nb_status status = read_shares(ctx, call->in[0], weights_of(call->in, call->inputs), &p->of);
    p->a = status == NB_OK ? nb_tensor_contiguous(ctx, call->in[0]) : NULL;
    p->y = p->a ? nb_tensor_contiguous(ctx, call->in[1]) : NULL;
    return p->y ? NB_OK : ctx->status;
}

/* The sum of some numbers' costs. */
typedef double sum_fn(nb_dtype dtype, size_t n, const void *a, const void *y);

/* factor Σ w_i C_i / Σ w_i, where `sum` makes C_i of an example's numbers. */
static nb_tensor *weighted_sum(nb_ctx *ctx, const nb_call *call, sum_fn *sum, double factor)
{
    pair p;
    nb_tensor *out = NULL;
    nb_status status = both(ctx, call, &p);
    if (status == NB_OK) {
        nb_dtype dtype = p.a->dtype;
        size_t count = (size_t)nb_tensor_count(p.a), row = p.of.n ? count / (size_t)p.of.n : 0;
        const char *a = nb_tensor_data(p.a), *y = nb_tensor_data(p.y);
        double all = p.of.weights ? 0 : sum(dtype, count, a, y);
        for (int64_t i = 0; p.of.weights && i < p.of.n; i++) {
            all += weight_at(&p.of, i) * sum(dtype, row, a, y);
            a += row * nb_dtype_size(dtype);
            y += row * nb_dtype_size(dtype);
        }
        out = nb_tensor_scalar(ctx, dtype, mean_of(&p.of, factor * all));
    }
    drop_pair(ctx, &p);
    return out;
}

static double half_sum(nb_dtype dtype, size_t n, const void *a, const void *y)
{
    return nb_real(dtype)->squared_distance(n, a, y);
}

/* C_x = 1/2 ‖y - a‖² */
static nb_tensor *half_forward(nb_ctx *ctx, nb_call *call)
{
    return weighted_sum(ctx, call, half_sum, 0.5);
}

/* δ (p - y), example by example times its share, contiguous, as the gradient of an input; the
 * reference to p is taken. */
static nb_status difference(nb_ctx *ctx, const nb_record *record, nb_tensor *p,
                            const nb_tensor *delta, nb_tensor **grad)
{
    shares of = {.weights = NULL};
    nb_tensor *y = p ? nb_tensor_contiguous(ctx, record->in[1]) : NULL, *out = NULL;
    nb_status status =
        y ? read_shares(ctx, p, weights_of(record->in, record->inputs), &of) : ctx->status;
    if (status == NB_OK)
        out = nb_tensor_is_alone(p) ? nb_tensor_retain(p)
                                    : nb_tensor_new(ctx, p->dtype, p->dims, p->shape);
    if (out) {
        nb_real(p->dtype)->binary[NB_B_sub]((size_t)nb_tensor_count(p), nb_tensor_data(p), 1,
                                            nb_tensor_data(y), 1, nb_tensor_data(out), 1);
        scale_examples(&of, out, out, nb_tensor_item(delta));
    }
    nb_tensor_release(ctx, p);
    nb_tensor_release(ctx, y);
    drop_shares(ctx, &of);
    grad[0] = out;
    return out ? NB_OK : ctx->status;
}

/* dC/da = (a - y) / n */
static nb_status half_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    if (!record->needs[0]) return NB_OK;
    return difference(ctx, record, nb_tensor_contiguous(ctx, record->in[0]), delta, grad);
}

/* What all three refuse and are tried with. */
#define MISFITS                                                                                    \
    "2x3 2x4: 2x3 and 2x4 do not fit; 2x3 3: 2x3 and 3 do not fit; "                               \
    "2x3 3x2: 2x3 and 3x2 do not fit; 2x3 2x3 3: weights of 3 do not fit 2 examples; "             \
    "2x3 2x3 2x1: weights of 2x1 do not fit"
#define SAMPLES "- -, 2x3 2x3, 3x2t 3x2, 3x1 3x1, 2x0 2x0, 2x3 2x3 2k, 3x2x2 3x2x2 3k, 0x3 0x3 0k"

NB_DEFINE_OP(half_squared_distance) = {
    .name = "half_squared_distance",
    .help = "The book's quadratic cost, 1/2n Σ ‖y - a‖².",
    .hidden = true,
    .promote = 3,
    .reads = 7,
    .forward = half_forward,
    .backward = half_backward,
    .errors = MISFITS,
    .samples = SAMPLES,
    .low = -2,
    .high = 2,
};

static double sigmoid_sum(nb_dtype dtype, size_t n, const void *z, const void *y)
{
    return nb_real(dtype)->sigmoid_cross_entropy(n, z, y);
}

/* C_x = Σ (softplus(z) - y z), the cross-entropy of sigmoid(z) summed over outputs. */
static nb_tensor *sigmoid_forward(nb_ctx *ctx, nb_call *call)
{
    return weighted_sum(ctx, call, sigmoid_sum, 1);
}

/* BP1 in one step: dC/dz = (sigmoid(z) - y) / n */
static nb_status sigmoid_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    if (!record->needs[0]) return NB_OK;
    nb_tensor *z = nb_tensor_contiguous(ctx, record->in[0]);
    return difference(ctx, record, nb_then1(ctx, NB_OP_sigmoid, z), delta, grad);
}

NB_DEFINE_OP(sigmoid_cross_entropy) = {
    .name = "sigmoid_cross_entropy",
    .help = "The book's cross-entropy of sigmoid outputs, from z, stably.",
    .hidden = true,
    .promote = 3,
    .reads = 7,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
    .errors = MISFITS,
    .samples = SAMPLES,
    .low = -2,
    .high = 2,
};

/* Σ (e^z - y z), through a little room: e^z is wanted once. */
static double poisson_sum(nb_dtype dtype, size_t n, const void *z, const void *y)
{
    enum { AT_ONCE = 64 };
    const nb_real_kernels *real = nb_real(dtype);
    double room[AT_ONCE], sum = 0; /* wide enough for either dtype */
    size_t width = nb_dtype_size(dtype);
    for (size_t start = 0; start < n; start += AT_ONCE) {
        size_t m = n - start < AT_ONCE ? n - start : AT_ONCE;
        const char *at = (const char *)z + start * width;
        real->unary[NB_U_exp](m, at, 1, room, 1, 0, 0);
        sum += real->sum(m, room, 1) - real->dot(m, at, 1, (const char *)y + start * width, 1);
    }
    return sum;
}

/* C_x = Σ (e^z - y z): what counts y cost where e^z is their rate, but for log y! */
static nb_tensor *poisson_forward(nb_ctx *ctx, nb_call *call)
{
    return weighted_sum(ctx, call, poisson_sum, 1);
}

/* BP1 in one step: dC/dz = (e^z - y) / n */
static nb_status poisson_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    if (!record->needs[0]) return NB_OK;
    nb_tensor *z = nb_tensor_contiguous(ctx, record->in[0]);
    return difference(ctx, record, nb_then1(ctx, NB_OP_exp, z), delta, grad);
}

NB_DEFINE_OP(poisson_likelihood) = {
    .name = "poisson_likelihood",
    .help = "What counts cost where e^z is their rate, from z: Σ (e^z - y z).",
    .hidden = true,
    .promote = 3,
    .reads = 7,
    .forward = poisson_forward,
    .backward = poisson_backward,
    .errors = MISFITS,
    .samples = SAMPLES,
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

/* Rows under way, all contiguous. */
typedef struct softmax_job {
    nb_pieces pieces;
    const nb_real_kernels *real;
    size_t n, width; /* numbers of a row, bytes of one */
    int64_t steps;   /* rows of an example */
    const shares *of;
    const int32_t *class; /* or NULL */
    const char *z, *targets;
    char *soft;
    double *sums; /* one for each piece */
    nb_stop *stop;
} softmax_job;

/* w Σ_j y_j (log Σ e^z - z_j) of row i. */
static double softmax_cost(const softmax_job *job, int64_t i)
{
    size_t at = (size_t)i * job->n * job->width;
    const char *row = job->z + at;
    double log_sum = job->real->softmax(job->n, row, job->soft + at, job->stop);
    double weight = weight_at(job->of, i / job->steps);
    if (job->class)
        return weight *
               (log_sum - job->real->sum(1, row + (size_t)(job->class[i] - 1) * job->width, 1));
    return weight * (job->real->sum(job->n, job->targets + at, 1) * log_sum -
                     job->real->dot(job->n, job->targets + at, 1, row, 1));
}

static void softmax_piece(void *arg, size_t piece)
{
    const softmax_job *job = arg;
    const nb_pieces *p = &job->pieces;
    for (int64_t i = nb_piece_start(p, piece); i < nb_piece_end(p, piece); i++) {
        if (nb_pieces_stopped(p)) return;
        job->sums[piece] += softmax_cost(job, i);
    }
}

/* soft = softmax(z), and the sum over rows of their costs; all contiguous. */
static nb_status softmax_rows(nb_ctx *ctx, const nb_tensor *z, const answers *y, const shares *of,
                              nb_tensor *soft, double *sum)
{
    int64_t n = row_width(z), count = nb_tensor_count(z), rows = n ? count / n : 0;
    softmax_job job = {.pieces = nb_pieces_of(rows, n),
                       .real = nb_real(z->dtype),
                       .n = (size_t)n,
                       .width = nb_dtype_size(z->dtype),
                       .steps = of->n && rows >= of->n ? rows / of->n : 1,
                       .of = of,
                       .class = y->classes ? nb_tensor_data(y->classes) : NULL,
                       .z = nb_tensor_data(z),
                       .targets = y->targets ? nb_tensor_data(y->targets) : NULL,
                       .soft = nb_tensor_data(soft),
                       .stop = ctx->interrupt};
    size_t bytes;
    job.sums = nb_piece_sums(ctx, &job.pieces, 1, &bytes);
    if (!job.sums) return ctx->status;
    nb_status status = nb_pieces_run(ctx, &job.pieces, softmax_piece, &job);
    nb_piece_total(&job.pieces, job.sums, 1, 0, 1, sum);
    nb_free(ctx, job.sums, bytes);
    return status;
}

/* C_x = Σ_j y_j (log Σ e^z - z_j). saved: softmax(z). */
static nb_tensor *softmax_forward(nb_ctx *ctx, nb_call *call)
{
    answers y;
    shares of = {.weights = NULL};
    double sum;
    nb_tensor *out = NULL, *soft = NULL;
    nb_tensor *z = nb_tensor_contiguous(ctx, call->in[0]);
    if (!z) return NULL;
    nb_status status = read_answers(ctx, z, call->in[1], &y);
    if (status == NB_OK) status = read_shares(ctx, z, weights_of(call->in, call->inputs), &of);
    if (status == NB_OK) soft = nb_tensor_new(ctx, z->dtype, z->dims, z->shape);
    if (soft && softmax_rows(ctx, z, &y, &of, soft, &sum) == NB_OK)
        out = nb_tensor_scalar(ctx, z->dtype, mean_of(&of, sum));
    if (out && call->recording) call->saved[0] = nb_tensor_retain(soft);
    nb_tensor_release(ctx, soft);
    nb_tensor_release(ctx, z);
    drop_shares(ctx, &of);
    drop(ctx, &y);
    return out;
}

/* δ (soft Σ y - y) of targets, where Σ y, the sum of each row, is 1 for probabilities. */
static nb_status targets_backward(nb_ctx *ctx, const nb_record *record, const nb_tensor *delta,
                                  nb_tensor **grad)
{
    nb_tensor *y = record->in[1];
    nb_tensor *sums = nb_sum_dims(ctx, y, y->dims ? 1u << (y->dims - 1) : 0);
    nb_tensor *p = sums ? nb_op2(ctx, NB_OP_mul, record->saved[0], sums) : NULL;
    nb_tensor_release(ctx, sums);
    return difference(ctx, record, p, delta, grad);
}

/* What the class of a row adds to soft times its factor: less 1 there. */
static void take_classes(const nb_tensor *soft, const nb_tensor *y, const shares *of, double delta,
                         nb_tensor *out)
{
    const nb_real_kernels *real = nb_real(soft->dtype);
    size_t width = nb_dtype_size(soft->dtype), row = (size_t)row_width(soft) * width;
    const float one_f32 = 1;
    const double one_f64 = 1, factor = mean_of(of, delta);
    const void *one = soft->dtype == NB_F32 ? (const void *)&one_f32 : &one_f64;
    const int32_t *class = nb_tensor_data(y);
    const char *from = nb_tensor_data(soft);
    char *to = nb_tensor_data(out);
    int64_t n = nb_tensor_count(y), steps = of->n ? n / of->n : 1;
    for (int64_t i = 0; i < n; i++) {
        size_t at = (size_t)i * row + (size_t)(class[i] - 1) * width;
        double share = of->weights ? factor * weight_at(of, i / steps) : factor;
        real->binary[NB_B_sub](1, from + at, 1, one, 1, to + at, 1);
        real->unary[NB_U_scale](1, to + at, 1, to + at, 1, share, 0);
    }
}

/* δ (soft - y) of classes. */
static nb_status classes_backward(nb_ctx *ctx, const nb_record *record, const nb_tensor *y,
                                  const nb_tensor *delta, nb_tensor **grad)
{
    const nb_tensor *soft = record->saved[0];
    shares of;
    nb_status status = read_shares(ctx, soft, weights_of(record->in, record->inputs), &of);
    nb_tensor *out =
        status == NB_OK ? nb_tensor_new(ctx, soft->dtype, soft->dims, soft->shape) : NULL;
    if (out) {
        scale_examples(&of, soft, out, nb_tensor_item(delta));
        take_classes(soft, y, &of, nb_tensor_item(delta), out);
    }
    drop_shares(ctx, &of);
    grad[0] = out;
    return out ? NB_OK : ctx->status;
}

/* BP1 in one step, with the Jacobian of softmax in it: dC/dz = (softmax(z) - y) / n */
static nb_status softmax_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                  nb_tensor **grad)
{
    answers y;
    if (!record->needs[0]) return NB_OK;
    nb_status status = read_answers(ctx, record->saved[0], record->in[1], &y);
    if (status == NB_OK)
        status = y.classes ? classes_backward(ctx, record, y.classes, delta, grad)
                           : targets_backward(ctx, record, delta, grad);
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
    .reads = 7,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .errors = "2x3 2x4: 2x3 and 2x4 do not fit; 2x3 3: 2x3 and 3 do not fit; "
              "2x3 3k: 2x3 and 3 do not fit; 2x3 2x1k: 2x3 and 2x1 do not fit; "
              "2x3 3x2: 2x3 and 3x2 do not fit; 2x3 2k 3: weights of 3 do not fit 2 examples",
    .samples = "- -, 2x3 2x3, 3x2t 3x2, 3x1 3x1, 2x0 2x0, 3x4 3k, 4x3t 4k, 2x3x5 2x3k, 5 -k, "
               "2x3 2x3 2k, 3x4 3k 3k, 2x3x5 2x3k 2k, 2x3x5 2x3x5 2k, 0x3 0x3 0k",
    .low = -2,
    .high = 2,
};
