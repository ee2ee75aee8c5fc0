/* The activations' descriptors. The formulas are kernels (kernel/unary.def) and ops; nothing here
 * loops over elements. */
#include "nn/activation.h"

#include "base/family.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define X(name) extern const nb_activation_type nb_activation_##name;
#include "nn/activations.def"
#undef X

const nb_activation_type *const nb_activations[NB_ACTIVATIONS] = {
#define X(name) &nb_activation_##name,
#include "nn/activations.def"
#undef X
};

NB_DEFINE_FAMILY(nb_activation_type, nb_activation, nb_activations, NB_ACTIVATIONS)
NB_DEFINE_CHOICES(nb_activation_type, nb_activation, "activation")

/* ---- The descriptors ------------------------------------------------------------------------ */

/* What a never leaves, bounds included; of a bound that is not simple, the next number outside. */
#define BETWEEN(LOW, HIGH) .low = (LOW), .high = (HIGH)

/* Elementwise, by a kernel. */
#define ELEMENTWISE(NAME, KERNEL, ...)                                                             \
    NB_DESCRIPTOR(nb_activation_type, nb_activation_##NAME) = {                                    \
        .name = #NAME,                                                                             \
        .kernel = NB_U_##KERNEL,                                                                   \
        .example = "net = nn.net \"4 - 3 " #NAME " - 1\"\n"                                        \
                   "nn." #NAME "(tensor{-1, 0, 1})\nnn." #NAME ".df(tensor{-1, 0, 1})",            \
        __VA_ARGS__,                                                                               \
    }

/* On all neurons of a layer together, by an op. */
#define WHOLE_LAYER(NAME, ...)                                                                     \
    NB_DESCRIPTOR(nb_activation_type, nb_activation_##NAME) = {                                    \
        .name = #NAME,                                                                             \
        .whole_layer = true,                                                                       \
        .op = NB_OP_##NAME,                                                                        \
        .example = "net = nn.net \"4 - 3 " #NAME "\"\n"                                            \
                   "nn." #NAME "(tensor{-1, 0, 1})\nnn." #NAME ".df(tensor{-1, 0, 1})",            \
        __VA_ARGS__,                                                                               \
    }

ELEMENTWISE(sigmoid, sigmoid, BETWEEN(0, 1), .formula = "1 / (1 + e^-z)", .init = "lecun",
            .help = "the book's neuron: from 0 to 1, saturates on both sides");
ELEMENTWISE(tanh, tanh, BETWEEN(-1, 1), .formula = "(e^z - e^-z) / (e^z + e^-z)", .init = "lecun",
            .help = "from -1 to 1, saturates on both sides; a sigmoid centred on 0");
ELEMENTWISE(relu, relu, BETWEEN(0, INFINITY), .formula = "max(0, z)", .init = "he",
            .help = "rectified linear unit: never saturates above 0, dead below");
static const nb_option slope_options[] = {
    {.name = "slope",
     .help = "of the line below 0",
     .range = "a number",
     .value = 0.01,
     .kind = NB_NUMBER,
     .offset = offsetof(nb_chosen, number[0])},
    NB_OPTIONS_END,
};

ELEMENTWISE(leaky_relu, leaky_relu, BETWEEN(-INFINITY, INFINITY),
            .formula = "z above 0, slope z below", .init = "he", .options = slope_options,
            .help = "relu with a small slope below 0, so that no neuron dies");
static const nb_option alpha_options[] = {
    {.name = "alpha",
     .help = "how far down it goes",
     .range = "a number from 0",
     .value = 1,
     .high = 1e30,
     .kind = NB_NUMBER,
     .offset = offsetof(nb_chosen, number[0])},
    NB_OPTIONS_END,
};

ELEMENTWISE(elu, elu, BETWEEN(-INFINITY, INFINITY), .formula = "z above 0, alpha (e^z - 1) below",
            .init = "he", .options = alpha_options,
            .help = "exponential linear unit (Clevert et al. 2016): a smooth relu down to -alpha");
ELEMENTWISE(
    selu, selu, BETWEEN(-1.7581, INFINITY), .formula = "1.0507 z above 0, 1.7581 (e^z - 1) below",
    .init = "lecun",
    .help = "scaled elu (Klambauer et al. 2017): keeps mean 0 and variance 1 from layer to layer");
