/* Numbers of a network by name: "w[2][4][17]". */
#ifndef NB_PLACE_H
#define NB_PLACE_H

#include "nn/net/net.h"

enum { NB_PLACE_TEXT = 192 };

/* The place, depth first from 0, at which the layer of a path (nb_net_layer) stands: a shared layer
 * has several, and each path of numbers leads to one. -1 with NB_EARG. */
int nb_net_place(nb_ctx *ctx, nb_net *net, const char *path);
/* Name, layer, then the index of element `at` of a tensor of this shape, all from 1; what does not
 * fit is cut. Returns `out`. */
const char *nb_place_text(const char *name, const char *path, int dims, const int64_t *shape,
                          int64_t at, char out[NB_PLACE_TEXT]);
/* That of number `at` (from 0) of a network's flat parameters. */
const char *nb_param_text(const nb_net *net, int64_t at, char out[NB_PLACE_TEXT]);

#endif
