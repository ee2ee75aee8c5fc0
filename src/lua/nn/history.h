/* What training leaves: a table by epoch that prints itself. */
#ifndef NBL_HISTORY_H
#define NBL_HISTORY_H

#include "lua/nbl.h"
#include "nn/train/train.h"

/* Pushes a history as the value that users see. */
void nbl_push_history(lua_State *L, const nb_history *history);

#endif
