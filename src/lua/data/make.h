/* What sets are made of: tensors, tables, sequences, names. */
#ifndef NBL_SET_MAKE_H
#define NBL_SET_MAKE_H

#include "lua/nbl.h"
#include "nn/data/set.h"

/* Adds data.set to the table on the stack's top. */
void nbl_open_making(lua_State *L);

/* The names in the table at `at`, strings or integers; the list and what keeps its strings are
 * pushed. */
const char **nbl_read_names(lua_State *L, int at, int64_t *count);

/* Whether at `at` is a list of tensors: sequences. */
bool nbl_is_sequences(lua_State *L, int at);
/* Pushes a data set of the sequences at `x` and, unless that is 0, the y at `y`: a list of tensors
 * with an entry for each step, or what else is one for each sequence. */
nb_set *nbl_push_sequences(lua_State *L, int x, int y, const char *const *names, int64_t classes);

#endif
