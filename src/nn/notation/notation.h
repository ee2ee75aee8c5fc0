/* The notation of networks, "64 - 30 - 10 : quadratic", and the specification that it is read into.
 *
 *   net        shape ('-' layer)+ [':' COST]
 *   shape      SIZE, or SIZExSIZE…
 *   layer      [LAYER] SIZE… activation… option…        a bare size is a dense layer
 *   activation NAME, or NAME@NEURON, or NAME@FIRST..LAST for neurons that differ, counted from 1
 *   option     init=NAME, name=NAME
 *
 * Names begin with a letter or '_' and go on with those and digits. White space, newlines included,
 * may stand between any two parts, and must where two would read as one. */
#ifndef NB_NOTATION_H
#define NB_NOTATION_H

#include "nn/cost.h"
#include "nn/layer.h"

enum { NB_INPUT_DIMS_MAX = NB_MAX_DIMS - 1 }; /* of one example: a batch has one more */

/* The largest size and neuron number that can be written. */
#define NB_SIZE_MAX ((int64_t)1 << 31)

/* Names that the host adds to the built-in ones (nn.activation{name = …}); either may be NULL, and
 * each gives NULL for a name that it does not know. */
typedef struct nb_resolver {
    const nb_activation *(*activation)(nb_ctx *ctx, void *self, const char *name);
    const nb_cost *(*cost)(nb_ctx *ctx, void *self, const char *name);
    void *self;
} nb_resolver;

typedef struct nb_net_spec {
    int in_dims;
    int64_t in_shape[NB_MAX_DIMS];
    nb_layer_spec *layer; /* a growing list */
    int layers, room;
    const nb_cost *cost;
} nb_net_spec;

/* Specifications. Zero one before use. */
nb_layer_spec *nb_net_spec_add(nb_ctx *ctx, nb_net_spec *spec); /* a zeroed one, or NULL */
/* Frees the list and the runs of its layers (each a block of run_count runs); leaves an empty one.
 */
void nb_net_spec_free(nb_ctx *ctx, nb_net_spec *spec);

/* Reads a network into an empty spec; the cost is the quadratic one where none is written. NB_EARG
 * shows the text with the place marked and says what was expected; the spec is empty then. resolver
 * may be NULL. */
nb_status nb_notation_parse(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                            nb_net_spec *spec);
/* One item of it ("dense 30 relu", "30") into a zeroed spec, for tables that hold strings. Whoever
 * owns the spec frees its runs. */
nb_status nb_notation_parse_layer(nb_ctx *ctx, const char *text, const nb_resolver *resolver,
                                  nb_layer_spec *layer);
/* True for what notation reads as one name of at most NB_NAME_MAX - 1 letters: names of layers, and
 * of the host's activations and costs. */
bool nb_notation_is_name(const char *name);

#endif
