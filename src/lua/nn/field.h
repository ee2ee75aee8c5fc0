/* Fields that every layer has, a network as one too. */
#ifndef NBL_FIELD_H
#define NBL_FIELD_H

#include "lua/nbl.h"
#include "nn/layer.h"

/* Pushes the field; false where there is none of that name (key NULL: none). */
bool nbl_push_layer_field(lua_State *L, const nb_layer *layer, const char *key);
/* Sets it to the value at stack index 3 likewise. */
bool nbl_set_layer_field(lua_State *L, nb_layer *layer, const char *key);

#endif