ELEMENTWISE(gelu, gelu, BETWEEN(-0.17, INFINITY),
            .formula = "z Phi(z), Phi the normal distribution", .init = "he",
            .help = "Gaussian error linear unit (Hendrycks and Gimpel 2016), by erf");
ELEMENTWISE(silu, silu, BETWEEN(-0.2785, INFINITY), .formula = "z / (1 + e^-z)", .init = "he",
            .help = "sigmoid linear unit, also called swish: a smooth relu that dips below 0");
ELEMENTWISE(mish, mish, BETWEEN(-0.3089, INFINITY), .formula = "z tanh(log(1 + e^z))", .init = "he",
            .help = "Misra 2019: like silu, a little steeper");
ELEMENTWISE(softplus, softplus, BETWEEN(0, INFINITY), .formula = "log(1 + e^z)", .init = "he",
            .help = "a smooth relu, above 0 everywhere; its slope is the sigmoid");
ELEMENTWISE(softsign, softsign, BETWEEN(-1, 1), .formula = "z / (1 + |z|)", .init = "glorot",
            .help = "from -1 to 1 like tanh, saturates more slowly");
ELEMENTWISE(hard_sigmoid, hard_sigmoid, BETWEEN(0, 1), .formula = "z/6 + 1/2 held between 0 and 1",
            .init = "lecun", .help = "a sigmoid of three straight lines");
ELEMENTWISE(hard_tanh, hard_tanh, BETWEEN(-1, 1), .formula = "z held between -1 and 1",
            .init = "lecun", .help = "a tanh of three straight lines");
ELEMENTWISE(hard_silu, hard_silu, BETWEEN(-0.375, INFINITY), .formula = "z times hard_sigmoid(z)",
            .init = "he", .help = "a cheap silu (Howard et al. 2019, hard swish)");
ELEMENTWISE(relu6, relu6, BETWEEN(0, 6), .formula = "z held between 0 and 6", .init = "he",
            .help = "relu that stops at 6");
ELEMENTWISE(gaussian, gaussian, BETWEEN(0, 1), .formula = "e^(-z^2)", .init = "lecun",
            .help = "a bump: 1 at 0, falls to 0 on both sides");
ELEMENTWISE(sin, sin, BETWEEN(-1, 1), .formula = "sin z", .init = "lecun",
            .help = "a wave; never saturates");
ELEMENTWISE(exp, exp, BETWEEN(0, INFINITY), .formula = "e^z", .init = "lecun",
            .help = "rates and counts, above 0 everywhere; with poisson");
ELEMENTWISE(linear, copy, BETWEEN(-INFINITY, INFINITY), .formula = "z", .init = "lecun",
            .help = "the neuron's weighted input itself; for regression, and the book's exercise");
ELEMENTWISE(step, step, BETWEEN(0, 1), .formula = "0 below 0, else 1", .init = "lecun",
            .help = "the perceptron; its slope is 0, so nothing below it learns");
ELEMENTWISE(elliot, elliot, BETWEEN(0, 1), .formula = "z / (2 (1 + |z|)) + 1/2", .init = "glorot",
            .help = "a sigmoid without exponential (Elliott 1993)");
WHOLE_LAYER(softmax, BETWEEN(0, 1), .formula = "e^z_j / sum over k of e^z_k", .init = "lecun",
            .help = "probabilities: above 0, sum 1 over the layer; with cross_entropy");
WHOLE_LAYER(log_softmax, BETWEEN(-INFINITY, 0), .formula = "z_j - log(sum over k of e^z_k)",
            .init = "lecun", .help = "logarithms of softmax's probabilities");

/* ---- Values --------------------------------------------------------------------------------- */

nb_activation nb_activation_of(const nb_activation_type *type)
{
    nb_activation activation = {.type = type};
    nb_chosen_defaults(type->options, activation.number);
    return activation;
}

bool nb_activation_same(nb_activation a, nb_activation b)
{
    return a.type == b.type && memcmp(a.number, b.number, sizeof a.number) == 0;
}

void nb_activation_write(nb_text *text, nb_activation activation)
{
    nb_chosen chosen = {.type = activation.type};
    memcpy(chosen.number, activation.number, sizeof chosen.number);
    nb_chosen_write(text, &nb_activation_family, &chosen);
}
