/* Temporaries beside the files that they are to replace: .nabla-PID-N. Each is locked as long as
 * its maker lives, so that what a killed process left is told from what another one, maybe on
 * another host, is writing. Where the file system has no locks, nothing is taken for left. */
#ifndef NB_TEMPORARY_H
#define NB_TEMPORARY_H

#include "base/text.h"

#include <sys/types.h>

/* Creates one in the target's folder, locked and open for writing, and puts its path into `name`;
 * -1 with errno, or with name->failed. First removes those there that nobody holds. The lock is
 * the descriptor's: rename or unlink, then close. */
int nb_temporary_open(const char *target, mode_t mode, nb_text *name);

/* The bytes of a path up to its last slash. */
size_t nb_folder_length(const char *path);

#endif
