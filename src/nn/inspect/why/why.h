/* Why a neuron, or one of its weights, learns as slowly or as fast as it does: the factors of its
 * gradient (factors.h) beside those of its layer, and what would change them (cures.h). */
#ifndef NB_WHY_H
#define NB_WHY_H

#include "nn/inspect/why/cures.h"

/* Per input. Pixels with some ink have 0.5, outputs of sigmoid and relu 0.5 to 0.7, of tanh 0.3.
 * Half of that is quiet: of 828 neurons made slow by their slope, the demand on them or their
 * inputs, bounds of 1, 0.5, 0.3, 0.2 and 0.1 named 78, 80, 83, 83 and 75 % right. */
#define NB_QUIET 0.25

typedef struct nb_question {
    nb_layer *layer; /* of the network */
    nb_neuron_place neuron;
    int64_t input;       /* which weight of it, from 0; -1: all */
    nb_weighing weights; /* of the examples */
} nb_question;

typedef struct nb_why {
    double own[NB_FACTOR_ALL];
    /* Over the neurons of its layer (of its kind of gate); of one weight over the neuron's inputs
     * (NB_FACTOR_INPUTS), the layer's neurons (demand, slope), all of their weights (the rest). */
    double median[NB_FACTOR_ALL];
    /* What can be compared: own / median; but for a whole neuron its inputs per input, and of a
     * neuron alone in its layer all as they are. 1 where both are 0. */
    double relative[NB_FACTORS];
    nb_factor smallest; /* of those; inputs of a neuron with neighbours, which mostly see the same,
                           only below NB_QUIET */
    bool alone;         /* there are no neighbours */
    double places;      /* P: of an example */
    double saturated;   /* the share of terms whose slope is below NB_SATURATED, */
    double dead;        /* … and 0 */
    const nb_layer *table; /* of the network: a table of words that the layer's w is too, whose part
                              of ∂C/∂w is not in its size; or NULL */
    nb_cure cure[NB_CURES];
    int cures;
} nb_why;

/* Whether a layer of the network can be asked; NB_EARG names those that can. */
nb_status nb_why_check(nb_ctx *ctx, const nb_net *net, const nb_layer *layer);
/* Answers from passes in f64 over a copy, evaluating. Changes nothing of the network. */
nb_status nb_why_ask(nb_ctx *ctx, nb_net *net, const nb_set *set, const nb_question *question,
                     nb_why *out);

#endif
