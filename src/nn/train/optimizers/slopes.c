/* Rules that compare a gradient with the one before, for whole sets in one batch: Rprop, Quickprop.
 */
#include "nn/train/optimizers/options.h"

static nb_slot_need rprop_needs(const nb_optimizer *optimizer, int i)
{
    if (i > 1) return (nb_slot_need){.name = NULL};
    return (nb_slot_need){.name = i ? "step" : "slope", .initial = i ? optimizer->options.lr : 0};
}

/* Steps begin at lr and have lengths of their own then: what the run's rate is of lr, by schedule
 * or factor, scales them. */
static nb_status rprop_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_optimizer_options *o = &optimizer->options;
    const nb_rule rule = {
        .id = NB_RULE_rprop,
        .state = {nb_optimizer_slot(optimizer, "slope"), nb_optimizer_slot(optimizer, "step")},
        .c = {o->lr, o->eta_minus, o->eta_plus, o->step_min, o->step_max}};
    return nb_problem_update(ctx, problem, &rule);
}

static const nb_option rprop_options[] = {
    {.name = "lr",
     .help = "length of the first step",
     .range = "a number above 0",
     .value = 0.01,
     .high = 1e30,
     .above = true,
     .kind = NB_NUMBER,
     .offset = AT(lr)},
    NB_SHARE(eta_minus, 0.5, "factor of a step whose gradient has turned"),
    {.name = "eta_plus",
     .help = "factor of a step whose gradient has not",
     .range = "a number from 1",
     .value = 1.2,
     .low = 1,
     .high = 1e30,
     .kind = NB_NUMBER,
     .offset = AT(eta_plus)},
    NB_FROM_ZERO(step_min, 1e-6, "the shortest step"),
    NB_ABOVE_ZERO(step_max, 50, "the longest step"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_rprop) = {
    .name = "rprop",
    .help = "Steps by the gradient's sign alone, for the whole set in one batch (Riedmiller and "
            "Braun 1993).",
    .example = "o = nn.rprop{lr = 0.05}",
    .options = rprop_options,
    .needs = rprop_needs,
    .step = rprop_step,
};

static nb_slot_need quickprop_needs(const nb_optimizer *optimizer, int i)
{
    static const char *const names[] = {"change", "slope", NULL};
    (void)optimizer;
    return (nb_slot_need){.name = names[i]};
}

static nb_status quickprop_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_rule rule = {
        .id = NB_RULE_quickprop,
        .state = {nb_optimizer_slot(optimizer, "change"), nb_optimizer_slot(optimizer, "slope")},
        .c = {optimizer->options.mu}};
    return nb_problem_update(ctx, problem, &rule);
}

static const nb_option quickprop_options[] = {
    NB_LR(0.1),
    NB_ABOVE_ZERO(mu, 1.75,
                  "the most that a step may grow; slopes above mu / (1 + mu) of the last "
                  "one take that (Fahlman's decay of weights is train's l2)"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_quickprop) = {
    .name = "quickprop",
    .help = "Jumps to where a parabola through two slopes has its bottom, for the whole set in one "
            "batch (Fahlman 1988, CMU-CS-88-162).",
    .example = "o = nn.quickprop{lr = 0.5, mu = 1.75}",
    .options = quickprop_options,
    .needs = quickprop_needs,
    .step = quickprop_step,
};
