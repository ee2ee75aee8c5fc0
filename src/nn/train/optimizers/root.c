/* Steps that are divided by the root of squared gradients, of each number its own. */
#include "nn/train/optimizers/options.h"

/* ---- RMSprop --------------------------------------------------------------------------------- */

static nb_slot_need rmsprop_needs(const nb_optimizer *optimizer, int i)
{
    const nb_optimizer_options *o = &optimizer->options;
    const char *names[4] = {"square"};
    int count = 1;
    if (o->momentum > 0) names[count++] = "velocity";
    if (o->centered) names[count++] = "mean";
    return (nb_slot_need){.name = names[i]};
}

static nb_status rmsprop_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_optimizer_options *o = &optimizer->options;
    bool rolls = o->momentum > 0;
    nb_rule_id ids[2][2] = {{NB_RULE_rmsprop, NB_RULE_rmsprop_centered},
                            {NB_RULE_rmsprop_rolling, NB_RULE_rmsprop_both}};
    nb_rule rule = {.id = ids[rolls][o->centered],
                    .state = {nb_optimizer_slot(optimizer, "square")},
                    .c = {o->rho, o->epsilon, o->momentum}};
    int at = 1;
    if (rolls) rule.state[at++] = nb_optimizer_slot(optimizer, "velocity");
    if (o->centered) rule.state[at++] = nb_optimizer_slot(optimizer, "mean");
    return nb_problem_update(ctx, problem, &rule);
}

static const nb_option rmsprop_options[] = {
    NB_LR(0.01),
    NB_SHARE(rho, 0.99, "share of the mean of squared gradients that stays at every step"),
    NB_EPSILON(1e-8, "added to the root of the mean of squares"),
    NB_SHARE(momentum, 0, "share of the last step that goes on"),
    NB_FLAG(centered, "the mean gradient's square is taken off the mean of squares (Graves 2013)"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_rmsprop) = {
    .name = "rmsprop",
    .help =
        "Gradients over the root of a running mean of their squares (Tieleman and Hinton 2012).",
    .example = "o = nn.rmsprop{lr = 0.001, momentum = 0.9}",
    .options = rmsprop_options,
    .needs = rmsprop_needs,
    .step = rmsprop_step,
};

/* ---- AdaGrad --------------------------------------------------------------------------------- */

static nb_slot_need adagrad_needs(const nb_optimizer *optimizer, int i)
{
    return (nb_slot_need){.name = i == 0 ? "square" : NULL, .initial = optimizer->options.initial};
}

static nb_status adagrad_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_optimizer_options *o = &optimizer->options;
    const nb_rule rule = {.id = NB_RULE_adagrad,
                          .state = {nb_optimizer_slot(optimizer, "square")},
                          .c = {1 / (1 + (double)optimizer->steps * o->rate_decay), o->epsilon}};
    return nb_problem_update(ctx, problem, &rule);
}

static const nb_option adagrad_options[] = {
    NB_LR(0.01),
    NB_FROM_ZERO(rate_decay, 0, "step t has the rate lr / (1 + (t - 1) rate_decay)"),
    NB_FROM_ZERO(initial, 0, "what the sum of squares begins with"),
    NB_EPSILON(1e-10, "added to the root of the sum of squares"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_adagrad) = {
    .name = "adagrad",
    .help = "Gradients over the root of the sum of all their squares (Duchi et al. 2011).",
    .example = "o = nn.adagrad{lr = 0.05}",
    .options = adagrad_options,
    .needs = adagrad_needs,
    .step = adagrad_step,
};

/* ---- Adadelta -------------------------------------------------------------------------------- */

static nb_slot_need adadelta_needs(const nb_optimizer *optimizer, int i)
{
    static const char *const names[] = {"square", "change", NULL};
    (void)optimizer;
    return (nb_slot_need){.name = names[i]};
}

static nb_status adadelta_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    const nb_optimizer_options *o = &optimizer->options;
    const nb_rule rule = {
        .id = NB_RULE_adadelta,
        .state = {nb_optimizer_slot(optimizer, "square"), nb_optimizer_slot(optimizer, "change")},
        .c = {o->rho, o->epsilon}};
    return nb_problem_update(ctx, problem, &rule);
}

static const nb_option adadelta_options[] = {
    NB_LR(1),
    NB_SHARE(rho, 0.9, "share of the means of squares that stays at every step"),
    NB_EPSILON(1e-6, "added to both means of squares under their roots"),
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_adadelta) = {
    .name = "adadelta",
    .help = "Steps as large as the last ones were, by the gradients' own measure (Zeiler 2012).",
    .example = "o = nn.adadelta{rho = 0.95}",
    .options = adadelta_options,
    .needs = adadelta_needs,
    .step = adadelta_step,
};
