/* Work in the core, and core values that Lua owns while it goes on. A job is a function that calls
 * the core only: it may fail at any place, gives back what it took, and is run by nbl_run, which
 * enters the core, tries again after a shortage of memory, and raises what went wrong. */
#ifndef NBL_JOB_H
#define NBL_JOB_H

#include "lua/nbl.h"

typedef nb_status nbl_job(nb_ctx *ctx, void *self);

/* Runs a job. Errors begin with `whose`: "net:train: lr must be a number above 0, not -1". The
 * recording switch is afterwards as it was before. */
void nbl_run(lua_State *L, const char *whose, nbl_job *job, void *self);

/* A zeroed core value of `bytes` bytes on the stack's top, aligned for any type. `release` runs
 * when it is closed or collected, once; it must accept what is still zeroed. */
typedef void nbl_release(nb_ctx *ctx, void *value);
void *nbl_new_box(lua_State *L, size_t bytes, nbl_release *release);
/* The value in a box. */
void *nbl_box_value(lua_State *L, int box);
/* Releases the value of a box now. */
void nbl_close_box(lua_State *L, int box);

#endif
