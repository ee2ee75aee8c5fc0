/* Values as the prompt shows them. */
#ifndef SH_SHOW_H
#define SH_SHOW_H

#include "shell/screen/terminal.h"

#include <lua.h>

enum {
    SH_SHOW_BYTES = 20480, /* no value shows more */
    SH_SHOW_DEPTH = 4,     /* tables in tables */
    SH_SHOW_ITEMS = 30     /* of one table */
};

/* Pushes the text of the value: strings in quotes, functions with name and place, tables by raw
 * reads, what has a __tostring by that; on a terminal lines of our own kinds break between
 * words. May raise, and runs the user's __tostring. */
void sh_show_push(lua_State *L, int index, const sh_terminal *terminal);

#endif
