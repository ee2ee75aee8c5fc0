/* The table of globals, and what nabla puts there. */
#ifndef SH_GLOBALS_H
#define SH_GLOBALS_H

#include <lua.h>

/* The names of the modules that are globals: "tensor" …; ends with NULL. */
extern const char *const sh_modules[];

/* Pushes the table of globals; raises when debug.getregistry was used to put another value in its
 * place. */
void sh_push_globals(lua_State *L);
/* Pushes the book of help, the list of its entries; an empty one where the user took it away. */
void sh_push_book(lua_State *L);

#endif
