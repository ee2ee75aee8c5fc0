/* Handles of neurons: one of a layer, and selections of several. */
#ifndef NBL_NEURON_H
#define NBL_NEURON_H

#include "lua/nbl.h"
#include "nn/layer.h"

/* Pushes neuron `number` (from 0) of the layer whose handle is at `handle`. */
void nbl_push_neuron(lua_State *L, int handle, int64_t number);
/* Makes a selection of the table on the stack's top, a list of neurons. */
void nbl_push_selection(lua_State *L);

/* Makes the metatables of both. */
void nbl_open_neurons(lua_State *L);

#endif
