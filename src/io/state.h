/* What the program keeps of a user between sessions: small texts, each a file of
 * $XDG_STATE_HOME/nabla or ~/.local/state/nabla that nobody else may read. */
#ifndef NB_STATE_H
#define NB_STATE_H

#include "base/text.h"

enum { NB_STATE_MOST = 4096 }; /* bytes that are read */

/* Adds the path of the file with this name, its folder made where that can be. NB_EIO where there
 * is no place for it. */
nb_status nb_state_path(nb_ctx *ctx, const char *name, nb_text *path);
/* Adds what the file holds, nothing where there is none. NB_EIO where it cannot be read, is no
 * regular file, or holds more than NB_STATE_MOST. */
nb_status nb_state_read(nb_ctx *ctx, const char *name, nb_text *into);
/* The file then holds this text; where that fails it is what it was, or empty where there was none.
 * NB_EIO. */
nb_status nb_state_write(nb_ctx *ctx, const char *name, const char *text, size_t bytes);

#endif
