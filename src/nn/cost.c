/* The table of costs, each beside its functions. */
#include "nn/cost.h"

#include "base/family.h"
#include "base/text.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <float.h>
#include <math.h>

#define X(name) extern const nb_cost_type nb_cost_##name;
#include "nn/costs.def"
#undef X

const nb_cost_type *const nb_costs[NB_COSTS] = {
#define X(name) &nb_cost_##name,
#include "nn/costs.def"
#undef X
};

NB_DEFINE_FAMILY(nb_cost_type, nb_cost, nb_costs, NB_COSTS)
NB_DEFINE_CHOICES(nb_cost_type, nb_cost, "cost")

nb_cost nb_cost_make(const nb_cost_type *type)
{
    nb_cost cost = {.type = type};
    if (type->options) nb_option_defaults(type->options, &cost);
    return cost;
}

void nb_cost_write(nb_text *text, const nb_cost *cost)
{
    nb_text_add(text, "%s", cost->type->name);
    if (cost->type->options) nb_options_write(text, cost->type->options, cost);
}

nb_status nb_cost_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last, const char *where)
{
    return cost->type->check ? cost->type->check(ctx, cost, last, where) : NB_OK;
}

double nb_cost_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    return cost->type->rate ? cost->type->rate(cost, last, units) : NB_RATE;
}

nb_op_id nb_cost_fused(const nb_cost *cost, nb_activation last, int64_t units)
{
    return cost->type->fused ? cost->type->fused(cost, last, units) : NB_OPS;
}

/* A cost that is more exact than a, as one that counts may be, in the dtype of a. Takes `cost`
 * over. */
static nb_tensor *narrow(nb_ctx *ctx, nb_tensor *cost, const nb_tensor *a)
{
    nb_call to = {.op = nb_ops[NB_OP_to], .in = {cost}, .inputs = 1, .attr.dtype = a->dtype};
    if (!cost || cost->dtype != NB_F64) return cost;
    nb_tensor *out = nb_op_call(ctx, &to);
    nb_tensor_release(ctx, cost);
    return out;
}

nb_tensor *nb_cost_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                      nb_tensor *y)
{
    char text[NB_SHAPE_TEXT];
    nb_tensor *out = narrow(ctx, cost->type->of(ctx, cost, last, a, y), a);
    if (!out) return NULL;
    if (nb_tensor_count(out) == 1 && out->dtype == a->dtype) return out;
    if (out->dtype != a->dtype)
        nb_fail(ctx, NB_ESHAPE,
                "cost %s gave %s from %s; make its constants with {dtype = a.dtype}",
                cost->type->name, nb_dtype_name(out->dtype), nb_dtype_name(a->dtype));
    else
        nb_fail(ctx, NB_ESHAPE, "cost %s must give one number, not %s; take its sum or mean",
                cost->type->name, nb_shape_text(out->dims, out->shape, text));
    nb_tensor_release(ctx, out);
    return NULL;
}

/* A sum over all examples, times `sign`, as their mean; takes the sum over. */
static nb_tensor *mean_of(nb_ctx *ctx, nb_tensor *sum, const nb_tensor *a, int sign)
{
    return nb_then_number(ctx, NB_OP_mul, sum, sign / (double)(a->shape[0] ? a->shape[0] : 1));
}

/* 3 is the book's. A sigmoid takes δ down to a sixteenth on the way to z and back; softmax does so
 * less, and the others not. */
static double distance_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    const nb_activation_type *type = last.type;
    (void)cost;
    (void)units;
    if (!type || !(type->low >= 0 && type->high <= 1)) return NB_RATE;
    return type->whole_layer ? 0.5 : 3;
}

static nb_tensor *quadratic_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                               nb_tensor *y)
{
    (void)cost;
    (void)last;
    return nb_op2(ctx, NB_OP_half_squared_distance, a, y);
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_quadratic) = {
    .name = "quadratic",
    .help =
        "The book's cost: half the squared distance, averaged over the n examples; its gradient "
        "at the outputs is (a - y) / n.",
    .formula = "C_x = ½ ‖y - a‖²",
    .example = "nn.net \"4 - 3 - 2 : quadratic\"",
    .of = quadratic_of,
    .rate = distance_rate,
};

/* Numbers that one example's output holds. */
static double outputs(const nb_tensor *a)
{
    return (double)nb_tensor_count(a) / (double)(a->shape[0] ? a->shape[0] : 1);
}

static nb_tensor *mse_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                         nb_tensor *y)
{
    return nb_then_number(ctx, NB_OP_mul, quadratic_of(ctx, cost, last, a, y), 2 / outputs(a));
}

/* Steps are those of quadratic. */
static double mse_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    return distance_rate(cost, last, units) * (double)units / 2;
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_mse) = {
    .name = "mse",
    .help = "The mean squared error over all elements, as other frameworks count it: 2/K times "
            "quadratic for K outputs, with the gradient 2 (a - y) / (K n).",
    .formula = "C_x = 1/K Σ_j (y_j - a_j)²",
    .example = "nn.net \"4 - 3 - 2 linear : mse\"",
    .of = mse_of,
    .rate = mse_rate,
};

