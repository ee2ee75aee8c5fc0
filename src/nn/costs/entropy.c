/* Costs of probabilities: cross_entropy, nll, kl. */
#include "nn/costs/parts.h"

#include "base/family.h"

#include <float.h>
#include <math.h>

/* The rate that suits these costs: no slope of the last activation stands in the way, δ is a - y.
 */
#define RATE 0.3

/* ---- cross_entropy -------------------------------------------------------------------------- */

/* Whether outputs are probabilities of classes, or their logarithms. */
static bool is_categorical(nb_activation last)
{
    return nb_is_softmax(last) || nb_is_log_softmax(last);
}

/* From z of softmax, and of log_softmax; for all three. */
static nb_op_id categorical_fused(const nb_cost *cost, nb_activation last, int64_t units)
{
    (void)cost;
    (void)units;
    return is_categorical(last) ? NB_OP_softmax_cross_entropy : NB_OPS;
}

static nb_op_id cross_entropy_fused(const nb_cost *cost, nb_activation last, int64_t units)
{
    if (cost->logits && units == 1) return NB_OP_sigmoid_cross_entropy;
    if (cost->logits || is_categorical(last)) return NB_OP_softmax_cross_entropy;
    if (nb_is_elementwise(last, NB_U_sigmoid)) return NB_OP_sigmoid_cross_entropy;
    return NB_OPS;
}

/* Logarithms of a and of 1 - a are what it is made of, or a sigmoid or softmax of its own. */
static nb_status cross_entropy_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                                     const char *where)
{
    const nb_activation_type *type = last.type;
    if (!type) return NB_OK;
    if (cost->logits) {
        if (type->host || nb_is_elementwise(last, NB_U_copy)) return NB_OK;
        return nb_fail(ctx, NB_EARG,
                       "%s has %s; cross_entropy logits=true takes linear outputs, of which it "
                       "takes sigmoid or softmax itself",
                       where, type->name);
    }
    bool leaves = type->low < 0 || type->high > 1; /* not where nobody knows */
    if (!leaves || nb_is_log_softmax(last)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s has %s, whose outputs can leave 0 … 1; cross_entropy takes sigmoid or "
                   "softmax there, or linear outputs as \"cross_entropy logits=true\"",
                   where, type->name);
}

/* Outputs whose range nobody knows are looked at. */
static nb_status check_outputs(nb_ctx *ctx, nb_activation last, nb_tensor *a)
{
    if (!nb_range_is_unknown(last)) return NB_OK;
    return nb_check_range(ctx, a, 0, 1, "cross_entropy takes outputs from 0 to 1",
                          "; let them end in sigmoid or softmax, or take them as "
                          "\"cross_entropy logits=true\"");
}

/* a, at least the smallest normal number: 0 log 0 counts as 0, and log 0 stays finite. */
static nb_tensor *finite_log(nb_ctx *ctx, nb_tensor *a)
{
    nb_call clamp = {.op = nb_ops[NB_OP_clamp], .in = {a}, .inputs = 1};
    clamp.attr.unary.p = a->dtype == NB_F32 ? (double)FLT_MIN : DBL_MIN;
    clamp.attr.unary.q = DBL_MAX;
    return nb_then1(ctx, NB_OP_log, nb_op_call(ctx, &clamp));
}

/* y ⊙ log a */
static nb_tensor *weighted_log(nb_ctx *ctx, nb_tensor *a, nb_tensor *y)
{
    return nb_then2(ctx, NB_OP_mul, finite_log(ctx, a), y);
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

/* The mean of -Σ_j y_j ln a_j, or of -Σ_j y_j a_j where a is logarithms. */
static nb_tensor *categorical(nb_ctx *ctx, nb_tensor *a, bool logs, const nb_answers *y)
{
    bool classes = nb_answers_are_classes(y);
    nb_tensor *at = classes ? nb_at_classes(ctx, a, y) : nb_tensor_retain(a), *terms = NULL;
    if (at) terms = logs ? nb_tensor_retain(at) : finite_log(ctx, at);
    if (terms && !classes) terms = nb_then2(ctx, NB_OP_mul, terms, y->y);
    nb_tensor_release(ctx, at);
    return nb_cost_mean(ctx, terms, y, -1);
}

static int64_t row_width(const nb_tensor *a)
{
    return a->dims ? a->shape[a->dims - 1] : 1;
}

static bool cross_entropy_classes(const nb_cost *cost, nb_activation last, int64_t units)
{
    return cross_entropy_fused(cost, last, units) == NB_OP_softmax_cross_entropy;
}

/* From a, by ops: for outputs whose activations differ, or are neither softmax nor sigmoid. */
static nb_tensor *cross_entropy_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                                   nb_tensor *a, const nb_answers *y)
{
    if (cost->logits) return nb_cost_op(ctx, cross_entropy_fused(cost, last, row_width(a)), a, y);
    if (check_outputs(ctx, last, a) != NB_OK) return NULL;
    if (is_categorical(last)) return categorical(ctx, a, nb_is_log_softmax(last), y);
    nb_tensor *on = weighted_log(ctx, a, y->y), *all = NULL;
    if (on) all = nb_then2(ctx, NB_OP_add, off_part(ctx, a, y->y), on);
    nb_tensor_release(ctx, on);
    return nb_cost_mean(ctx, all, y, -1);
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
    .lr = RATE,
    .classes = cross_entropy_classes,
    .fused = cross_entropy_fused,
};

