/* How far elements lie from their mean, from 0, and from each other: var, std, norm, logsumexp,
 * over one dimension, several or all. */
#include "grad/support.h"

#include <math.h>
#include <string.h>

/* The result of a reduction, which backward reads. */
static nb_tensor *reduced(nb_ctx *ctx, nb_call *call, nb_reduce_fn *fill)
{
    return nb_reduce(ctx, call, call->in[0]->dtype, true, fill);
}

/* A second row of accumulators, all `value`; NULL when memory ends, or at Ctrl-C. */
static double *new_row(nb_ctx *ctx, const nb_fold_plan *plan, double value)
{
    size_t bytes = (size_t)plan->count * sizeof(double);
    double *row = nb_alloc(ctx, bytes);
    nb_status status = row ? NB_OK : ctx->status;
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++) row[i] = value;
    if (status == NB_OK) return row;
    nb_free(ctx, row, bytes);
    return NULL;
}

static void free_row(nb_ctx *ctx, const nb_fold_plan *plan, double *row)
{
    nb_free(ctx, row, (size_t)plan->count * sizeof *row);
}

/* ---- var and std ---------------------------------------------------------------------------- */

/* Elements that the sum of squares is divided by; 0 where the correction takes them all. */
static double freedom(const nb_attr *attr, double n)
{
    double left = n - attr->var.correction;
    return left > 0 ? left : 0;
}

/* Σ (x - mean)^2, the mean first: differences of large numbers lose nothing. saved[1]: the mean, in
 * f64. */
static nb_status squares_about_mean(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan,
                                    double *acc)
{
    double *mean = new_row(ctx, plan, 0);
    nb_status status = mean ? nb_fold_run(ctx, plan, NB_FOLD_sum, NULL, mean) : ctx->status;
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++)
        mean[i] /= (double)plan->reduced;
    if (status == NB_OK) status = nb_fold_run(ctx, plan, NB_FOLD_squares, mean, acc);
    if (status == NB_OK && call->recording) {
        call->saved[1] = nb_fold_tensor(ctx, plan, mean, NB_F64, 1, true);
        if (!call->saved[1]) status = ctx->status;
    }
    free_row(ctx, plan, mean);
    return status;
}

static nb_status find_var(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    nb_status status = squares_about_mean(ctx, call, plan, acc);
    double left = freedom(&call->attr, (double)plan->reduced);
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++) {
        acc[i] /= left;
        if (call->op->kernel) acc[i] = sqrt(acc[i]);
    }
    return status;
}

static nb_tensor *var_forward(nb_ctx *ctx, nb_call *call)
{
    return reduced(ctx, call, find_var);
}

/* δ times the slope at x - mean, without that factor: 2 / (n - c) of var, 1 / ((n - c) y) of std,
 * where y = 0 has slope 0. */
static nb_tensor *var_factor(nb_ctx *ctx, nb_record *record, const nb_tensor *delta)
{
    nb_tensor *y = record->saved[0];
    double n = (double)nb_tensor_count(record->in[0]) / (double)nb_tensor_count(y);
    double left = freedom(&record->attr, n);
    nb_tensor *kept = nb_keep_dims(ctx, record, delta);
    nb_tensor *factor =
        kept ? nb_op_number(ctx, NB_OP_div, kept, record->op->kernel ? left : left / 2) : NULL;
    nb_tensor_release(ctx, kept);
    return record->op->kernel ? nb_zero_where(ctx, y, nb_then2(ctx, NB_OP_div, factor, y)) : factor;
}

/* y = Σ (x - mean)^2 / (n - c): dx = δ 2 (x - mean) / (n - c); of its root: δ (x - mean) / ((n - c)
 * y). The difference is taken in f64, where it loses nothing. */
static nb_status var_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *x = record->in[0];
    nb_tensor *wide = nb_op2(ctx, NB_OP_sub, x, record->saved[1]);
    nb_tensor *away = wide ? nb_tensor_convert(ctx, wide, x->dtype, 1) : NULL;
    nb_tensor_release(ctx, wide);
    nb_tensor *factor = away ? var_factor(ctx, record, delta) : NULL;
    grad[0] = factor ? nb_op2(ctx, NB_OP_mul, away, factor) : NULL;
    nb_tensor_release(ctx, away);
    nb_tensor_release(ctx, factor);
    return grad[0] ? NB_OK : ctx->status;
}

/* ---- norm ----------------------------------------------------------------------------------- */

