/* Layers as values of a table: nn.dense{30, "relu"}, before a network is built from them. */
#ifndef NBL_LAYER_VALUE_H
#define NBL_LAYER_VALUE_H

#include "lua/nbl.h"
#include "nn/layer.h"

/* False when the value at `arg` is no layer; else fills `out` and adds what it needs to the set at
 * `held`. */
bool nbl_test_layer_value(lua_State *L, int arg, int held, nb_layer_spec *out);
/* Makes a layer of the bare function at `arg`; adds its handle to the set at `held`. */
void nbl_function_layer(lua_State *L, int arg, int held, nb_layer_spec *out);

/* Adds a constructor for every kind of layer to the table on the stack's top. */
void nbl_open_layer_values(lua_State *L);

#endif
