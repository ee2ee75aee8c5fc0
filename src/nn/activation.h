/* Activations: their descriptors, and what a neuron has: one of them with its options. */
#ifndef NB_ACTIVATION_H
#define NB_ACTIVATION_H

#include "base/option.h"
#include "grad/op.h"

/* A function that the host brings: tensors in, one tensor out, recorded on the tape when the
 * context records. NULL with NB_ECALLBACK when it raised, or NB_EARG when it gave something else
 * back. */
typedef struct nb_host_function {
    nb_tensor *(*call)(nb_ctx *ctx, const struct nb_host_function *self, nb_tensor *const *in,
                       int count);
    uint64_t id; /* the host's own key */
} nb_host_function;

typedef struct nb_activation_type {
    const char *name;
    const char *help;             /* one line */
    const char *formula;          /* f, in plain text */
    const char *init;             /* the initialiser that suits it */
    const char *example;          /* Lua that runs */
    const nb_option *options;     /* into nb_activation.number; NULL: none */
    double low, high;             /* a never leaves them, whatever the options; NaN: not known */
    nb_unary kernel;              /* of elementwise built-in ones; it takes the numbers */
    bool whole_layer;             /* softmax: acts on all neurons of a layer together, by op */
    nb_op_id op;                  /* of whole_layer ones */
    const nb_host_function *host; /* NULL: built in */
} nb_activation_type;

/* One with its options, a plain value: leaky_relu(slope=0.2). */
typedef struct nb_activation {
    const nb_activation_type *type;
    double number[NB_CHOSEN_NUMBERS];
} nb_activation;

typedef enum nb_activation_id {
#define X(name) NB_ACT_##name,
#include "nn/activations.def"
#undef X
    NB_ACTIVATIONS
} nb_activation_id;

extern const nb_activation_type *const nb_activations[NB_ACTIVATIONS];
extern const nb_family nb_activation_family;

/* The built-in one called `name`, or NULL. */
const nb_activation_type *nb_activation_find(const char *name);
/* The i-th built-in name, for nb_nearest; `list` is not used. */
const char *nb_activation_name_at(const void *list, size_t i);

/* With the type's defaults. */
nb_activation nb_activation_of(const nb_activation_type *type);
bool nb_activation_same(nb_activation a, nb_activation b);
/* "leaky_relu(slope=0.2)"; defaults are left out. */
void nb_activation_write(nb_text *text, nb_activation activation);

#endif
