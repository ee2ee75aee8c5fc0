/* Where the training that is under way stands, for the prompt. */
#ifndef NBL_STANDING_H
#define NBL_STANDING_H

#include "nn/layer.h"

#include <lua.h>

typedef struct nbl_standing {
    int64_t epoch, step;     /* under way; updates made, or the one that is half done */
    bool back;               /* of that: it goes back through the layers by then */
    char layer[NB_PATH_MAX]; /* … at this one; "" between two steps */
} nbl_standing;

/* Of the trainer that moved last; false: it is gone, or its run is done. */
bool nbl_get_standing(lua_State *L, nbl_standing *at);

#endif
