/* How the bytes of an input look: Lua's tokens, the notation of networks inside strings, names that
 * nobody has given a value, the bracket that belongs to the one at the cursor. It reads Lua's
 * tables raw and never runs the user's code. */
#ifndef SH_COLOUR_H
#define SH_COLOUR_H

#include "shell/colour/palette.h"
#include "shell/shell.h"

#include <stddef.h>

/* Writes the style of each byte of an input whose cursor is before byte `cursor`; SIZE_MAX: it is
 * accepted, and there is none. */
void sh_colour_text(sh_shell *shell, const char *text, size_t length, size_t cursor,
                    unsigned char *style);

#endif
