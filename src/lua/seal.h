/* A seal on what must not change for a while, a step of training that is half done: whoever would
 * change it is told why. It is closed on the storages of numbers, each of which has one reader more
 * meanwhile, and on what else has an address. A network is asked for by its root's parameters
 * (nbl_check_still): one seal on those holds its layers, neurons, masks, scale, form and dtype. */
#ifndef NBL_SEAL_H
#define NBL_SEAL_H

#include "lua/nbl.h"

/* An open one on the stack's top. Whoever closes it keeps the handle; collected it opens. */
typedef struct nbl_seal nbl_seal;
nbl_seal *nbl_new_seal(lua_State *L);
/* Closes the seal at stack index `at` on the numbers of a tensor too, and of all that see them; or
 * on what lives at an address. Once is enough. */
void nbl_seal_numbers(lua_State *L, int at, const nb_tensor *tensor);
void nbl_seal_address(lua_State *L, int at, const void *address);
/* What they are told of, "layer 2 of step 121 is half done". */
void nbl_seal_say(nbl_seal *seal, const char *what);
/* For a while it is as if it were open, or no more so. Cannot fail. */
void nbl_seal_rest(nbl_seal *seal, bool rests);
/* Opens it again; of one that is open nothing. */
void nbl_seal_break(lua_State *L, nbl_seal *seal);

/* Raises an error where a closed seal is on what lives at this address, or on these numbers; not of
 * one that nobody has any more, as is seen by a collection. */
void nbl_check_seal(lua_State *L, const void *address);
void nbl_check_numbers(lua_State *L, const nb_tensor *tensor);
/* The same for a trainer, whose own seal it is not. */
void nbl_check_others(lua_State *L, const nb_tensor *tensor);

#endif
