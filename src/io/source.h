/* Bytes to read, from a regular file or from memory, plain or gzip (told by the first bytes), or
 * from a part of another source. Knows how many bytes can still come at most, so that no reader
 * allocates more than its source can hold. */
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

/* A stretch of a source's raw bytes, and what some directory says of it. */
typedef struct nb_part {
    uint64_t offset, packed; /* the raw bytes; the caller has checked that they are there */
    bool deflated;           /* they are a deflate stream; else they are the content */
    bool checked;            /* size and crc are known: the end is an error where they differ */
    uint64_t size;           /* of the content */
    uint32_t crc;            /* CRC-32 of the content */
} nb_part;
/* A part as a source of its own. The whole stays where it was and must outlive the part. */
nb_source *nb_source_part(nb_source *whole, const char *name, const nb_part *part);
/* The raw bytes that parts can be taken of; 0 for gzip, of which there are none. */
uint64_t nb_source_raw_size(const nb_source *source);

/* Exactly `bytes` bytes, or NB_EFORMAT "train.idx ends after 12 bytes; its header needs 16" (what:
 * "its header"), or NB_EIO, NB_EFORMAT for damaged gzip, NB_EINTERRUPT. */
nb_status nb_source_read(nb_source *source, void *into, size_t bytes, const char *what);
/* The same of a part of what needs the bytes up to `end`. */
nb_status nb_source_read_part(nb_source *source, void *into, size_t bytes, const char *what,
                              uint64_t end);
/* Likewise, but at the end of the source what is left: *got bytes, less than were asked for. */
nb_status nb_source_read_some(nb_source *source, void *into, size_t bytes, size_t *got);
/* Copies what comes next, up to `bytes` (NB_PEEK_MAX at most), and leaves it to be read; how much
 * that was. Errors count as the end, as below. */
enum { NB_PEEK_MAX = 16 };
size_t nb_source_peek(nb_source *source, void *into, size_t bytes);
/* True when nothing is left. A read error counts as the end and shows at the next read, also one of
 * 0 bytes: who is done looks for the end and then reads nothing. */
bool nb_source_at_end(nb_source *source);
/* NB_EFORMAT where something is left: "x.idx goes on after its 28 bytes of header and elements". */
nb_status nb_source_check_end(nb_source *source);
/* An upper bound of the bytes still to come (for what is packed 1032 times the raw ones, deflate's
 * most, and no more than a part's directory says). */
uint64_t nb_source_most(const nb_source *source);
uint64_t nb_source_position(const nb_source *source);
/* How far the raw bytes are read, for a meter: *done of *total. */
void nb_source_progress(const nb_source *source, int64_t *done, int64_t *total);
const char *nb_source_name(const nb_source *source);
/* NB_EFORMAT "train.npz: REASON", for a reader to return. */
nb_status nb_source_refuse(const nb_source *source, const char *reason, ...)
    __attribute__((format(printf, 2, 3)));

#endif
