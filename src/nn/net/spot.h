/* Where a number of a pass stands, in the user's words: "layer 2, neuron 3, example 17, step 4". */
#ifndef NB_SPOT_H
#define NB_SPOT_H

#include "nn/net/walk.h"

enum {
    NB_SPOT_TEXT = NB_WHERE_MAX + 160,
    NB_CULPRIT_TEXT = NB_SPOT_TEXT + 384 /* and what happened there */
};

/* What a pass's numbers are called by. */
typedef struct nb_spots {
    const nb_net *net;
    nb_numbering rows;
    int64_t n;                /* examples */
    const nb_tensor *lengths; /* of the output's steps, or NULL */
} nb_spots;

/* Element `at`, counted row by row, of a tensor that the forward of `layer` made (NULL: of what
 * makes the cost of its outputs). `before`: rather of what came into it, where it could be either.
 */
void nb_spot_text(const nb_spots *spots, const nb_layer *layer, bool before, const nb_tensor *t,
                  int64_t at, char out[NB_SPOT_TEXT]);
/* The same of a row of what examples were made into, (n, …) or (n steps, …). */
void nb_spot_row(const nb_spots *spots, const nb_layer *layer, int64_t rows, int64_t row,
                 char out[NB_SPOT_TEXT]);
/* Element `at` of x: "x of example 17, step 2, column 4"; of y. */
void nb_spot_x(const nb_spots *spots, const nb_tensor *x, int64_t at, char out[NB_SPOT_TEXT]);
void nb_spot_y(const nb_spots *spots, const nb_tensor *y, int64_t at, char out[NB_SPOT_TEXT]);
/* The parameter or buffer that has number `place` of the network's flat vector: "layer 2: w[3][5]".
 * False: none has. */
bool nb_spot_param(const nb_net *net, int64_t place, bool buffers, char out[NB_SPOT_TEXT]);
/* What a view sees of that vector: "layer 2: w", "layer 2: w[3]", "layer 2: w[3][1…4]", "all
 * parameters"; of other views the first number and how many. False: none of it. */
bool nb_spot_view(const nb_net *net, const nb_tensor *view, bool buffers, char out[NB_SPOT_TEXT]);

#endif
