/* The table of costs, each beside its functions. */
#include "nn/cost.h"

#include "base/family.h"
#include "base/text.h"
#include "tensor/shape.h"

#include <float.h>
#include <string.h>

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
    nb_chosen_defaults(type->options, cost.number);
    return cost;
}

void nb_cost_write(nb_text *text, const nb_cost *cost)
{
    nb_chosen chosen = {.type = cost->type};
    memcpy(chosen.number, cost->number, sizeof chosen.number);
    nb_text_add(text, "%s", cost->type->name);
    if (cost->type->options) nb_options_write(text, cost->type->options, &chosen);
}

nb_op_id nb_cost_fused(const nb_cost *cost, nb_activation last)
{
    return cost->type->fused && last.type ? cost->type->fused(last) : NB_OPS;
}

nb_tensor *nb_cost_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                      nb_tensor *y)
{
    char text[NB_SHAPE_TEXT];
    nb_tensor *out = cost->type->of(ctx, cost, last, a, y);
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

static nb_tensor *quadratic_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                               nb_tensor *y)
{
    (void)cost;
    (void)last;
    return nb_op2(ctx, NB_OP_half_squared_distance, a, y);
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_quadratic) = {
    .name = "quadratic",
    .help = "The book's cost: half the squared distance, averaged over the examples.",
    .formula = "C_x = ½ ‖y - a‖²",
    .example = "nn.net \"4 - 3 - 2 : quadratic\"",
    .of = quadratic_of,
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

NB_DESCRIPTOR(nb_cost_type, nb_cost_mse) = {
    .name = "mse",
    .help = "The mean squared error over all elements, as other frameworks count it.",
    .formula = "C_x = 1/K Σ_j (y_j - a_j)²",
    .example = "nn.net \"4 - 3 - 2 linear : mse\"",
    .of = mse_of,
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
     .offset = offsetof(nb_chosen, number[0])},
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
};

static bool is_softmax(nb_activation last)
{
    return last.type && last.type->whole_layer && last.type->op == NB_OP_softmax;
}

static bool is_log_softmax(nb_activation last)
{
    return last.type && last.type->whole_layer && last.type->op == NB_OP_log_softmax;
}

static bool is_sigmoid(nb_activation last)
{
    const nb_activation_type *type = last.type;
    return type && !type->whole_layer && !type->host && type->kernel == NB_U_sigmoid;
}

static nb_op_id cross_entropy_fused(nb_activation last)
{
    if (is_softmax(last)) return NB_OP_softmax_cross_entropy;
    if (is_sigmoid(last)) return NB_OP_sigmoid_cross_entropy;
    return NB_OPS;
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

/* From a, by ops: for outputs whose activations differ, or are neither softmax nor sigmoid. */
static nb_tensor *cross_entropy_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                                   nb_tensor *a, nb_tensor *y)
{
    (void)cost;
    nb_tensor *terms =
        is_log_softmax(last) ? nb_op2(ctx, NB_OP_mul, a, y) : weighted_log(ctx, a, y);
    if (terms && !is_softmax(last) && !is_log_softmax(last)) {
        nb_tensor *all = nb_then2(ctx, NB_OP_add, off_part(ctx, a, y), terms);
        nb_tensor_release(ctx, terms);
        terms = all;
    }
    return mean_of(ctx, nb_then1(ctx, NB_OP_sum, terms), a, -1);
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_cross_entropy) = {
    .name = "cross_entropy",
    .help =
        "After softmax the categorical cross-entropy; after sigmoid the book's, summed over the "
        "outputs. δ of the last layer is a - y in both.",
    .formula = "C_x = -Σ_j y_j ln a_j; after sigmoid -Σ_j (y_j ln a_j + (1 - y_j) ln(1 - a_j))",
    .example = "nn.net \"4 - 3 - 2 softmax : cross_entropy\"",
    .of = cross_entropy_of,
    .fused = cross_entropy_fused,
};
