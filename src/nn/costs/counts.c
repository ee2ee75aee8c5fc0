/* poisson: how unlikely counts are, given their rates. */
#include "nn/costs/parts.h"

#include "base/family.h"

#include <float.h>
#include <math.h>

static nb_op_id poisson_fused(const nb_cost *cost, nb_activation last, int64_t units)
{
    (void)units;
    if (cost->log || nb_is_elementwise(last, NB_U_exp)) return NB_OP_poisson_likelihood;
    return NB_OPS;
}

static nb_status poisson_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last,
                               const char *where)
{
    const nb_activation_type *type = last.type;
    if (!type) return NB_OK;
    if (cost->log) {
        if (type->host || nb_is_elementwise(last, NB_U_copy)) return NB_OK;
        return nb_fail(ctx, NB_EARG,
                       "%s has %s; poisson log=true takes linear outputs, the logarithms of rates",
                       where, type->name);
    }
    if (!(type->low < 0)) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s has %s, whose outputs can be below 0; poisson takes rates there, as exp and "
                   "softplus give them, or linear outputs as \"poisson log=true\"",
                   where, type->name);
}

static nb_status check_numbers(nb_ctx *ctx, nb_activation last, nb_tensor *a, nb_tensor *y)
{
    nb_status status = nb_check_range(ctx, y, 0, INFINITY, "poisson takes counts y from 0", "");
    if (status != NB_OK || !a || !nb_range_is_unknown(last)) return status;
    return nb_check_range(ctx, a, 0, INFINITY, "poisson takes rates from 0",
                          "; let the outputs end in exp or softplus, or take them as \"poisson "
                          "log=true\"");
}

/* Nothing; but only here y is seen where the op does the rest. */
static nb_status poisson_rest(nb_ctx *ctx, const nb_answers *y, double *rest)
{
    *rest = 0;
    return check_numbers(ctx, (nb_activation){.type = NULL}, NULL, y->y);
}

/* a - y ln a, with a at least the smallest normal number: 0 ln 0 counts as 0. */
static nb_tensor *of_rates(nb_ctx *ctx, nb_tensor *a, const nb_answers *y)
{
    nb_call clamp = {.op = nb_ops[NB_OP_clamp], .in = {a}, .inputs = 1};
    clamp.attr.unary.p = a->dtype == NB_F32 ? (double)FLT_MIN : DBL_MIN;
    clamp.attr.unary.q = DBL_MAX;
    nb_tensor *log = nb_then1(ctx, NB_OP_log, nb_op_call(ctx, &clamp));
    nb_tensor *likely = nb_then2(ctx, NB_OP_mul, log, y->y);
    nb_tensor *terms = likely ? nb_op2(ctx, NB_OP_sub, a, likely) : NULL;
    nb_tensor_release(ctx, likely);
    return nb_cost_mean(ctx, terms, y, 1);
}

static nb_tensor *poisson_of(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                             const nb_answers *y)
{
    if (check_numbers(ctx, last, cost->log ? NULL : a, y->y) != NB_OK) return NULL;
    if (cost->log) return nb_cost_op(ctx, NB_OP_poisson_likelihood, a, y);
    return of_rates(ctx, a, y);
}

static const nb_option options[] = {
    {.name = "log",
     .help = "the outputs are linear: logarithms of rates",
     .value = false,
     .kind = NB_BOOLEAN,
     .offset = offsetof(nb_cost, log)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_cost_type, nb_cost_poisson) = {
    .name = "poisson",
    .help = "The negative log-likelihood of counts y whose rates are the outputs, summed over them "
            "but for ln y!, which no output changes; averaged over the n examples. log=true takes "
            "linear outputs as the rates' logarithms; after exp it is computed likewise, stably.",
    .formula = "C_x = Σ_j (a_j - y_j ln a_j); with log Σ_j (e^a_j - y_j a_j)",
    .example = "nn.net \"4 - 3 - 2 exp : poisson\"\nnn.net \"4 - 3 - 2 linear : poisson log=true\"",
    .options = options,
    .of = poisson_of,
    .check = poisson_check,
    .lr = 0.03, /* slopes at the outputs are as large as counts, which may be far above 1 */
    .fused = poisson_fused,
    .rest = poisson_rest,
};
