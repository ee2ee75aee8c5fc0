/* Inputs as Lua takes them. */
#ifndef SH_PLAIN_H
#define SH_PLAIN_H

#include "base/text.h"

#include <lua.h>

/* Takes from an input what Lua does not know: the `=` that its older prompts want before an
 * expression goes, and an arrow, behind which the examples of help say what a line gives, begins a
 * comment. */
void sh_plain_input(nb_text *input);
/* Is the input no chunk as it stands, but one piece of whole lines after the other, as examples
 * are: expressions between statements? May raise when memory ends. */
bool sh_has_pieces(lua_State *L, const char *input);

#endif
