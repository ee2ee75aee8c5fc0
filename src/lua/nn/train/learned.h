/* For stdlib: what a run left, as strings that one process gives to another. */
#ifndef NBL_LEARNED_H
#define NBL_LEARNED_H

#include <lua.h>

/* (net [, numbers]): what net.history is; with `numbers`, also the network's parameters and running
 * figures. */
int nbl_learned(lua_State *L);
/* (history): the value that the first of these strings was made of. */
int nbl_learned_history(lua_State *L);
/* (net, set, history, numbers): the network becomes what training on the set made of its like. */
int nbl_learn_again(lua_State *L);
/* (set | net): a number that tells what it holds apart from what others do (nn/data/digest.h). */
int nbl_digest(lua_State *L);

#endif
