/* What training leaves: a table by epoch that prints itself. */
#ifndef NBL_HISTORY_H
#define NBL_HISTORY_H

#include "lua/nbl.h"
#include "nn/train/run/train.h"

/* "all 360 test examples are among those trained on, …", into `out`, which it returns. */
enum { NBL_NOTE_MAX = 160 };
const char *nbl_common_note(int64_t common, int64_t tested, char out[NBL_NOTE_MAX]);
/* Makes the methods of histories. */
void nbl_open_history(lua_State *L);
/* Pushes a history as the value that users see. */
void nbl_push_history(lua_State *L, const nb_history *history);

#endif
