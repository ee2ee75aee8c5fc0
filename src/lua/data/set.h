/* The handle of a data set. */
#ifndef NBL_SET_H
#define NBL_SET_H

#include "lua/nbl.h"
#include "nn/data/set.h"

#define NBL_EXAMPLE "nabla.example" /* set[i] */

/* An empty handle on the stack's top; store a new reference in it. */
nb_set **nbl_new_set(lua_State *L);
/* NULL when the value at `arg` is none. */
nb_set *nbl_test_set(lua_State *L, int arg);
/* Pushes the name of class `number` (from 1): an integer where all names are integers; the number
 * itself where `classes` is NULL. */
void nbl_push_class(lua_State *L, const nb_classes *classes, int64_t number);
/* Pushes a table of all names; nothing where `classes` is NULL. Returns how many values. */
int nbl_push_classes(lua_State *L, const nb_classes *classes);

/* Puts the x of an example (set[i]) in its place at `arg` and, where a target is wanted, its y
 * behind it, as one more argument: the number of its class where it has a name. False when the
 * value is no example. */
bool nbl_spread_example(lua_State *L, int arg, bool target);

/* Makes the metatable of sets. */
void nbl_open_sets(lua_State *L);

#endif
