/* What layers and networks, which are layers too, have in common for Lua: fields and names. */
#ifndef NBL_LAYER_H
#define NBL_LAYER_H

#include "lua/nbl.h"
#include "nn/layer.h"

/* Pushes the field; false where there is none of that name (key NULL: none). */
bool nbl_push_layer_field(lua_State *L, const nb_layer *layer, const char *key);
/* Sets it to the value at stack index 3 likewise. */
bool nbl_set_layer_field(lua_State *L, nb_layer *layer, const char *key);

/* Whether every layer has a method or a field, other than a parameter, of that name. */
bool nbl_is_layer_word(lua_State *L, const char *name);
/* Raises for names that a network's or a layer's fields and methods have. */
void nbl_check_layer_name(lua_State *L, const char *name);
/* The same for all layers below one that are to be part of a network; and for networks among them
 * that run, but for `own`: nesting would move what they run with. Collects their readers. */
void nbl_check_layers(lua_State *L, const nb_layer *block, const nb_net *own);
/* Lets go of recorded results that nobody has any more, where they need a network's values: these
 * are about to move. */
void nbl_collect_readers(lua_State *L, const nb_net *net);

/* Pushes "layer 1: dense 64 → 30 sigmoid" of a layer of a network. */
void nbl_push_title(lua_State *L, const nb_layer *layer);
/* Makes the metatable of layers. */
void nbl_open_layers(lua_State *L);

#endif
