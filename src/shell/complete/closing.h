/* The brackets, quotes and `end` that a line lacks. */
#ifndef SH_CLOSING_H
#define SH_CLOSING_H

#include "shell/colour/parts.h"

/* Writes what closes the brackets and blocks that the text's last line opened, innermost first; ""
 * where the line does not look complete as it stands, or what closes would stand elsewhere. An open
 * string counts as ended. */
void sh_closing(const sh_parts *parts, const char *end, char *out, size_t room);

#endif
