/* The methods and fields of trainers: forward by epochs, back, to any step, files. */
#ifndef NBL_WALK_H
#define NBL_WALK_H

#include "lua/nn/train/glass/trainer.h"

/* Runs a job in the name of the running method, and gives the trainer at 1 back, which prints
 * itself. */
int nbl_trainer_go(lua_State *L, nbl_trainer_job *job);

/* The kind of trainers. */
void nbl_open_trainers(lua_State *L);

#endif
