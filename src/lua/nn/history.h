/* What training leaves: a table by epoch that prints itself. */
#ifndef NBL_HISTORY_H
#define NBL_HISTORY_H

#include "lua/nbl.h"
#include "nn/train/train.h"

/* An empty history in a box on the stack's top. */
nb_history *nbl_new_history(lua_State *L);
/* Pushes the box's history as the value that users see, and closes the box. */
void nbl_push_history(lua_State *L, int box);

#endif
