/* The kinds of optimizers: their options, what they keep, and their rules. */
#include "nn/train/optimizer.h"

#include "base/family.h"

#define AT(field) offsetof(nb_optimizer_options, field)

static bool sgd_plain(const nb_optimizer *optimizer)
{
    return optimizer->options.momentum == 0;
}

static nb_slot_need sgd_needs(const nb_optimizer *optimizer, int i)
{
    bool more = i == 0 && !sgd_plain(optimizer);
    return (nb_slot_need){.name = more ? "velocity" : NULL};
}

/* Of a gradient that stays the same momentum makes 1/(1 - μ) steps. The rest keeps neurons from
 * being driven into saturation at the start, when all gradients point one way. */
static double sgd_suit(const nb_optimizer *optimizer, double rate)
{
    double momentum = optimizer->options.momentum;
    return rate * (1 - momentum) / (1 + momentum);
}

/* w -= lr g */
static void descend(const void *self, const nb_real_kernels *real, const nb_stretch *s)
{
    (void)self;
    real->axpy(s->n, -s->rate, s->g, s->w);
}

/* v = μ v - lr g, w += v */
static void roll(const void *self, const nb_real_kernels *real, const nb_stretch *s)
{
    const nb_optimizer_options *o = &((const nb_optimizer *)self)->options;
    real->momentum(s->n, s->w, s->g, s->state[0], s->rate, o->momentum, o->nesterov);
}

static nb_status sgd_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    if (sgd_plain(optimizer))
        nb_problem_update(ctx, problem, NULL, 0, descend, optimizer);
    else
        nb_problem_update(ctx, problem, &optimizer->slot[0].value, 1, roll, optimizer);
    return NB_OK;
}

static const nb_option sgd_options[] = {
    {.name = "lr",
     .help = "learning rate, the book's η (eta)",
     .range = "a number above 0",
     .value = 0.1,
     .low = 0,
     .high = 1e30,
     .above = true,
     .kind = NB_NUMBER,
     .offset = AT(lr)},
    {.name = "momentum",
     .help = "share of the last step that goes on",
     .range = "a number from 0, below 1",
     .low = 0,
     .high = 1 - 0x1p-53,
     .kind = NB_NUMBER,
     .offset = AT(momentum)},
    {.name = "nesterov",
     .help = "look ahead along the momentum",
     .range = "true or false",
     .low = 0,
     .high = 1,
     .kind = NB_BOOLEAN,
     .offset = AT(nesterov)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_sgd) = {
    .name = "sgd",
    .help = "Gradient descent, plain or with momentum, Nesterov's too (Sutskever et al. 2013).",
    .example = "o = nn.sgd{lr = 0.5, momentum = 0.9}",
    .options = sgd_options,
    .needs = sgd_needs,
    .suit = sgd_suit,
    .plain = sgd_plain,
    .step = sgd_step,
};

static bool adam_plain(const nb_optimizer *optimizer)
{
    (void)optimizer;
    return false;
}

static nb_slot_need adam_needs(const nb_optimizer *optimizer, int i)
{
    static const char *const names[] = {"mean", "square", NULL};
    (void)optimizer;
    return (nb_slot_need){.name = names[i]};
}

static void adapt(const void *self, const nb_real_kernels *real, const nb_stretch *s)
{
    const nb_optimizer *optimizer = self;
    const nb_optimizer_options *o = &optimizer->options;
    real->adam(s->n, s->w, s->g, s->state[0], s->state[1], s->rate, o->beta1, o->beta2, o->epsilon,
               optimizer->steps + 1);
}

static nb_status adam_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem)
{
    nb_tensor *state[2] = {optimizer->slot[0].value, optimizer->slot[1].value};
    nb_problem_update(ctx, problem, state, 2, adapt, optimizer);
    return NB_OK;
}

static const nb_option adam_options[] = {
    {.name = "lr",
     .help = "learning rate",
     .range = "a number above 0",
     .value = 1e-3,
     .low = 0,
     .high = 1e30,
     .above = true,
     .kind = NB_NUMBER,
     .offset = AT(lr)},
    {.name = "beta1",
     .help = "decay of the mean of gradients",
     .range = "a number from 0 to below 1",
     .value = 0.9,
     .low = 0,
     .high = 0.9999999,
     .kind = NB_NUMBER,
     .offset = AT(beta1)},
    {.name = "beta2",
     .help = "decay of the mean of squared gradients",
     .range = "a number from 0 to below 1",
     .value = 0.999,
     .low = 0,
     .high = 0.9999999,
     .kind = NB_NUMBER,
     .offset = AT(beta2)},
    {.name = "epsilon",
     .help = "added to the root of the mean of squares",
     .range = "a number above 0",
     .value = 1e-8,
     .low = 0,
     .high = 1,
     .above = true,
     .kind = NB_NUMBER,
     .offset = AT(epsilon)},
    NB_OPTIONS_END,
};

NB_DESCRIPTOR(nb_optimizer_type, nb_optimizer_adam) = {
    .name = "adam",
    .help = "Adam (Kingma and Ba 2015), with corrected biases.",
    .example = "o = nn.adam{lr = 0.002}",
    .options = adam_options,
    .needs = adam_needs,
    .plain = adam_plain,
    .step = adam_step,
};
