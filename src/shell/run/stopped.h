/* Training that an error or Ctrl-C cut off: what it recorded stays with the session. */
#ifndef SH_STOPPED_H
#define SH_STOPPED_H

#include "base/text.h"

#include <lua.h>
#include <stdbool.h>

/* The global variable that the statement on line `line` (from 1) of an input gives the history of
 * its training, as in `h = net:train(…)`, into `name`. False: none, as where the statement makes
 * something else of it. Only statements outside of blocks. */
bool sh_stopped_target(const char *source, int line, nb_text *name);
/* Sets that variable, where there is one, to the history on the stack's top, which stays; says in
 * which epoch training stopped, and where its history is. May raise. */
void sh_stopped_tell(lua_State *L, const char *source, int line);

#endif
