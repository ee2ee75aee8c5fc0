/* A file that appears whole or not at all: written under a temporary name beside its target,
 * synced, renamed over it. */
#ifndef NB_SINK_H
#define NB_SINK_H

#include "base/context.h"

#include <stddef.h>

typedef struct nb_sink nb_sink;

/* A file of the user's. Of several processes that run the same script the first writes it, and with
 * the others it comes to nothing. NULL with NB_EIO and the reason. The target keeps its
 * permissions, and its owner where that can be; a symbolic link is followed. Another name of the
 * file (a hard link) keeps the old content. A descriptor's path (/dev/stdout, /dev/fd/3) and what
 * is no regular file are written through. */
nb_sink *nb_sink_open(nb_ctx *ctx, const char *path);
/* The same, whichever process this is. */
nb_sink *nb_sink_open_here(nb_ctx *ctx, const char *path);
/* Remembers the first failure; nb_sink_close reports it. */
void nb_sink_write(nb_sink *sink, const void *data, size_t bytes);
/* Makes the file appear and frees the sink. On failure (NB_EIO: "cannot write x: No space left on
 * device; the old file is as it was") the temporary is removed. */
nb_status nb_sink_close(nb_sink *sink);
/* Removes the temporary and frees the sink; the target is untouched. */
void nb_sink_drop(nb_sink *sink);

#endif