static nb_fold fold_of_power(double p)
{
    if (p == 0) return NB_FOLD_nonzero;
    if (p == 1) return NB_FOLD_magnitudes;
    if (p == 2) return NB_FOLD_squares;
    if (isinf(p)) return p > 0 ? NB_FOLD_farthest : NB_FOLD_nearest;
    return NB_FOLD_powers;
}

static nb_status find_norm(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    double p = call->attr.norm.p;
    nb_fold fold = fold_of_power(p);
    double *c = new_row(ctx, plan, fold == NB_FOLD_powers ? p : 0);
    nb_status status = c ? nb_fold_run(ctx, plan, fold, c, acc) : ctx->status;
    free_row(ctx, plan, c);
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++) {
        if (fold == NB_FOLD_squares) acc[i] = sqrt(acc[i]);
        if (fold == NB_FOLD_powers) acc[i] = pow(acc[i], 1 / p);
    }
    return status;
}

static nb_tensor *norm_forward(nb_ctx *ctx, nb_call *call)
{
    return reduced(ctx, call, find_norm);
}

/* Where |x| is the norm: sign x, shared among the elements that are as far. */
static nb_tensor *slope_at_extreme(nb_ctx *ctx, nb_record *record, nb_tensor *y)
{
    nb_tensor *x = record->in[0], *size = nb_op1(ctx, NB_OP_abs, x);
    nb_tensor *mask = nb_then2(ctx, NB_OP_eq, size, y);
    nb_tensor *at = mask ? nb_tensor_convert(ctx, mask, x->dtype, 1) : NULL;
    nb_tensor_release(ctx, mask);
    nb_tensor *ties = at ? nb_sum_dims(ctx, at, nb_named_dims(&record->attr.dims, x)) : NULL;
    nb_tensor *sign = ties ? nb_op1(ctx, NB_OP_sign, x) : NULL;
    nb_tensor *out = sign ? nb_op2(ctx, NB_OP_mul, at, sign) : NULL;
    nb_tensor_release(ctx, at);
    nb_tensor_release(ctx, sign);
    out = out && ties ? nb_then2(ctx, NB_OP_div, out, ties) : out;
    nb_tensor_release(ctx, ties);
    return out;
}

/* sign x (|x| / y)^(p - 1), 0 where x or y is 0 */
static nb_tensor *slope_of_power(nb_ctx *ctx, nb_record *record, nb_tensor *y, double p)
{
    nb_tensor *x = record->in[0], *ratio = nb_op2(ctx, NB_OP_div, x, y), *out = NULL;
    nb_tensor *size = ratio ? nb_op1(ctx, NB_OP_abs, ratio) : NULL;
    nb_tensor *power = size ? nb_op_number(ctx, NB_OP_pow, size, p - 1) : NULL;
    nb_tensor *sign = power ? nb_op1(ctx, NB_OP_sign, x) : NULL;
    if (sign) out = nb_zero_where(ctx, x, nb_op2(ctx, NB_OP_mul, power, sign));
    nb_tensor_release(ctx, ratio);
    nb_tensor_release(ctx, size);
    nb_tensor_release(ctx, power);
    nb_tensor_release(ctx, sign);
    return out;
}

/* x / y, 0 where y is 0 */
static nb_tensor *slope_of_length(nb_ctx *ctx, nb_record *record, nb_tensor *y)
{
    nb_tensor *one = nb_tensor_scalar(ctx, y->dtype, 1);
    nb_tensor *over = nb_zero_where(ctx, y, nb_then2(ctx, NB_OP_div, one, y));
    return nb_then2(ctx, NB_OP_mul, over, record->in[0]);
}

static nb_tensor *slope_of_norm(nb_ctx *ctx, nb_record *record)
{
    nb_tensor *x = record->in[0], *y = record->saved[0];
    double p = record->attr.norm.p;
    if (p == 0) return nb_tensor_zeros(ctx, x->dtype, x->dims, x->shape);
    if (p == 1) return nb_op1(ctx, NB_OP_sign, x);
    if (p == 2) return slope_of_length(ctx, record, y);
    return isinf(p) ? slope_at_extreme(ctx, record, y) : slope_of_power(ctx, record, y, p);
}

/* y = (Σ |x|^p)^(1/p): dx = δ sign x (|x| / y)^(p - 1), and 0 at 0 */
static nb_status norm_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_tensor *kept = nb_keep_dims(ctx, record, delta);
    if (kept) grad[0] = nb_then2(ctx, NB_OP_mul, slope_of_norm(ctx, record), kept);
    nb_tensor_release(ctx, kept);
    return grad[0] ? NB_OK : ctx->status;
}

/* ---- logsumexp ------------------------------------------------------------------------------ */

