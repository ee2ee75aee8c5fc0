/* Initialisers: how weights begin. */
#ifndef NB_INIT_H
#define NB_INIT_H

#include "base/option.h"
#include "base/random.h"
#include "tensor/tensor.h"

/* What a parameter is filled by: connections into and out of a neuron, and the initialiser's own
 * numbers. */
typedef struct nb_fans {
    int64_t in, out;
    const double *number;
} nb_fans;

typedef struct nb_init_type {
    const char *name;
    const char *help; /* one line, with the formula and its source */
    const char *example;
    const nb_option *options; /* into nb_init.number; NULL: none */
    bool biases; /* it says how the neurons' biases begin too, else 0: `in` is then that of their
                    weights */
    /* The root of the mean square of what it draws for rows × columns of weights. NULL: nothing is
     * drawn. */
    double (*spread)(const nb_fans *fans, int64_t rows, int64_t columns);
    /* Fills a contiguous tensor. */
    nb_status (*fill)(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream);
} nb_init_type;

/* One with its options, a plain value: constant(value=2). */
typedef struct nb_init {
    const nb_init_type *type;
    double number[NB_CHOSEN_NUMBERS];
} nb_init;

typedef enum nb_init_id {
#define X(name) NB_INIT_##name,
#include "nn/inits.def"
#undef X
    NB_INITS
} nb_init_id;

extern const nb_init_type *const nb_inits[NB_INITS];
extern const nb_family nb_init_family;
const nb_init_type *nb_init_find(const char *name);
const char *nb_init_name_at(const void *list, size_t i);
/* With the type's defaults. */
nb_init nb_init_of(const nb_init_type *type);
bool nb_init_same(nb_init a, nb_init b);
/* Of a parameter w of this shape; 0 where nothing is drawn. */
double nb_init_spread(nb_init init, const nb_tensor *w, int64_t fan_in, int64_t fan_out);
nb_status nb_init_fill(nb_ctx *ctx, nb_init init, nb_tensor *w, int64_t fan_in, int64_t fan_out,
                       nb_stream *stream);

#endif
