/* The kinds of optimizers: their options and their loops' calls. */
#include "nn/train/optimizer.h"

#include "base/family.h"
#include "kernel/kernel.h"

#define AT(field) offsetof(nb_optimizer_options, field)

static bool sgd_plain(const nb_optimizer *optimizer)
{
    return optimizer->options.momentum == 0;
}

/* w -= lr g, or with momentum v = μ v - lr g, w += v */
static void sgd_step(nb_optimizer *optimizer, nb_dtype dtype, size_t n, void *w, const void *g)
{
    const nb_optimizer_options *o = &optimizer->options;
    const nb_real_kernels *real = nb_real(dtype);
    if (sgd_plain(optimizer))
        real->axpy(n, -o->lr, g, w);
    else
        real->momentum(n, w, g, nb_tensor_data(optimizer->slot[0]), o->lr, o->momentum,
                       o->nesterov);
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
    .slots = 1,
    .plain = sgd_plain,
    .step = sgd_step,
};

static bool adam_plain(const nb_optimizer *optimizer)
{
    (void)optimizer;
    return false;
}

static void adam_step(nb_optimizer *optimizer, nb_dtype dtype, size_t n, void *w, const void *g)
{
    const nb_optimizer_options *o = &optimizer->options;
    nb_real(dtype)->adam(n, w, g, nb_tensor_data(optimizer->slot[0]),
                         nb_tensor_data(optimizer->slot[1]), o->lr, o->beta1, o->beta2, o->epsilon,
                         optimizer->steps);
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
    .slots = 2,
    .plain = adam_plain,
    .step = adam_step,
};
