/* Ops of one tensor, element by element. Loops and slopes are the kernels' (kernel/unary.def). */
#include "base/text.h"
#include "grad/support.h"

#include <math.h>

typedef struct unary_loop {
    nb_unary_fn *fn;
    double p, q;
} unary_loop;

static void apply(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const unary_loop *how = arg;
    how->fn(n, at[1], (ptrdiff_t)stride[1], at[0], (ptrdiff_t)stride[0], how->p, how->q);
}

static nb_tensor *forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *x = call->in[0];
    nb_unary kernel = (nb_unary)call->op->kernel;
    unary_loop how = {nb_real(x->dtype)->unary[kernel], call->attr.unary.p, call->attr.unary.q};
    nb_tensor *y = nb_map_call(ctx, call, x->dtype, x->dims, x->shape, apply, &how);
    return nb_unary_needs[kernel] == NB_FROM_Y ? nb_save_output(ctx, call, y) : y;
}

/* dx = dy * f'(x), f' from x or from y */
static nb_status backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    nb_unary kernel = (nb_unary)record->op->kernel;
    bool from_x = nb_unary_needs[kernel] == NB_FROM_X;
    nb_tensor *x = NULL, *from, *to;
    if (from_x && !(x = nb_tensor_contiguous(ctx, record->in[0]))) return ctx->status;
    nb_status status = nb_delta_for_write(ctx, delta, &from, &to);
    if (status == NB_OK) {
        const void *y = record->saved[0] ? nb_tensor_data(record->saved[0]) : NULL;
        nb_real(delta->dtype)
            ->slope[kernel]((size_t)nb_tensor_count(delta), x ? nb_tensor_data(x) : NULL, y,
                            nb_tensor_data(from), nb_tensor_data(to), record->attr.unary.p,
                            record->attr.unary.q);
        nb_tensor_release(ctx, from);
        grad[0] = to;
    }
    nb_tensor_release(ctx, x);
    return status;
}

#define UNARY(word, text, reads_x, ...)                                                            \
    NB_DEFINE_OP(word) = {.name = #word,                                                           \
                          .signature = "",                                                         \
                          .usage = "x:" #word "()",                                                \
                          .help = text,                                                            \
                          .kernel = NB_U_##word,                                                   \
                          .in_place = true,                                                        \
                          .promote = 1,                                                            \
                          .reads = reads_x,                                                        \
                          .forward = forward,                                                      \
                          .backward = backward,                                                    \
                          .samples = "-, 5, 2x3, 3x2t, 0x3",                                       \
                          __VA_ARGS__}

UNARY(neg, "The negative, element by element; -x is the same.", 0,
      .example = "tensor{1, -2}:neg() → -1 2", .low = -2, .high = 2);
UNARY(abs, "The absolute value, element by element; its slope at 0 is 0.", 1,
      .example = "tensor{1, -2}:abs() → 1 2", .low = -2, .high = 2, .kinks_count = 1);
UNARY(sign, "-1, 0 or 1 by the sign of each element.", 0,
      .example = "tensor{5, -2, 0}:sign() → 1 -1 0", .low = -2, .high = 2, .kinks_count = 1);
UNARY(exp, "e to the power of each element.", 0, .example = "tensor{0, 1}:exp() → 1 2.7183",
      .low = -2, .high = 2);
UNARY(expm1, "e^x - 1, exact for small x.", 0, .example = "tensor{1e-9}:expm1() → 1e-9", .low = -2,
      .high = 2);
UNARY(log, "The natural logarithm of each element.", 1, .example = "tensor{1, 2}:log() → 0 0.6931",
      .low = 0.2, .high = 3);
UNARY(log1p, "log(1 + x), exact for small x.", 1, .example = "tensor{1e-9}:log1p() → 1e-9",
      .low = -0.7, .high = 3);
UNARY(sqrt, "The square root of each element.", 0, .example = "tensor{4, 9}:sqrt() → 2 3",
      .low = 0.2, .high = 3);
UNARY(rsqrt, "1 / sqrt(x), element by element.", 0, .example = "tensor{4, 16}:rsqrt() → 0.5 0.25",
      .low = 0.2, .high = 3);
UNARY(sin, "The sine of each element, in radians.", 1, .example = "tensor{0, 1}:sin() → 0 0.8415",
      .low = -4, .high = 4);
UNARY(cos, "The cosine of each element, in radians.", 1, .example = "tensor{0, 1}:cos() → 1 0.5403",
      .low = -4, .high = 4);
UNARY(tan, "The tangent of each element, in radians.", 0,
      .example = "tensor{0, 1}:tan() → 0 1.5574", .low = -1.2, .high = 1.2);
UNARY(asin, "The arcsine of each element, from -pi/2 to pi/2; NaN beyond -1 … 1.", 1,
      .example = "tensor{0, 1}:asin() → 0 1.5708", .low = -0.8, .high = 0.8);
