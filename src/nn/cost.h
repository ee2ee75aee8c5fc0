/* Costs, C = 1/n sum over examples of C_x(a, y). */
#ifndef NB_COST_H
#define NB_COST_H

#include "nn/activation.h"

typedef struct nb_cost_type nb_cost_type;

/* A cost with its options, a plain value: huber delta=2. */
typedef struct nb_cost {
    const nb_cost_type *type;
    double number[NB_CHOSEN_NUMBERS];
    bool logits, log;
} nb_cost;

/* What outputs a (n, …, K) are held against. */
typedef struct nb_answers {
    nb_tensor *y;       /* targets of a's shape, or NB_I32 class numbers 1…K (n, …) */
    nb_tensor *weights; /* (n): C is Σ w C_x / Σ w; NULL: all examples count alike */
} nb_answers;

struct nb_cost_type {
    const char *name;
    const char *help;         /* one line */
    const char *formula;      /* C_x in plain text */
    const char *example;      /* Lua that runs */
    const nb_option *options; /* into nb_cost; NULL: none */
    /* C as a 0-dimensional tensor from outputs a (n, …). `last` is the activation that made a, its
     * type NULL where there are several. y takes no gradient. */
    nb_tensor *(*of)(nb_ctx *ctx, const nb_cost *cost, nb_activation last, nb_tensor *a,
                     const nb_answers *y);
    /* Whether `of`, and the fused op where there is one, take class numbers as they are. NULL: no.
     */
    bool (*classes)(const nb_cost *cost, nb_activation last, int64_t units);
    /* Whether it takes what an activation makes, by its range (type NULL: nobody knows one).
     * NB_EARG
     * "`where` has relu, …" with the way out. NULL: it takes all. */
    nb_status (*check)(nb_ctx *ctx, const nb_cost *cost, nb_activation last, const char *where);
    /* The op that takes C from z where a = last(z), stably: its backward is BP1 in one step. Where
     * `last` is no built-in one, it takes C from a. NB_OPS or a NULL function: none. */
    nb_op_id (*fused)(const nb_cost *cost, nb_activation last, int64_t units);
    /* What C has besides what that op gives, of y alone; or NULL. */
    nb_status (*rest)(nb_ctx *ctx, const nb_answers *y, double *rest);
    /* The learning rate that suits it after `last` (type NULL: not known), `units` outputs, where
     * the neurons below stay within 0 … 1. NULL: lr. */
    double (*rate)(const nb_cost *cost, nb_activation last, int64_t units);
    /* The factor of C_x = factor Σ (a_j - y_j)² over so many outputs. NULL: no sum of squares. */
    double (*squares)(const nb_cost *cost, double outputs);
    double lr;  /* the same where it hangs on neither; 0: NB_RATE */
    bool signs; /* the targets of one output are -1 and 1, and its answer is its sign */
    const nb_host_function *host; /* NULL: built in */
};

#define NB_RATE 0.1

typedef enum nb_cost_id {
#define X(name) NB_COST_##name,
#include "nn/costs.def"
#undef X
    NB_COSTS
} nb_cost_id;

extern const nb_cost_type *const nb_costs[NB_COSTS];
extern const nb_family nb_cost_family;

const nb_cost_type *nb_cost_find(const char *name);
const char *nb_cost_name_at(const void *list, size_t i);

/* With the type's defaults. */
nb_cost nb_cost_make(const nb_cost_type *type);
/* "huber delta=2"; defaults are left out. */
void nb_cost_write(nb_text *text, const nb_cost *cost);
/* C from the outputs of `last`: by the op `fused` from z, or where that is NB_OPS from a. Checks
 * that a function of the host gives one number ("cost f must give one number, not 10x10"), and
 * refuses weights for it. */
nb_tensor *nb_cost_of(nb_ctx *ctx, const nb_cost *cost, nb_op_id fused, nb_activation last,
                      nb_tensor *out, const nb_answers *y);
/* An op that makes C, of outputs or of z. */
nb_tensor *nb_cost_op(nb_ctx *ctx, nb_op_id op, nb_tensor *out, const nb_answers *y);
/* Class numbers (…) as rows of zeros with a 1, (…, classes). */
nb_tensor *nb_one_hot(nb_ctx *ctx, nb_dtype dtype, int64_t classes, nb_tensor *numbers);
/* Whether class numbers are taken as they are, so that nobody makes them rows of a 1 among zeros.
 */
bool nb_cost_takes_classes(const nb_cost *cost, nb_activation last, int64_t units);
/* Whether the cost takes the outputs of this activation (type NULL: not known), as the type says.
 */
nb_status nb_cost_check(nb_ctx *ctx, const nb_cost *cost, nb_activation last, const char *where);
/* The number that one output, a, is above where it answers yes. */
double nb_cost_middle(const nb_cost *cost);
double nb_cost_rate(const nb_cost *cost, nb_activation last, int64_t units);
/* The fused op for this cost after so many units with this activation (type NULL: several, or not
 * known), or NB_OPS. */
nb_op_id nb_cost_fused(const nb_cost *cost, nb_activation last, int64_t units);

#endif