/* ---- nll ------------------------------------------------------------------------------------ */

static bool always_classes(const nb_cost *cost, nb_activation last, int64_t units)
{
    (void)cost;
    (void)last;
    return units > 1;
}

static nb_status nll_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last, const char *where)
{
    const nb_activation_type *type = last.type;
    (void)cost;
    if (!type || !(type->high > 0)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s has %s; nll takes logarithms of probabilities, as log_softmax gives them; "
                   "cross_entropy takes softmax, and linear outputs as \"cross_entropy "
                   "logits=true\"",
                   where, type->name);
}

static nb_tensor *nll_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                         const nb_answers *y)
{
    (void)cost;
    nb_status status = NB_OK;
    if (nb_range_is_unknown(last))
        status = nb_check_range(ctx, a, -INFINITY, 0, "nll takes logarithms, none above 0",
                                "; let the outputs end in log_softmax");
    return status == NB_OK ? categorical(ctx, a, true, y) : NULL;
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_nll) = {
    .name = "nll",
    .help = "The negative log-likelihood of outputs that are logarithms of probabilities, as "
            "log_softmax gives them; y holds class numbers k, or a distribution. Averaged over the "
            "n examples. After log_softmax it is cross_entropy after softmax.",
    .formula = "C_x = -a_k of class k, -Σ_j y_j a_j of a distribution",
    .example = "nn.net \"4 - 3 - 2 log_softmax : nll\"",
    .of = nll_of,
    .check = nll_check,
    .lr = RATE,
    .classes = always_classes,
    .fused = categorical_fused,
};

/* ---- kl ------------------------------------------------------------------------------------- */

static nb_status kl_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last, const char *where)
{
    const nb_activation_type *type = last.type;
    (void)cost;
    if (!type || is_categorical(last)) return NB_OK;
    if (type->host && !(type->low < 0 || type->high > 1)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s has %s; kl compares distributions, so it takes softmax or log_softmax, of "
                   "which a layer's probabilities sum to 1",
                   where, type->name);
}

/* Σ_j y_j ln y_j: 0 ln 0 is 0, and a class alone has none. */
static nb_status kl_rest(nb_ctx *ctx, const nb_answers *y, double *rest)
{
    *rest = 0;
    if (nb_answers_are_classes(y)) return NB_OK;
    nb_status status = nb_check_range(ctx, y->y, 0, 1, "kl takes distributions y from 0 to 1", "");
    if (status != NB_OK) return status;
    bool recording = ctx->recording;
    ctx->recording = false;
    nb_tensor *sum = nb_cost_mean(ctx, weighted_log(ctx, y->y, y->y), y, 1);
    ctx->recording = recording;
    if (!sum) return ctx->status;
    *rest = nb_tensor_item(sum);
    nb_tensor_release(ctx, sum);
    return NB_OK;
}

static nb_tensor *kl_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                        const nb_answers *y)
{
    double rest;
    nb_status status = NB_OK;
    (void)cost;
    if (nb_range_is_unknown(last))
        status = nb_check_range(ctx, a, 0, 1, "kl takes probabilities, from 0 to 1",
                                "; let the outputs end in softmax");
    if (status == NB_OK) status = kl_rest(ctx, y, &rest);
    if (status != NB_OK) return NULL;
    nb_tensor *cross = categorical(ctx, a, nb_is_log_softmax(last), y);
    return nb_then_number(ctx, NB_OP_add, cross, rest);
}

NB_DESCRIPTOR(nb_cost_type, nb_cost_kl) = {
    .name = "kl",
    .help = "The Kullback-Leibler divergence of distributions y from those that softmax or "
            "log_softmax gives: cross_entropy less what y costs by itself, so 0 where they are "
            "equal; the gradients are cross_entropy's. Averaged over the n examples.",
    .formula = "C_x = Σ_j y_j (ln y_j - ln a_j)",
    .example = "nn.net \"4 - 3 - 2 softmax : kl\"",
    .of = kl_of,
    .check = kl_check,
    .lr = RATE,
    .classes = always_classes,
    .fused = categorical_fused,
    .rest = kl_rest,
};