/* With c = d held between -δ and δ, c (d - ½c) is ½ d² within and δ (|d| - ½ δ) beyond, and the
 * tape finds c as its slope. */
static nb_tensor *huber_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                           nb_tensor *y)
{
    (void)last;
    nb_tensor *d = nb_op2(ctx, NB_OP_sub, a, y);
    if (!d) return NULL;
    nb_call clamp = {.op = nb_ops[NB_OP_clamp], .in = {d}, .inputs = 1};
    clamp.attr.unary.p = -cost->number[0];
    clamp.attr.unary.q = cost->number[0];
    nb_tensor *c = nb_op_call(ctx, &clamp);
    nb_tensor *half = c ? nb_op_number(ctx, NB_OP_mul, c, 0.5) : NULL;
    nb_tensor *rest = half ? nb_op2(ctx, NB_OP_sub, d, half) : NULL;
    nb_tensor *terms = rest ? nb_op2(ctx, NB_OP_mul, c, rest) : NULL;
    nb_tensor_release(ctx, d);
    nb_tensor_release(ctx, c);
    nb_tensor_release(ctx, half);
    nb_tensor_release(ctx, rest);
    return mean_of(ctx, nb_then1(ctx, NB_OP_sum, terms), a, 1);
}

static const nb_option huber_options[] = {
    {.name = "delta",
     .help = "where the parabola ends and straight lines begin",
     .range = "a number above 0",
     .value = 1,
     .high = 1e30,
     .above = true,
     .kind = NB_NUMBER,
     .offset = offsetof(nb_cost, number[0])},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_cost_type, nb_cost_huber) = {
    .name = "huber",
    .help = "Half the squared distance of each output up to delta, a straight line beyond, so that "
            "outliers pull no harder (Huber 1964).",
    .formula = "C_x = Σ_j ½ d² where |d| <= delta, else delta (|d| - ½ delta), d = a_j - y_j",
    .example = "nn.net \"4 - 3 - 2 linear : huber delta=2\"",
    .options = huber_options,
    .of = huber_of,
    .rate = distance_rate,
};

/* ---- Cross-entropy -------------------------------------------------------------------------- */

static bool is_whole_layer(nb_activation last, nb_op_id op)
{
    return last.type && last.type->whole_layer && last.type->op == op;
}

static bool is_elementwise(nb_activation last, nb_unary kernel)
{
    const nb_activation_type *type = last.type;
    return type && !type->whole_layer && !type->host && type->kernel == kernel;
}

static bool is_softmax(nb_activation last)
{
    return is_whole_layer(last, NB_OP_softmax);
}

static bool is_log_softmax(nb_activation last)
{
    return is_whole_layer(last, NB_OP_log_softmax);
}

static nb_op_id cross_entropy_fused(const nb_cost *cost, nb_activation last, int64_t units)
{
    if (cost->logits && units == 1) return NB_OP_sigmoid_cross_entropy;
    if (cost->logits || is_softmax(last)) return NB_OP_softmax_cross_entropy;
    if (is_elementwise(last, NB_U_sigmoid)) return NB_OP_sigmoid_cross_entropy;
    return NB_OPS;
}

/* Logarithms of a and of 1 - a are what it is made of, or a sigmoid or softmax of its own. */
static nb_status cross_entropy_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                                     const char *where)
{
    const nb_activation_type *type = last.type;
    if (!type) return NB_OK;
    if (cost->logits) {
        if (type->host || is_elementwise(last, NB_U_copy)) return NB_OK;
        return nb_fail(ctx, NB_EARG,
                       "%s has %s; cross_entropy logits=true takes linear outputs, of which it "
                       "takes sigmoid or softmax itself",
                       where, type->name);
    }
    bool leaves = type->low < 0 || type->high > 1; /* not where nobody knows */
    if (!leaves || is_log_softmax(last)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s has %s, whose outputs can leave 0 … 1; cross_entropy takes sigmoid or "
                   "softmax there, or linear outputs as \"cross_entropy logits=true\"",
                   where, type->name);
}

/* What rounding may add to a sum that is 1. */
#define OUTSIDE_LEAST 1e-5

/* Outputs whose range nobody knows are looked at. NaN passes: the cost is NaN then, which is told
 * with its place. */
static nb_status check_outputs(nb_ctx *ctx, nb_activation last, nb_tensor *a)
{
    if (nb_tensor_count(a) == 0 || (last.type && !isnan(last.type->low) && !last.type->host))
        return NB_OK;
    nb_tensor *whole = nb_tensor_contiguous(ctx, a);
    if (!whole) return ctx->status;
    const nb_real_kernels *real = nb_real(whole->dtype);
    const char *data = nb_tensor_data(whole);
    size_t n = (size_t)nb_tensor_count(whole), width = nb_dtype_size(whole->dtype);
    double low = real->sum(1, data + real->argmin(n, data, 1) * width, 1);
    double high = real->sum(1, data + real->argmax(n, data, 1) * width, 1);
    nb_tensor_release(ctx, whole);
    bool below = low < -OUTSIDE_LEAST;
    if (!below && !(high > 1 + OUTSIDE_LEAST)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "cross_entropy takes outputs from 0 to 1, not %.4g; let them end in sigmoid or "
                   "softmax, or take them as \"cross_entropy logits=true\"",
                   below ? low : high);
}

