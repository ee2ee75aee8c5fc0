/* Where in a network an instrument is to look, as methods are told: a layer and a neuron. */
#ifndef NBL_SEAT_H
#define NBL_SEAT_H

#include "lua/nn/part.h"

/* The layer that the argument names by its number, its path or name, or a handle; *place: where it
 * stands in a pass. A shared layer stands at several places: its name and its handle lead to the
 * first, a number or a path of numbers to any. */
nb_layer *nbl_check_place(lua_State *L, int arg, nbl_net *self, int *place);
/* The number of one of its neurons, from 0. */
int64_t nbl_check_neuron(lua_State *L, int arg, const nb_layer *layer);

#endif
