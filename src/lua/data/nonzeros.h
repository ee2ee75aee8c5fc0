/* Tables {index = value} as rows of data sets. */
#ifndef NBL_NONZEROS_H
#define NBL_NONZEROS_H

#include "lua/nbl.h"

/* Whether at `at` is a list of tables of which one has whole numbers as keys that are not 1, 2, 3,
 * … up to its length: the rows are {index = value}, also those that look like lists. */
bool nbl_is_nonzeros(lua_State *L, int at);
/* Pushes a data set of such rows at `x`; columns 0: as many as the largest index says. y and names
 * may be NULL. Raises what names row and index. */
void nbl_push_nonzeros(lua_State *L, int x, int64_t columns, nb_tensor *y, const char *const *names,
                       int64_t classes);

/* How many entries the list at `at` has. An error where something stands behind a hole or under a
 * name, which its length would not show; `what` is the list. */
int64_t nbl_check_list(lua_State *L, int at, const char *what);

#endif
