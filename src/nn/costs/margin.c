/* hinge: what is not right by a margin costs (support vector machines). */
#include "nn/costs/parts.h"

#include "base/family.h"

#include <math.h>

static nb_status hinge_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                             const char *where)
{
    const nb_activation_type *type = last.type;
    (void)cost;
    if (!type || !(type->low >= 0 || type->high <= 0)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s has %s, whose outputs stay on one side of 0; hinge takes linear outputs, or "
                   "tanh",
                   where, type->name);
}

static bool hinge_classes(const nb_cost *cost, nb_activation last, int64_t units)
{
    (void)cost;
    (void)last;
    return units > 1;
}

/* max(0, x); takes x over. */
static nb_tensor *positive(nb_ctx *ctx, nb_tensor *x)
{
    return nb_then1(ctx, NB_OP_relu, x);
}

/* The class's own term is the margin itself, whatever a is: less that, C is Σ over the others. */
static nb_tensor *of_classes(nb_ctx *ctx, double margin, nb_tensor *a, const nb_answers *y)
{
    nb_tensor *at = nb_at_classes(ctx, a, y);
    nb_tensor *lead = at ? nb_op2(ctx, NB_OP_sub, a, at) : NULL;
    nb_tensor_release(ctx, at);
    double outputs = nb_cost_outputs(a), rows = (double)nb_tensor_count(y->y);
    double steps = a->shape[0] ? rows / (double)a->shape[0] : 1;
    nb_tensor *terms = positive(ctx, nb_then_number(ctx, NB_OP_add, lead, margin));
    nb_tensor *cost = nb_cost_mean(ctx, terms, y, 1 / outputs);
    return nb_then_number(ctx, NB_OP_add, cost, -margin * steps / outputs);
}

/* Targets are -1 and 1, and nothing between: their squares are 1, and none is beyond. */
static nb_status check_targets(nb_ctx *ctx, nb_tensor *y)
{
    const char *takes = "hinge takes targets of -1 and 1, or class numbers for two outputs or more";
    nb_status status = nb_check_range(ctx, y, -1, 1, takes, "");
    nb_tensor *whole = status == NB_OK ? nb_tensor_contiguous(ctx, y) : NULL;
    if (!whole) return ctx->status;
    size_t n = (size_t)nb_tensor_count(whole);
    double squares = nb_real(whole->dtype)->sum_squares(n, nb_tensor_data(whole), 1);
    nb_tensor_release(ctx, whole);
    if (!(squares < (double)n - 1e-5)) return NB_OK;
    return nb_fail(ctx, NB_EARG, "%s; y holds numbers between -1 and 1", takes);
}

static nb_tensor *hinge_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                           const nb_answers *y)
{
    double margin = cost->number[0];
    (void)last;
    if (nb_answers_are_classes(y)) return of_classes(ctx, margin, a, y);
    if (check_targets(ctx, y->y) != NB_OK) return NULL;
    nb_tensor *behind = nb_then1(ctx, NB_OP_neg, nb_op2(ctx, NB_OP_mul, a, y->y));
    nb_tensor *terms = positive(ctx, nb_then_number(ctx, NB_OP_add, behind, margin));
    return nb_cost_mean(ctx, terms, y, 1 / nb_cost_outputs(a));
}

static const nb_option options[] = {
    {.name = "margin",
     .help = "by how much the right side must lead to cost nothing",
     .range = "a number above 0",
     .value = 1,
     .high = 1e30,
     .above = true,
     .kind = NB_NUMBER,
     .offset = offsetof(nb_cost, number[0])},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_cost_type, nb_cost_hinge) = {
    .name = "hinge",
    .help = "What is not on its right side of 0 by a margin costs in proportion. Targets are -1 "
            "and 1, for each output; of class numbers k, each other output must stay a margin "
            "below that of k. Averaged over the K outputs and the n examples.",
    .formula = "C_x = 1/K Σ_j max(0, margin - y_j a_j); of class k 1/K Σ_(j≠k) max(0, margin - a_k "
               "+ a_j)",
    .example =
        "nn.net \"4 - 3 - 1 linear : hinge\"\nnn.net \"4 - 3 - 3 linear : hinge margin=0.5\"",
    .options = options,
    .of = hinge_of,
    .check = hinge_check,
    .lr = 0.3, /* as cross_entropy, whose slopes at the outputs are as large */
    .classes = hinge_classes,
    .signs = true,
};
