/* The folder for what can be made again: $XDG_CACHE_HOME/nabla, or ~/.cache/nabla. */
#ifndef NB_CACHE_H
#define NB_CACHE_H

#include "base/text.h"

/* Adds the folder's path, with a '/' behind it, and makes it where it is not there. NB_EIO where
 * there is none to be had. */
nb_status nb_cache_folder(nb_ctx *ctx, nb_text *path);
/* Waits until no other process holds the folder, and holds it until *lock is given to
 * nb_cache_unlock. NB_EINTERRUPT. Where the file system has no locks nobody waits. */
nb_status nb_cache_lock(nb_ctx *ctx, const char *folder, int *lock);
void nb_cache_unlock(int lock);
/* Removes the folder's files whose names are like `name` for `first` bytes and not for `keep`. */
void nb_cache_remove(const char *folder, const char *name, size_t first, size_t keep);

#endif