/* m + log Σ e^(x - m) with the largest, m; an infinite m, or NaN, is the result. */
static nb_status find_logsumexp(nb_ctx *ctx, nb_call *call, const nb_fold_plan *plan, double *acc)
{
    (void)call;
    double *most = new_row(ctx, plan, 0);
    nb_status status = most ? nb_fold_run(ctx, plan, NB_FOLD_largest, NULL, most) : ctx->status;
    if (status == NB_OK) status = nb_fold_run(ctx, plan, NB_FOLD_exponentials, most, acc);
    for (int64_t i = 0; nb_fold_more(ctx, &status, i, plan->count); i++)
        acc[i] = isfinite(most[i]) ? most[i] + log(acc[i]) : most[i];
    free_row(ctx, plan, most);
    return status;
}

static nb_tensor *logsumexp_forward(nb_ctx *ctx, nb_call *call)
{
    return reduced(ctx, call, find_logsumexp);
}

/* y = log Σ e^x: dx = δ s / Σ s, s = e^(x - y). Σ s is 1 but for the rounding of y, which would
 * cost a tenth of a percent at y = 10,000 in f32. */
static nb_status logsumexp_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                    nb_tensor **grad)
{
    nb_tensor *y = record->saved[0];
    nb_tensor *soft = nb_then1(ctx, NB_OP_exp, nb_op2(ctx, NB_OP_sub, record->in[0], y));
    nb_tensor *sum = soft ? nb_sum_to(ctx, soft, y) : NULL;
    nb_tensor *kept = sum ? nb_keep_dims(ctx, record, delta) : NULL;
    kept = nb_then2(ctx, NB_OP_div, kept, sum);
    if (kept) soft = nb_then2(ctx, NB_OP_mul, soft, kept);
    grad[0] = kept ? soft : NULL;
    if (!kept) nb_tensor_release(ctx, soft);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, kept);
    return grad[0] ? NB_OK : ctx->status;
}

static const nb_option spread_options[] = {
    {.name = "correction",
     .help = "the sum of squares is divided by n - correction",
     .kind = NB_NUMBER,
     .value = 1,
     .offset = offsetof(nb_attr, var.correction)},
    NB_KEEP_OPTION,
    NB_OPTIONS_END};

static const nb_option norm_options[] = {{.name = "p",
                                          .help = "the power; math.huge takes the largest |x|",
                                          .range = "a number, or math.huge or -math.huge",
                                          .kind = NB_NUMBER,
                                          .value = 2,
                                          .low = -INFINITY,
                                          .high = INFINITY,
                                          .infinite = true,
                                          .offset = offsetof(nb_attr, norm.p)},
                                         NB_KEEP_OPTION,
                                         NB_OPTIONS_END};

#define MOMENT(word, way, more, names, first, fore, back, text, show)                              \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "L",                                                        \
                          .options = more,                                                         \
                          .usage = "x:" #word "(dims…, {" names "})",                              \
                          .help = text,                                                            \
                          .example = show,                                                         \
                          .kernel = way,                                                           \
                          .promote = 1,                                                            \
                          .adds_up = true,                                                         \
                          .reads = 1,                                                              \
                          .forward = fore,                                                         \
                          .backward = back,                                                        \
                          .samples = first "5, 2x3, 3x2t, 2x3 /1, 2x3 /2, 2x3x2 /1 /3, "           \
                                           "2x3x2 /2, 9x3t /2, 0x3 /2",                            \
                          .low = -2,                                                               \
                          .high = 2,                                                               \
                          .kinks_count = 1} /* norms: 0 */

MOMENT(var, 0, spread_options, "correction, keep", "", var_forward, var_backward,
       "The mean square of the distances from the mean, over n - 1 elements unless correction says "
       "otherwise; NaN of a single one.",
       "tensor{1, 2, 6}:var() → 7");
MOMENT(std, 1, spread_options, "correction, keep", "", var_forward, var_backward,
       "The root of var: how far elements lie from their mean. Where they are all equal "
       "its gradient is 0.",
       "tensor{1, 5}:std{correction = 0} → 2");
MOMENT(norm, 0, norm_options, "p, keep", "-, ", norm_forward, norm_backward,
       "The length, (Σ |x|^p)^(1/p); p = 0 counts what is not 0.",
       "tensor{3, 4}:norm() → 5\ntensor{3, -4}:norm{p = math.huge} → 4");
MOMENT(logsumexp, 0, nb_keep_options, "keep", "-, ", logsumexp_forward, logsumexp_backward,
       "log Σ e^x, stably, over the dimensions named, or over all.",
       "tensor{0, 0}:logsumexp() → 0.6931");
