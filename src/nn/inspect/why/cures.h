/* What would make a neuron learn faster: each change is made on a copy of the network and its
 * gradient measured there, over the same examples. */
#ifndef NB_WHY_CURES_H
#define NB_WHY_CURES_H

#include "nn/inspect/why/survey.h"

typedef enum nb_cure_kind {
    NB_CURE_ACTIVATION, /* another one for this neuron */
    NB_CURE_COST,       /* cross-entropy instead of squares */
    NB_CURE_BIAS,       /* moved so that the mean of its z is 0 */
    NB_CURE_WEIGHTS,    /* as large as its initialiser makes them */
    NB_CURES
} nb_cure_kind;

typedef struct nb_cure {
    nb_cure_kind kind;
    char to[NB_NAME_MAX]; /* the activation, the cost, the initialiser; "" */
    double change;        /* what is added to b; what w is multiplied by; else 0 */
    double size, factor;  /* of the gradient then, and by what it is multiplied */
} nb_cure;

/* The names of the kinds: "activation", "cost", … */
extern const char *const nb_cure_names[NB_CURES];

/* Whose gradient it is, as it was measured. */
typedef struct nb_patient {
    nb_neuron_place neuron;
    int64_t input; /* of the one weight, from 0; -1: the neuron */
    double size;   /* of its gradient */
    double mean_z; /* over its own terms */
    bool dead;     /* its slope is 0 more often than below NB_SATURATED and not 0 */
} nb_patient;

/* Tries each that the neuron can have; what a change makes of the network must have a cost that is
 * finite, else it is left out. Changes nothing of the survey's network. */
nb_status nb_cures_try(nb_ctx *ctx, nb_survey *survey, const nb_patient *patient,
                       nb_cure out[NB_CURES], int *count);

#endif
