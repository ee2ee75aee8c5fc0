/* A network as text: its notation, and the table that the prompt shows. */
#ifndef NB_DESCRIBE_H
#define NB_DESCRIBE_H

#include "base/text.h"
#include "nn/net/net.h"

enum {
    NB_DESCRIBE_LAYERS = 100,   /* the most rows of the table; of more, the first and the last */
    NB_DESCRIBE_ACTIVATION = 32 /* columns of a layer's activations; the rest is cut */
};

/* Notation, then the table of layers with output, activation, parameters, the multiplications of an
 * example's forward pass and the memory that its outputs take in training (of one step where sizes
 * are free: the last line says so): layers by their paths, those of a block below it and further
 * in, its figures counted with theirs; a list that repeats once, below a row that says how often
 * and counts all; shared layers at later places without parameters. Where the context's
 * window is narrower, what explains least is left out first; from 20 columns on no row is wider. A
 * script's is of NB_COLUMNS, whatever window it is started in, so that what it prints is the same
 * everywhere. No newline at its end. */
void nb_net_describe(nb_text *text, const nb_net *net);

#endif
