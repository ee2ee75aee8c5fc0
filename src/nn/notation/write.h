/* Networks as notation, and what their other text, the table, shares with it. */
#ifndef NB_WRITE_H
#define NB_WRITE_H

#include "nn/net/net.h"
#include "nn/notation/repeat.h"

/* The notation of a network that was built. Reading it back builds the same one, unless a layer is
 * of a type that needs the table form. */
void nb_notation_write(nb_text *text, const nb_net *net);
/* One layer, with or without a network. */
void nb_notation_write_layer(nb_text *text, nb_layer *layer);
/* A walk through a network's layers, place after place. */
typedef struct nb_writer {
    nb_ctx *ctx;
    /* The blocks around the place, the outermost first, and how many children of each are before
     * it. */
    nb_layer *block[NB_LAYER_DEPTH + 2];
    int before[NB_LAYER_DEPTH + 2];
    int blocks;
    /* The shared layers that were met so far. */
    struct nb_met {
        const nb_layer *layer;
        char path[NB_PATH_MAX]; /* of the first place */
    } * met;
    int mets, room;
    bool frozen; /* a block around the place says so for all in it */
    bool failed; /* memory ended */
} nb_writer;

/* Whether a layer stands at several places, as far as that is known. */
bool nb_write_is_shared(const nb_layer *layer);
/* At the next place of a layer: where it is shared and was met before, adds "@name" or "@path" and
 * returns true. */
bool nb_write_again(nb_writer *w, nb_text *text, const nb_layer *layer);
/* One item as notation writes it, with all below it, added to `text`; *item gets what is known of
 * it but the text. */
void nb_write_item(nb_writer *w, nb_text *text, nb_layer *layer, nb_repeat_item *item);
/* "sigmoid relu@7 tanh@9..12", stopping once the text is longer than `most` bytes. */
void nb_write_activations(nb_text *text, const nb_layer *layer, const char *between, size_t most);
void nb_write_end(nb_writer *w);

#endif
