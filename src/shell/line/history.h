/* What was typed, over sessions: $XDG_STATE_HOME/nabla/history, an entry a line with its newlines
 * written as \n, so that a block is one entry. Each is appended as it is typed, so that two
 * sessions at once keep both. */
#ifndef SH_HISTORY_H
#define SH_HISTORY_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SH_HISTORY_MOST = 10000,     /* entries that are kept */
    SH_HISTORY_BYTES = 64 << 20, /* of a larger file the last so many are read */
};

/* Reads the file, which becomes the user's alone to read. Without a home, or where it cannot be
 * read or is no regular file, history lasts for the session only. */
void sh_history_open(nb_ctx *ctx);
void sh_history_close(void);
/* Adds an input, unless it is the one before again. */
void sh_history_add(const char *input);
/* What became of an input: that counts for every entry of its text, until it is carried out again
 * or the session ends. */
void sh_history_end(const char *input, bool fine);
size_t sh_history_count(void);
/* Entry i from 0, oldest first. */
const char *sh_history_entry(size_t i);
/* Was the last that became of it in this session an error? */
bool sh_history_failed(size_t i);

#endif
