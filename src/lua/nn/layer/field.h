/* What fields of layers and of neurons have in common: how they are read and set. */
#ifndef NBL_FIELD_H
#define NBL_FIELD_H

#include "lua/nbl.h"
#include "nn/layer.h"

/* Runs a job on a layer: as one of its network, where it has one. */
void nbl_layer_run(lua_State *L, nb_layer *layer, nbl_job *job, void *data);
/* Gives neurons the activation at stack index 3; `handle` is the layer's. */
void nbl_assign_activation(lua_State *L, nb_layer *layer, int handle, int64_t start, int64_t count);
/* A parameter's own elements, or those of one neuron (from 0; below 0: all), as a handle on the
 * stack's top. */
nb_tensor *nbl_push_part(lua_State *L, const nb_layer *layer, const char *key, int64_t neuron);
/* The values at stack index 3 into them. */
void nbl_assign_part(lua_State *L, nb_layer *layer, const char *key, int64_t neuron);
/* The value at stack index 3 as what `frozen`, `factor` and `name` (nil: "") are set to. */
bool nbl_check_frozen(lua_State *L);
double nbl_check_factor(lua_State *L);
const char *nbl_check_name(lua_State *L);

#endif
