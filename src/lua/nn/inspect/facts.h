/* For stdlib: what pictures need to know of a layer. */
#ifndef NBL_FACTS_H
#define NBL_FACTS_H

#include "lua/nbl.h"
#include "nn/form.h"

/* (layer) → {where, path, type, title, reading, into, params, children, activation, picture, first,
 * last, columns, classes, words}; nothing for a layer that is part of no network. into: the sizes
 * of one example, 0 where free; picture: those that flatten made its input of. */
int nbl_facts(lua_State *L);
/* "vector", "steps", "space", "open". */
const char *nbl_reading_name(const nb_form *form);

#endif