UNARY(acos, "The arccosine of each element, from 0 to pi; NaN beyond -1 … 1.", 1,
      .example = "tensor{0, 1}:acos() → 1.5708 0", .low = -0.8, .high = 0.8);
UNARY(atan, "The arctangent of each element, from -pi/2 to pi/2.", 1,
      .example = "tensor{0, 1}:atan() → 0 0.7854", .low = -3, .high = 3);
UNARY(sinh, "The hyperbolic sine of each element.", 1, .example = "tensor{0, 1}:sinh() → 0 1.1752",
      .low = -2, .high = 2);
UNARY(cosh, "The hyperbolic cosine of each element.", 1,
      .example = "tensor{0, 1}:cosh() → 1 1.5431", .low = -2, .high = 2);
UNARY(tanh, "The hyperbolic tangent of each element.", 0,
      .example = "tensor{0, 1}:tanh() → 0 0.7616", .low = -3, .high = 3);
UNARY(sigmoid, "The logistic function 1 / (1 + e^-x), element by element.", 0,
      .example = "tensor{0, 2}:sigmoid() → 0.5 0.8808", .low = -3, .high = 3);
UNARY(erf, "The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x.", 1,
      .example = "tensor{0, 1}:erf() → 0 0.8427", .low = -2, .high = 2);
UNARY(relu, "max(0, x), element by element; its slope at 0 is 0.", 0,
      .example = "tensor{-1, 2}:relu() → 0 2", .low = -2, .high = 2, .kinks_count = 1);
UNARY(gelu, "x times the normal distribution function of x (Hendrycks and Gimpel 2016).", 1,
      .example = "tensor{-1, 1}:gelu() → -0.1587 0.8413", .low = -3, .high = 3);
UNARY(silu, "x sigmoid(x), element by element.", 1, .example = "tensor{-1, 1}:silu()", .low = -3,
      .high = 3);
UNARY(softplus, "log(1 + e^x) without overflow.", 1, .example = "tensor{0, 100}:softplus()",
      .low = -3, .high = 3);
UNARY(floor, "The largest whole number not above each element.", 0,
      .example = "tensor{1.7, -1.2}:floor() → 1 -2", .low = 0.1, .high = 0.9);
UNARY(ceil, "The smallest whole number not below each element.", 0,
      .example = "tensor{1.2, -1.7}:ceil() → 2 -1", .low = 0.1, .high = 0.9);
UNARY(round, "The nearest whole number; halves go to the even one.", 0,
      .example = "tensor{1.2, 2.5}:round() → 1 2", .low = -0.4, .high = 0.4);

/* Whether all elements would become a bound that the dtype does not hold. */
static bool is_beyond(nb_dtype dtype, const struct nb_attr_unary *bound)
{
    return (!nb_dtype_holds(dtype, bound->p) && bound->p > 0) ||
           (!nb_dtype_holds(dtype, bound->q) && bound->q < 0);
}

/* A bound that is NaN makes all NaN. */
static nb_tensor *clamp_forward(nb_ctx *ctx, nb_call *call)
{
    const struct nb_attr_unary *bound = &call->attr.unary;
    nb_tensor *x = call->in[0];
    char low[NB_NUMBER_MAX], high[NB_NUMBER_MAX];
    bool none = isnan(bound->p) || isnan(bound->q);
    unary_loop nan = {nb_real(x->dtype)->unary[NB_U_scale], 0, NAN};
    if (is_beyond(x->dtype, bound))
        return nb_fail_null(ctx, NB_EVALUE, "clamp: numbers from %s to %s do not fit into %s",
                            nb_number_text(bound->p, low), nb_number_text(bound->q, high),
                            nb_dtype_name(x->dtype));
    if (none) return nb_map_call(ctx, call, x->dtype, x->dims, x->shape, apply, &nan);
    return forward(ctx, call);
}

NB_DEFINE_OP(clamp) = {
    .name = "clamp",
    .signature = "nn",
    .fills = {offsetof(nb_attr, unary.p), offsetof(nb_attr, unary.q)},
    .usage = "x:clamp(low, high)",
    .help =
        "Each element brought into low … high; the slope is 0 outside. A bound may be infinite; "
        "one that is NaN makes all NaN.",
    .example = "tensor{-5, 0.5, 5}:clamp(-1, 1) → -1 0.5 1",
    .kernel = NB_U_clamp,
    .attr.unary = {-1, 1},
    .in_place = true,
    .promote = 1,
    .reads = 1,
    .forward = clamp_forward,
    .backward = backward,
    .samples = "-, 5, 2x3, 3x2t, 0x3",
    .low = -2,
    .high = 2,
    .kinks = {-1, 1},
    .kinks_count = 2,
};
