/* Gradient descent, plain and with momentum. */
#include "nn/train/optimizers/options.h"

static bool is_plain(const nb_optimizer *optimizer)
{
    return optimizer->options.momentum == 0;
}

static nb_slot_need needs(const nb_optimizer *optimizer, int i)
{
    bool more = i == 0 && !is_plain(optimizer);
    return (nb_slot_need){.name = more ? "velocity" : NULL};
}

/* Of a gradient that stays the same momentum makes 1/(1 - μ) steps. The rest keeps neurons from
 * being driven into saturation at the start, when all gradients point one way. */
static double suit(const nb_optimizer *optimizer, double rate)
{
    double momentum = optimizer->options.momentum;
    return rate * (1 - momentum) / (1 + momentum);
}

static nb_status step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_optimizer_options *o = &optimizer->options;
    nb_rule rule = {.id = NB_RULE_descend};
    if (!is_plain(optimizer))
        rule = (nb_rule){.id = o->nesterov ? NB_RULE_nesterov : NB_RULE_momentum,
                         .state = {nb_optimizer_slot(optimizer, "velocity")},
                         .c = {o->momentum}};
    return nb_problem_update(ctx, problem, &rule);
}

static const nb_option options[] = {
    NB_LR(0.1),
    {.name = "momentum",
     .help = "share of the last step that goes on",
     .range = "a number from 0, below 1",
     .high = 1 - 0x1p-53,
     .kind = NB_NUMBER,
     .offset = AT(momentum)},
    NB_FLAG(nesterov, "look ahead along the momentum"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_sgd) = {
    .name = "sgd",
    .help = "Gradient descent, plain or with momentum, Nesterov's too (Sutskever et al. 2013).",
    .example = "o = nn.sgd{lr = 0.5, momentum = 0.9}",
    .options = options,
    .needs = needs,
    .suit = suit,
    .plain = is_plain,
    .step = step,
};
