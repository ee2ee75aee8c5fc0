/* The handle of a data set. */
#ifndef NBL_SET_H
#define NBL_SET_H

#include "lua/nbl.h"
#include "nn/data/set.h"
#include "nn/net/net.h"

#define NBL_EXAMPLE "nabla.example" /* set[i] */

/* An empty handle on the stack's top; store a new reference in it. */
nb_set **nbl_new_set(lua_State *L);
/* NULL when the value at `arg` is none. */
nb_set *nbl_test_set(lua_State *L, int arg);
/* Raises where it is none. */
nb_set *nbl_check_set(lua_State *L, int arg);
/* Pushes all of its x, or its y, nothing where it has none: how many values. */
int nbl_push_set_x(lua_State *L, nb_set *set);
int nbl_push_set_y(lua_State *L, nb_set *set);
/* Pushes x and y of example i (from 0): y a class's name, a number or a tensor, or nil. */
void nbl_push_example(lua_State *L, nb_set *set, int64_t i);
/* Puts the x of an example (set[i]) in its place at `arg` and, where a target is wanted, its y
 * behind it, as one more argument. Classes and words become their numbers in the network's schema,
 * where that has their names, else in the example's set; of two classes 0 and 1 where the network
 * has one output for both. False when the value is no example. */
bool nbl_spread_example(lua_State *L, int arg, bool target, const nb_net *net);

/* Makes the metatable of sets and pushes the table of their methods. */
void nbl_open_sets(lua_State *L);

#endif
