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

/* The names in the table at `at`, strings or integers; the list and what keeps its strings are
 * pushed. */
const char **nbl_read_names(lua_State *L, int at, int64_t *count);

/* Adds data.set to the table on the stack's top and makes the metatable of sets. */
void nbl_open_sets(lua_State *L);

/* Whether at `at` is a list of tensors: sequences. */
bool nbl_is_sequences(lua_State *L, int at);
/* Pushes a data set of the sequences at `x` and, unless that is 0, the y at `y`: a list of tensors
 * with an entry for each step, or what else is one for each sequence. */
nb_set *nbl_push_sequences(lua_State *L, int x, int y, const char *const *names, int64_t classes);

#endif
