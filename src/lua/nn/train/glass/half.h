/* A step that is half done, for t:step("layer"): its stops as one table that fills, and the network
 * held still meanwhile. */
#ifndef NBL_HALF_H
#define NBL_HALF_H

#include "lua/seal.h"
#include "nn/train/glass/glass.h"
#include "nn/train/glass/half.h"

/* A handle; whose trainer and network its keeper keeps. */
typedef struct nbl_half {
    nb_half *half;  /* NULL before it begins and once it is over */
    nbl_seal *seal; /* on all that the stops show comes from, and the update too */
    int64_t step;   /* the number of the update that it leads to */
    int64_t shown;  /* whose batch's table there is, from 1; 0: none */
    bool over;      /* and so it was made, or dropped */
    bool made;
} nbl_half;

/* One that has not begun, on the stack's top. */
nbl_half *nbl_new_half(lua_State *L);
/* Jobs: to the first stop of the run's next step; to the next one. */
nb_status nbl_half_begin(nb_ctx *ctx, nbl_half *self, nb_glass *glass);
nb_status nbl_half_next(nb_ctx *ctx, nbl_half *self);
/* What becomes of it when the run goes elsewhere. */
typedef enum nbl_fate { NBL_IS_MADE, NBL_IS_DROPPED, NBL_STAYS } nbl_fate;
/* A job likewise; self may be NULL. A step whose making is cut off, by Ctrl-C, in a function or for
 * want of memory, stays half done; one that fails otherwise is dropped. */
nb_status nbl_half_settle(nb_ctx *ctx, nbl_half *self, nbl_fate fate, nb_glass *glass);

/* Holds what must stay as it is, behind a job, and pushes what is known at the stop of the one at
 * `at`: a trace that fills, one for a batch. */
void nbl_push_half(lua_State *L, int at);
/* Pushes that table as it is; nil where there is none. */
void nbl_push_shown(lua_State *L, int at);
/* Behind its end: the table says so. */
void nbl_close_half(lua_State *L, int at);

#endif
