/* What would go on in the notation of a network: the layer that fits what its layers give so far,
 * the cost that fits its outputs. */
#ifndef SH_LAYERS_H
#define SH_LAYERS_H

#include "shell/shell.h"

#include <stddef.h>

/* Writes what goes on behind the text of a string that is still open, whose network begins there:
 * "" where nothing is sure. *ends: it is whole as it stands, so that the string may end there.
 * Reads the session's data sets raw; may raise. */
void sh_next_layer(lua_State *L, nb_ctx *ctx, const char *text, char *out, size_t room, bool *ends);

#endif
