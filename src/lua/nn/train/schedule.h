/* The schedule of a run, as train is told it: a word in notation, or a function of the epoch. */
#ifndef NBL_SCHEDULE_H
#define NBL_SCHEDULE_H

#include "lua/nbl.h"
#include "nn/train/run/schedule.h"

/* Reads what stands at stack index `at` (0: none). True for a function: then *out is none. */
bool nbl_read_schedule(lua_State *L, const char *whose, int at, nb_schedule *out);
/* Calls, from inside the core, the function that `push` puts on the stack with the epoch, from 1:
 * *factor is what it gives. */
nb_status nbl_call_schedule(nb_ctx *ctx, nbl_push_function *push, const void *self, int64_t epoch,
                            double *factor);

#endif
