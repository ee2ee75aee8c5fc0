/* Rows of a tensor that stay in their file: .idx or .npy, read by pread where they are wanted. A
 * file that shrinks, changes or goes meanwhile is an error, which a mapping's fault would not be.
 */
#ifndef NB_ROWS_FILE_H
#define NB_ROWS_FILE_H

#include "base/context.h"
#include "io/elements.h"

#include <sys/stat.h>

typedef struct nb_row_file {
    nb_ctx *ctx;
    char *path;
    int fd;
    struct stat about; /* as it was opened */
    bool kept;         /* nobody writes into it: it may lose its name */
    uint64_t begin;    /* byte of the first row */
    nb_elements of;
    size_t row_bytes;
    int64_t rows;
} nb_row_file;

/* What came of reading; for a thread, which has no context for messages. */
typedef enum nb_row_outcome {
    NB_ROW_READ,
    NB_ROW_FAILED, /* errno says why */
    NB_ROW_SHORT,  /* the file ends before */
    NB_ROW_CHANGED /* it is not what was opened, or has no name any more */
} nb_row_outcome;

/* NB_EFORMAT, NB_EIO: neither .idx nor .npy, elements that are not as memory has them, columns
 * before rows, gzip: each with its cure. */
nb_row_file *nb_row_file_open(nb_ctx *ctx, const char *path);
/* The same for a file that holds, from byte `begin` on, plain elements; the caller has checked that
 * `about` is of the file that says so, and that they are all there. */
nb_row_file *nb_row_file_open_at(nb_ctx *ctx, const char *path, const struct stat *about,
                                 uint64_t begin, const nb_elements *of);
void nb_row_file_close(nb_row_file *file);

/* Reads `count` rows from row `first` on, which are there; their bytes come in memory's order. Any
 * thread may call it. */
nb_row_outcome nb_row_file_read(const nb_row_file *file, int64_t first, size_t count, void *into);
/* Whether the file still is what was opened. */
nb_row_outcome nb_row_file_check(const nb_row_file *file);
/* NB_EIO with the reason: "train.idx has changed since it was opened: …; row 12 is not read". */
nb_status nb_row_file_fail(const nb_row_file *file, nb_row_outcome outcome, int error, int64_t row);

#endif
