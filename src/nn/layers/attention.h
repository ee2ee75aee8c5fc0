/* What the heads of attention look at. */
#ifndef NB_LAYER_ATTENTION_H
#define NB_LAYER_ATTENTION_H

#include "nn/net/walk.h"

/* The share that every step gives each step of its sequence, (n, heads, T, T), off the tape, of an
 * attention layer that x (n, T, features) comes to: by the op that the layer runs. Padding neither
 * looks nor is looked at. */
nb_tensor *nb_attention_shares(nb_walk *walk, nb_layer *layer, nb_tensor *x);

#endif
