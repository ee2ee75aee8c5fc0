/* Where the program's own files are, after the XDG base directories. */
#ifndef SH_PATHS_H
#define SH_PATHS_H

#include "base/context.h"

/* The path of a file of the program's state, its folder made; NULL when there is no place for it.
 * To be freed. */
char *sh_state_path(nb_ctx *ctx, const char *name);
/* The path of a file of the user's configuration; NULL likewise. */
char *sh_config_path(const char *name);

#endif
