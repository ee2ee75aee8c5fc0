/* `local` at the prompt: an input is a chunk of its own, so its locals would end with it. Those at
 * its top level are kept for the session by making them globals. */
#ifndef SH_LOCALS_H
#define SH_LOCALS_H

#include "base/text.h"

/* Appends `source` without the `local` of its top-level statements; the places of everything else
 * stay. Statements with attributes or `_` among their names are left. Adds the first name kept to
 * `name`, "" when there is none. */
void sh_keep_locals(nb_text *out, const char *source, nb_text *name);

#endif
