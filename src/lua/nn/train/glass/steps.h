/* The trainers' method step: whole steps, or one layer by layer. */
#ifndef NBL_STEPS_H
#define NBL_STEPS_H

#include <lua.h>

/* Adds it behind nbl_open_trainers. */
void nbl_open_trainer_steps(lua_State *L);

#endif
