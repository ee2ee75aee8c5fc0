/* The notation of networks inside a string: its words, numbers, and what it does not know. */
#ifndef SH_NOTATION_H
#define SH_NOTATION_H

#include "shell/complete/strings.h"

#include <lua.h>

/* Writes the styles of the bytes of a string's text, which ends in NUL, blanks left out. A word
 * that ends at `cursor` is known as long as it may become one. Looks up names that the session has
 * registered, raw; may raise. */
void sh_colour_notation(lua_State *L, sh_holds holds, const char *kind, const char *text,
                        const char *cursor, unsigned char *style);

#endif
