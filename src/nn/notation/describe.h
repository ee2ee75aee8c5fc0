/* A network as text: its notation, and the table that the prompt shows. */
#ifndef NB_DESCRIBE_H
#define NB_DESCRIBE_H

#include "base/text.h"
#include "nn/net.h"

enum {
    NB_DESCRIBE_LAYERS = 100,   /* the most that the table shows; of more, the first and the last */
    NB_DESCRIBE_ACTIVATION = 32 /* columns of a layer's activations; the rest is cut */
};

/* The notation of a network. Reading it back builds the same one, unless a layer is of a type that
 * needs the table form. */
void nb_notation_write(nb_text *text, const nb_net *net);
/* Notation, then the table of layers with output, activation and parameters; no newline at its end.
 */
void nb_net_describe(nb_text *text, const nb_net *net);

#endif
