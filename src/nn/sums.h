/* z = w a + b: what a type of layer says of its neurons, so that whoever explains a network can ask
 * each of them for its inputs and its weights.
 *
 * A family is neurons that see the same inputs: all of a layer, those of one group of channels, or
 * one kind of gate. A place is where they see them once: an example, a step, a place of a window.
 */
#ifndef NB_SUMS_H
#define NB_SUMS_H

#include "nn/layer.h"

typedef struct nb_neurons {
    char name[NB_NAME_MAX]; /* "forget": they are called "forget 1", "forget 2", …; "": by their
                               numbers alone. Families of one name follow each other */
    int64_t first;          /* number of the first among all of its name, from 0 */
    int64_t count, inputs;  /* of each of them, at one place */
} nb_neurons;

/* What one neuron has of a parameter: a stretch of each of its first two dimensions. */
typedef struct nb_stretch {
    char param[NB_NAME_MAX];
    bool bias;
    int dims; /* 1 or 2: the others are whole */
    int64_t start[2], count[2];
} nb_stretch;

enum { NB_STRETCHES = 4 };

struct nb_sums_type {
    int (*families)(const nb_layer *layer);
    nb_neurons (*family)(const nb_layer *layer, int i);
    /* Of neuron k of family i, from 0: its weights in the order of its inputs, then its biases.
     * Returns their number. */
    int (*stretches)(const nb_layer *layer, int i, int64_t k, nb_stretch out[NB_STRETCHES]);
    /* What family i sees of what came in, (n, in…) with padding 0: (n, places, inputs), the places
     * in the order of z. NULL: the layer shows its sums itself where it is opened (nb_walk_opens).
     */
    nb_tensor *(*rows)(nb_ctx *ctx, const nb_layer *layer, int i, nb_tensor *in);
};

/* For types with one family, the neurons of the plan: of a parameter w (neurons, …), and b. */
int nb_sums_one(const nb_layer *layer);
int nb_sums_stretches(const nb_layer *layer, int64_t k, nb_stretch out[NB_STRETCHES]);

/* A neuron of a layer: its family and its number in it, from 0. */
typedef struct nb_neuron_place {
    int family;
    int64_t k;
} nb_neuron_place;

/* How many neurons of the layer have this name. */
int64_t nb_sums_count(const nb_layer *layer, const char *name);
/* Finds neuron number k, from 0, of those called `name` ("": of a layer whose neurons go by numbers
 * alone). NB_EARG says what there is. */
nb_status nb_sums_find(nb_ctx *ctx, const nb_layer *layer, const char *name, int64_t k,
                       nb_neuron_place *out);
/* The families first … last - 1 that share the name of family i. */
void nb_sums_alike(const nb_layer *layer, int i, int *first, int *last);
/* The part of a tensor that has the parameter's shape: its value, its gradient. A view. */
nb_tensor *nb_stretch_of(nb_ctx *ctx, nb_tensor *param, const nb_stretch *stretch);

#endif