/* y ⊙ log a, with a at least the smallest normal number: 0 log 0 counts as 0, and log 0 stays
 * finite. */
static nb_tensor *weighted_log(nb_ctx *ctx, nb_tensor *a, nb_tensor *y)
{
    nb_call clamp = {.op = nb_ops[NB_OP_clamp], .in = {a}, .inputs = 1};
    clamp.attr.unary.p = a->dtype == NB_F32 ? (double)FLT_MIN : DBL_MIN;
    clamp.attr.unary.q = DBL_MAX;
    nb_tensor *log = nb_then1(ctx, NB_OP_log, nb_op_call(ctx, &clamp));
    return nb_then2(ctx, NB_OP_mul, log, y);
}

/* 1 - x */
static nb_tensor *one_minus(nb_ctx *ctx, nb_tensor *x)
{
    return nb_then_number(ctx, NB_OP_add, nb_op1(ctx, NB_OP_neg, x), 1);
}

/* (1 - y) ⊙ log(1 - a): what the outputs that should be off cost. */
static nb_tensor *off_part(nb_ctx *ctx, nb_tensor *a, nb_tensor *y)
{
    nb_tensor *rest_a = one_minus(ctx, a), *rest_y = rest_a ? one_minus(ctx, y) : NULL;
    nb_tensor *out = rest_y ? weighted_log(ctx, rest_a, rest_y) : NULL;
    nb_tensor_release(ctx, rest_a);
    nb_tensor_release(ctx, rest_y);
    return out;
}

static int64_t row_width(const nb_tensor *a)
{
    return a->dims ? a->shape[a->dims - 1] : 1;
}

/* From a, by ops: for outputs whose activations differ, or are neither softmax nor sigmoid. */
static nb_tensor *cross_entropy_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                                   nb_tensor *a, nb_tensor *y)
{
    bool logs = is_log_softmax(last), together = logs || is_softmax(last);
    if (cost->logits) return nb_op2(ctx, cross_entropy_fused(cost, last, row_width(a)), a, y);
    if (check_outputs(ctx, last, a) != NB_OK) return NULL;
    nb_tensor *terms = logs ? nb_op2(ctx, NB_OP_mul, a, y) : weighted_log(ctx, a, y);
    if (terms && !together) {
        nb_tensor *all = nb_then2(ctx, NB_OP_add, off_part(ctx, a, y), terms);
        nb_tensor_release(ctx, terms);
        terms = all;
    }
    return mean_of(ctx, nb_then1(ctx, NB_OP_sum, terms), a, -1);
}

/* No slope of the last activation stands in the way: δ is a - y. */
static double cross_entropy_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    (void)cost;
    (void)last;
    (void)units;
    return 0.3;
}

static const nb_option cross_entropy_options[] = {
    {.name = "logits",
     .help = "the outputs are linear, and the cost takes softmax of them itself, of a single one "
             "sigmoid: stably, whatever their size",
     .value = false,
     .kind = NB_BOOLEAN,
     .offset = offsetof(nb_cost, logits)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_cost_type, nb_cost_cross_entropy) = {
    .name = "cross_entropy",
    .help =
        "After softmax and log_softmax (whose outputs are the logarithms) the categorical "
        "cross-entropy, for targets that sum to 1 or class numbers; after sigmoid, and whatever "
        "else stays within 0 … 1, the book's, summed over the outputs. Averaged over the n "
        "examples: after both δ of the last layer is (a - y) / n. Outputs that can leave 0 … 1 are "
        "refused. logits=true takes linear outputs z as they are: C is that of softmax(z), of a "
        "single output that of sigmoid(z), and net(x) gives z; net(x):softmax(-1) and "
        "net(x):sigmoid() are the probabilities.",
    .formula =
        "C_x = -Σ_j y_j ln a_j after softmax, -Σ_j y_j a_j after log_softmax, else -Σ_j (y_j "
        "ln a_j + (1 - y_j) ln(1 - a_j)); with logits Σ_j y_j (ln Σ_k e^z_k - z_j), of one "
        "output ln(1 + e^z) - y z",
    .example = "nn.net \"4 - 3 - 2 softmax : cross_entropy\"\n"
               "nn.net \"4 - 3 - 2 linear : cross_entropy logits=true\"",
    .options = cross_entropy_options,
    .of = cross_entropy_of,
    .check = cross_entropy_check,
    .rate = cross_entropy_rate,
    .fused = cross_entropy_fused,
};
