/* Adam and its kin: a mean of gradients over the root of a mean of their squares. */
#include "nn/train/optimizers/options.h"

#include <math.h>

static nb_slot_need adam_needs(const nb_optimizer *optimizer, int i)
{
    static const char *const names[] = {"mean", "square", "largest", NULL};
    bool more = i < 2 || optimizer->options.amsgrad;
    return (nb_slot_need){.name = more ? names[i] : NULL};
}

static nb_rule adam_rule(const nb_optimizer *optimizer)
{
    const nb_optimizer_options *o = &optimizer->options;
    double t = (double)optimizer->steps + 1;
    return (nb_rule){.id = o->amsgrad ? NB_RULE_amsgrad : NB_RULE_adam,
                     .state = {nb_optimizer_slot(optimizer, "mean"),
                               nb_optimizer_slot(optimizer, "square"),
                               nb_optimizer_slot(optimizer, "largest")},
                     .c = {o->beta1, o->beta2, 1 / (1 - pow(o->beta1, t)),
                           1 / (1 - pow(o->beta2, t)), o->epsilon}};
}

static nb_status adam_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_rule rule = adam_rule(optimizer);
    return nb_problem_update(ctx, problem, &rule);
}

/* Its decay is the run's. */
static nb_status adamw_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_rule rule = adam_rule(optimizer);
    nb_problem own = *problem;
    own.penalty.decay += optimizer->options.decay;
    return nb_problem_update(ctx, &own, &rule);
}

#define BETAS                                                                                      \
    NB_SHARE(beta1, 0.9, "share of the mean of gradients that stays at every step"),               \
        NB_SHARE(beta2, 0.999, "the same of the mean of squared gradients"),                       \
        NB_EPSILON(1e-8, "added to the root of the mean of squares")
#define AMSGRAD NB_FLAG(amsgrad, "divide by the largest mean of squares so far (Reddi et al. 2018)")

static const nb_option adam_options[] = {NB_LR(1e-3), BETAS, AMSGRAD, NB_OPTIONS_END};

static const nb_option adamw_options[] = {
    NB_LR(1e-3),
    BETAS,
    NB_FROM_ZERO(decay, 0.01, "weights shrink by lr * decay of themselves beside the step"),
    AMSGRAD,
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_adam) = {
    .name = "adam",
    .help = "Adam (Kingma and Ba 2015), with corrected biases.",
    .example = "o = nn.adam{lr = 0.002}",
    .options = adam_options,
    .needs = adam_needs,
    .step = adam_step,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_adamw) = {
    .name = "adamw",
    .help = "Adam with decay of the weights beside its step (Loshchilov and Hutter 2019).",
    .example = "o = nn.adamw{lr = 0.002, decay = 0.05}",
    .options = adamw_options,
    .needs = adam_needs,
    .step = adamw_step,
};

/* ---- Nesterov's momentum --------------------------------------------------------------------- */

/* "product": of all shares of momentum so far. */
static nb_slot_need nadam_needs(const nb_optimizer *optimizer, int i)
{
    static const nb_slot_need list[] = {
        {.name = "mean"}, {.name = "square"}, {.name = "product", .count = 1, .initial = 1}};
    (void)optimizer;
    return i < 3 ? list[i] : (nb_slot_need){.name = NULL};
}

/* The share of momentum at step t: β₁ (1 - ½ 0.96^(t ψ)). */
static double share_at(const nb_optimizer_options *o, double t)
{
    return o->beta1 * (1 - 0.5 * pow(0.96, t * o->momentum_decay));
}

static nb_status nadam_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_optimizer_options *o = &optimizer->options;
    double t = (double)optimizer->steps + 1;
    double *product = nb_tensor_data(nb_optimizer_slot(optimizer, "product"));
    double now = share_at(o, t), next = share_at(o, t + 1), so_far = *product * now;
    const nb_rule rule = {
        .id = NB_RULE_nadam,
        .state = {nb_optimizer_slot(optimizer, "mean"), nb_optimizer_slot(optimizer, "square")},
        .c = {o->beta1, o->beta2, (1 - now) / (1 - so_far), next / (1 - so_far * next),
              1 / (1 - pow(o->beta2, t)), o->epsilon}};
    nb_status status = nb_problem_update(ctx, problem, &rule);
    if (status == NB_OK) *product = so_far;
    return status;
}

static const nb_option nadam_options[] = {
    NB_LR(2e-3),
    BETAS,
    NB_FROM_ZERO(momentum_decay, 0.004, "how fast the share of momentum rises to beta1"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_nadam) = {
    .name = "nadam",
    .help = "Adam with Nesterov's momentum (Dozat 2016).",
    .example = "o = nn.nadam{lr = 0.002}",
    .options = nadam_options,
    .needs = nadam_needs,
    .step = nadam_step,
};
