/* Optimizers: objects with state, each step one fused loop over the flat vector. */
#ifndef NB_OPTIMIZER_H
#define NB_OPTIMIZER_H

#include "base/option.h"
#include "nn/net/learn.h"

enum { NB_OPTIMIZER_SLOTS = 2 };

typedef struct nb_optimizer nb_optimizer;

/* Every optimizer's options, by name; a type lists those it has. */
typedef struct nb_optimizer_options {
    double lr;
    double momentum;
    bool nesterov;
    double beta1, beta2, epsilon;
} nb_optimizer_options;

typedef struct nb_optimizer_type {
    const char *name;
    const char *help; /* one line with the paper */
    const char *example;
    const nb_option *options; /* fields of nb_optimizer_options */
    int slots;                /* flat vectors of state */
    /* True when a step is w -= lr * gradient and nothing else. */
    bool (*plain)(const nb_optimizer *optimizer);
    /* One step on n parameters; cannot fail. */
    void (*step)(nb_optimizer *optimizer, nb_dtype dtype, size_t n, void *w, const void *g);
} nb_optimizer_type;

struct nb_optimizer {
    const nb_optimizer_type *type;
    nb_optimizer_options options;
    nb_tensor *slot[NB_OPTIMIZER_SLOTS]; /* NULL before the first step */
    int64_t steps;
};

typedef enum nb_optimizer_id {
#define X(name) NB_OPTIMIZER_##name,
#include "nn/train/optimizers.def"
#undef X
    NB_OPTIMIZERS
} nb_optimizer_id;

extern const nb_optimizer_type *const nb_optimizer_types[NB_OPTIMIZERS];
const nb_optimizer_type *nb_optimizer_find(const char *name);
const char *nb_optimizer_name_at(const void *list, size_t i);

/* Fresh, with the type's defaults. Nothing to free before its first use. */
void nb_optimizer_init(nb_optimizer *optimizer, const nb_optimizer_type *type);
void nb_optimizer_free(nb_ctx *ctx, nb_optimizer *optimizer);
/* Makes its state fit a net; NB_EARG when it already serves one of another size or dtype. */
nb_status nb_optimizer_prepare(nb_ctx *ctx, nb_optimizer *optimizer, const nb_net *net);

/* One step of learning on prepared examples: forward, backward, update. On any failure the
 * parameters are as before. keep_grads: net->grads holds the gradient afterwards; without, plain
 * gradient descent adds BP3 and BP4 straight into the parameters. */
nb_status nb_optimizer_step(nb_ctx *ctx, nb_optimizer *optimizer, nb_net *net, nb_tensor *x,
                            nb_tensor *y, bool keep_grads, double *cost);

#endif
