/* Costs that say how far a lies from y: quadratic, mse, mae, huber, cosine. */
#include "nn/costs/parts.h"

#include "base/family.h"

#include <float.h>

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
                               const nb_answers *y)
{
    (void)cost;
    (void)last;
    return nb_cost_op(ctx, NB_OP_half_squared_distance, a, y);
}

static double quadratic_squares(const nb_cost *cost, double outputs)
{
    (void)cost;
    (void)outputs;
    return 0.5;
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_quadratic) = {
    .name = "quadratic",
    .help =
        "The book's cost: half the squared distance, averaged over the n examples; its gradient "
        "at the outputs is (a - y) / n.",
    .formula = "C_x = ½ ‖y - a‖²",
    .example = "nn.net \"4 - 3 - 2 : quadratic\"",
    .of = quadratic_of,
    .squares = quadratic_squares,
    .rate = distance_rate,
};

static nb_tensor *mse_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                         const nb_answers *y)
{
    return nb_then_number(ctx, NB_OP_mul, quadratic_of(ctx, cost, last, a, y),
                          2 / nb_cost_outputs(a));
}

/* Steps are those of quadratic. */
static double mse_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    return distance_rate(cost, last, units) * (double)units / 2;
}

static double mse_squares(const nb_cost *cost, double outputs)
{
    (void)cost;
    return 1 / outputs;
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_mse) = {
    .name = "mse",
    .help = "The mean squared error over all elements, as other frameworks count it: 2/K times "
            "quadratic for K outputs, with the gradient 2 (a - y) / (K n).",
    .formula = "C_x = 1/K Σ_j (y_j - a_j)²",
    .example = "nn.net \"4 - 3 - 2 linear : mse\"",
    .of = mse_of,
    .squares = mse_squares,
    .rate = mse_rate,
};

static nb_tensor *mae_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                         const nb_answers *y)
{
    (void)cost;
    (void)last;
    nb_tensor *terms = nb_then1(ctx, NB_OP_abs, nb_op2(ctx, NB_OP_sub, a, y->y));
    return nb_cost_mean(ctx, terms, y, 1 / nb_cost_outputs(a));
}

/* Slopes are as large next to y as far from it: steps must be smaller than mse's. */
static double mae_rate(const nb_cost *cost, nb_activation last, int64_t units)
{
    return distance_rate(cost, last, units) * (double)units / 4;
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_mae) = {
    .name = "mae",
    .help = "The mean absolute error over all elements: outliers pull no harder than what is near. "
            "Its gradient is the sign of a - y over K n, and 0 where they are equal.",
    .formula = "C_x = 1/K Σ_j |y_j - a_j|",
    .example = "nn.net \"4 - 3 - 2 linear : mae\"",
    .of = mae_of,
    .rate = mae_rate,
};

/* With c = d held between -δ and δ, c (d - ½c) is ½ d² within and δ (|d| - ½ δ) beyond, and the
 * tape finds c as its slope. */
static nb_tensor *huber_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                           const nb_answers *y)
{
    (void)last;
    nb_tensor *d = nb_op2(ctx, NB_OP_sub, a, y->y);
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
    return nb_cost_mean(ctx, terms, y, 1);
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

/* ---- cosine --------------------------------------------------------------------------------- */

/* What lengths count at least, as PyTorch has it: 0 has no direction, and its cosine is 0. */
#define LENGTH_LEAST 1e-8

/* Σ x ⊙ z over all numbers of each example, (n). */
static nb_tensor *row_dot(nb_ctx *ctx, nb_tensor *x, nb_tensor *z)
{
    nb_tensor *product = nb_op2(ctx, NB_OP_mul, x, z);
    if (!product) return NULL;
    nb_call sum = {.op = nb_ops[NB_OP_sum], .in = {product}, .inputs = 1};
    for (int i = 1; i < x->dims; i++) sum.attr.reduce.dims.at[sum.attr.reduce.dims.count++] = i;
    nb_tensor *out = nb_op_call(ctx, &sum);
    nb_tensor_release(ctx, product);
    return out;
}

/* The length of each example, at least LENGTH_LEAST. */
static nb_tensor *row_length(nb_ctx *ctx, nb_tensor *x)
{
    nb_tensor *square = row_dot(ctx, x, x);
    if (!square) return NULL;
    nb_call clamp = {.op = nb_ops[NB_OP_clamp], .in = {square}, .inputs = 1};
    clamp.attr.unary.p = LENGTH_LEAST * LENGTH_LEAST;
    clamp.attr.unary.q = DBL_MAX;
    nb_tensor *out = nb_then1(ctx, NB_OP_sqrt, nb_op_call(ctx, &clamp));
    nb_tensor_release(ctx, square);
    return out;
}

static nb_tensor *row_cosine(nb_ctx *ctx, nb_tensor *a, nb_tensor *y)
{
    nb_tensor *of_a = row_length(ctx, a), *of_y = of_a ? row_length(ctx, y) : NULL;
    nb_tensor *out = of_y ? nb_then2(ctx, NB_OP_div, row_dot(ctx, a, y), of_a) : NULL;
    out = nb_then2(ctx, NB_OP_div, out, of_y);
    nb_tensor_release(ctx, of_a);
    nb_tensor_release(ctx, of_y);
    return out;
}

static nb_tensor *cosine_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                            const nb_answers *y)
{
    (void)cost;
    (void)last;
    if (nb_cost_outputs(a) == 1)
        return nb_fail_null(ctx, NB_EARG,
                            "cosine compares directions, which one output has not; let the "
                            "network end in two or more");
    nb_tensor *terms = nb_then1(ctx, NB_OP_neg, row_cosine(ctx, a, y->y));
    return nb_cost_mean(ctx, nb_then_number(ctx, NB_OP_add, terms, 1), y, 1);
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_cosine) = {
    .name = "cosine",
    .help = "One less the cosine between a and y: 0 where they point the same way, 1 at a right "
            "angle, 2 where they are opposite; how long they are does not count.",
    .formula = "C_x = 1 - Σ_j a_j y_j / (‖a‖ ‖y‖)",
    .example = "nn.net \"4 - 3 - 2 linear : cosine\"",
    .of = cosine_of,
    .lr = 0.3, /* its gradient has the length of one over a's */
};
