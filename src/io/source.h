/* Bytes to read, from a regular file or from memory, plain or gzip (told by the first bytes). Knows
 * how many bytes can still come at most, so that no reader allocates more than its source can hold.
 */
#ifndef NB_SOURCE_H
#define NB_SOURCE_H

#include "base/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nb_source nb_source;

/* NULL with NB_EIO: "cannot open data/x.idx: No such file or directory", "data is a directory". */
nb_source *nb_source_open(nb_ctx *ctx, const char *path);
/* Reads from memory, which must outlive the source; `name` serves messages. */
nb_source *nb_source_memory(nb_ctx *ctx, const char *name, const void *data, size_t size);
void nb_source_close(nb_source *source);

/* Exactly `bytes` bytes, or NB_EFORMAT "train.idx ends after 12 bytes; its header needs 16" (what:
 * "its header"), or NB_EIO, NB_EFORMAT for damaged gzip, NB_EINTERRUPT. */
nb_status nb_source_read(nb_source *source, void *into, size_t bytes, const char *what);
/* True when nothing is left. A read error counts as the end and shows at the next read, also one of
 * 0 bytes: who is done looks for the end and then reads nothing. */
bool nb_source_at_end(nb_source *source);
/* An upper bound of the bytes still to come (for gzip: 1032 times the compressed ones, deflate's
 * most). */
uint64_t nb_source_most(const nb_source *source);
uint64_t nb_source_position(const nb_source *source);
const char *nb_source_name(const nb_source *source);

#endif
