/* Optimizers: objects with options and state, which improve the values of a problem step by step.
 */
#ifndef NB_OPTIMIZER_H
#define NB_OPTIMIZER_H

#include "base/option.h"
#include "nn/train/problem.h"

typedef struct nb_optimizer nb_optimizer;

/* Every optimizer's options, by name; a type lists those it has. */
typedef struct nb_optimizer_options {
    double lr;
    double momentum, momentum_decay;
    bool nesterov, amsgrad, centered;
    double beta1, beta2, rho, epsilon;
    double decay;                                   /* as the penalty's */
    double rate_decay, initial;                     /* adagrad */
    double eta_minus, eta_plus, step_min, step_max; /* rprop */
    double mu;                                      /* quickprop */
    int64_t history;
    double tolerance, decrease, curvature, radius; /* full-batch ones */
} nb_optimizer_options;

/* A vector of state that an optimizer needs. */
typedef struct nb_slot_need {
    const char *name; /* in files; a constant. NULL: it needs no more */
    int64_t count;    /* 0: a number for every value, in their dtype; else so many, in f64 */
    double initial;   /* before the first step */
    int64_t each;     /* of the first kind: so many numbers for every value; 0: one */
} nb_slot_need;

typedef struct nb_slot {
    const char *name;
    nb_tensor *value; /* flat */
} nb_slot;

typedef struct nb_optimizer_type {
    const char *name;
    const char *help; /* one line with the paper */
    const char *example;
    const nb_option *options; /* fields of nb_optimizer_options */
    /* Vector number i (from 0) of its state as the options stand. What an option that is set later
     * needs is added then; what is needed no more stays. */
    nb_slot_need (*needs)(const nb_optimizer *optimizer, int i);
    /* The lr for a network that `rate` suits in plain gradient descent; NULL: the options'. */
    double (*suit)(const nb_optimizer *optimizer, double rate);
    /* True when a step is w -= rate * gradient and nothing else; NULL: never. */
    bool (*plain)(const nb_optimizer *optimizer);
    /* Full batch: a step works on the whole set, an iteration, and its cost is a function that it
     * may ask for as often as it likes. */
    bool whole;
    bool squares;   /* it needs problem->squares, and no gradient */
    int64_t epochs; /* of such a one: the most iterations, unless the user says */
    /* Why there is nothing more to do ("the slope is 0"), NULL while there is; kept in its state.
     * Required of `whole` ones. */
    const char *(*done)(const nb_optimizer *optimizer);
    /* One step, number optimizer->steps + 1, with the state that it needs there. On failure values
     * and state must be as before. */
    nb_status (*step)(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem);
} nb_optimizer_type;

struct nb_optimizer {
    const nb_optimizer_type *type;
    nb_optimizer_options options;
    nb_slot *slot; /* a list of `slots`, each as its need says before the first step */
    int slots;
    int64_t steps;       /* done */
    int64_t evaluations; /* of a network's cost, residuals or Jacobian, in these */
    nb_reach reach;      /* of values and state; forgotten by whoever writes to the state */
};

typedef enum nb_optimizer_id {
#define X(name) NB_OPTIMIZER_##name,
#include "nn/train/optimizers/optimizers.def"
#undef X
    NB_OPTIMIZERS
} nb_optimizer_id;

extern const nb_optimizer_type *const nb_optimizer_types[NB_OPTIMIZERS];
const nb_optimizer_type *nb_optimizer_find(const char *name);
const char *nb_optimizer_name_at(const void *list, size_t i);

/* Fresh, with the type's defaults. Nothing to free before its first use. */
void nb_optimizer_init(nb_optimizer *optimizer, const nb_optimizer_type *type);
void nb_optimizer_free(nb_ctx *ctx, nb_optimizer *optimizer);
/* Makes `to`, which holds nothing, another with the same options, state and steps. */
nb_status nb_optimizer_copy(nb_ctx *ctx, nb_optimizer *to, const nb_optimizer *from);
/* Gives it the state that it needs for `count` values; NB_EARG when it already serves another
 * number of them or another dtype. */
nb_status nb_optimizer_prepare(nb_ctx *ctx, nb_optimizer *optimizer, nb_dtype dtype, int64_t count);

/* The vector of its state that has this name, which it needs (borrowed). */
nb_tensor *nb_optimizer_slot(const nb_optimizer *optimizer, const char *name);
/* Why it has converged, or NULL. */
const char *nb_optimizer_done(const nb_optimizer *optimizer);
/* A run begins: one that has converged starts anew, for the problem may be another. */
void nb_optimizer_begin(nb_optimizer *optimizer);

/* One step on a problem whose cost and gradient are known. Ctrl-C is looked for before the values
 * change, so that they are always those of a whole step. On any failure values and state are as
 * before. */
nb_status nb_optimizer_step(nb_ctx *ctx, nb_optimizer *optimizer, const nb_problem *problem);

#endif
