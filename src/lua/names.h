/* Errors about names that nobody knows, with the nearest one that somebody does. */
#ifndef NBL_NAMES_H
#define NBL_NAMES_H

#include "lua/nbl.h"

/* Raises "unknown activation 'rleu'; did you mean 'relu'?". */
int nbl_unknown_name(lua_State *L, const char *what, const char *name, nb_name_at *names);
/* Raises "a network has no field 'trian'; did you mean 'train'?" for the key at `key`; the names
 * are the keys of the table at `table` and, where it is not NULL, the list `fields`, which ends
 * with NULL. Where none is near and they are few: "; it has a, b and c", without those whose value
 * in the table is false, which others of its kind have. */
int nbl_unknown_field(lua_State *L, const char *whose, int key, int table,
                      const char *const *fields);

/* Raises where that stands what a `kind` of ours, "net", or any kind is looked for by the key
 * at `key`: "a network has no field 'w'; here that is net[l].w of layer l" (base/foreign.h). The
 * value is at 1: of several places a table's own that are not empty are named. */
void nbl_look_elsewhere(lua_State *L, const char *kind, const char *whose, int key);

/* The key at stack index 2; "", which names nothing, for what is no string. */
const char *nbl_key(lua_State *L);
/* The string at `arg`, whole: notation and names end nowhere before it does. */
const char *nbl_check_text(lua_State *L, int arg);

#endif
