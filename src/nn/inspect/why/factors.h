/* How large a gradient is, and why: |∂C/∂w| = P A D S K X, exactly. Over N terms t = a d s, P of
 * them for each of n examples: A, D, S are the root mean squares of the three, K = mean|t| / (A D
 * S) says whether they come together, X = |mean t| / mean|t| whether the examples agree. For a
 * whole neuron a and t are vectors, |a| and |t| their lengths. */
#ifndef NB_WHY_FACTORS_H
#define NB_WHY_FACTORS_H

#include "nn/inspect/why/terms.h"

#define NB_SATURATED 0.01 /* a slope below it hardly moves what is before it */

typedef enum nb_factor {
    NB_FACTOR_INPUTS,      /* A */
    NB_FACTOR_DEMAND,      /* D */
    NB_FACTOR_SLOPE,       /* S */
    NB_FACTOR_COINCIDENCE, /* K; 1 where A D S is 0 */
    NB_FACTOR_AGREEMENT,   /* X; 1 where mean|t| is 0 */
    NB_FACTORS,
    NB_FACTOR_SIZE = NB_FACTORS, /* |∂C/∂w| */
    NB_FACTOR_ALL
} nb_factor;

/* Their names in results: "inputs", "demand", … */
extern const char *const nb_factor_names[NB_FACTOR_ALL];

/* Sums over terms of one family's neurons, or of one of them. */
typedef struct nb_tally {
    nb_neurons family;
    int64_t only;            /* the one neuron, from 0; -1: all */
    bool weights;            /* of every weight alone too */
    int64_t count;           /* of neurons that it has */
    double terms, own;       /* N; of these the layer's own, without those of others with its w */
    double *numbers;         /* the block in which those below stand */
    double *a, *d, *s, *t;   /* (count): Σ |a|², Σ d², Σ s², Σ |t| */
    double *z, *low, *none;  /* (count): Σ z, of own ones; slopes below NB_SATURATED, and 0 */
    double *sum;             /* (count, inputs): Σ t */
    double *a_each, *t_each; /* (count, inputs): Σ a², Σ |t|, where `weights` */
} nb_tally;

nb_status nb_tally_begin(nb_ctx *ctx, nb_tally *tally, nb_neurons family, int64_t only,
                         bool weights);
void nb_tally_free(nb_ctx *ctx, nb_tally *tally);
/* Adds the terms, of which d and t count `scale` times. An nb_terms_taker gives them. */
nb_status nb_tally_add(nb_ctx *ctx, nb_tally *tally, const nb_terms *terms, double scale);

/* What the terms are the mean of. */
typedef struct nb_counts {
    double examples; /* n */
    double scale;    /* of d and t, in the end */
} nb_counts;

/* Of neuron `at` of the tally, its weight from input j, or all of them where j is below 0. */
void nb_factors_of(const nb_tally *tally, const nb_counts *counts, int64_t at, int64_t j,
                   double out[NB_FACTOR_ALL]);

#endif
