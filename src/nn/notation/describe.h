/* A network as text: its notation, and the table that the prompt shows. */
#ifndef NB_DESCRIBE_H
#define NB_DESCRIBE_H

#include "base/text.h"
#include "nn/net/net.h"

enum {
    NB_DESCRIBE_LAYERS = 100,   /* the most rows of the table; of more, the first and the last */
    NB_DESCRIBE_ACTIVATION = 32 /* columns of a layer's activations; the rest is cut */
};

/* The notation of a network that was built. Reading it back builds the same one, unless a layer is
 * of a type that needs the table form. */
void nb_notation_write(nb_text *text, const nb_net *net);
/* One layer, with or without a network. */
void nb_notation_write_layer(nb_text *text, nb_layer *layer);
/* One layer, part of a network or not, as an item of notation. */
void nb_layer_write(nb_text *text, nb_layer *layer);
/* Notation, then the table of layers with output, activation and parameters: layers by their paths,
 * those of a block below it and further in, its parameters counted with theirs; a list that repeats
 * once, below a row that says how often and counts all; shared layers at later places without
 * parameters. No newline at its end. */
void nb_net_describe(nb_text *text, const nb_net *net);

#endif
