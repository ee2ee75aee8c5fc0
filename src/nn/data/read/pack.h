/* Rows that come one after the other, kept in the smaller way: as their non-zeros, found while they
 * come, or with their zeros. Which of both does not show in what is gathered of them. */
#ifndef NB_PACK_H
#define NB_PACK_H

#include "io/elements.h"
#include "io/source.h"
#include "nn/data/rows/feed.h"

enum {
    NB_PACK_LEAST = 64 << 10,  /* bytes with zeros: of less nothing is to be gained */
    NB_PACK_SLACK = 256 << 10, /* so much more than with zeros they may be at first */
    NB_PACK_SHARE = 90         /* percent of the bytes with zeros that are small enough */
};

/* Whether so many non-zeros among so many numbers, in rows of `width`, are few enough. */
bool nb_pack_is_small(int64_t nonzeros, int64_t numbers, int64_t width, nb_dtype dtype);

/* Writes the next n rows, as memory has them. */
typedef nb_status nb_next_rows(nb_ctx *ctx, void *self, void *into, int64_t n);

/* `of` says what the rows are: count, …. NB_ESHAPE for nothing and for too many; `what` names them.
 */
nb_feed *nb_feed_pack(nb_ctx *ctx, const nb_elements *of, nb_next_rows *next, void *self,
                      const char *what);
/* The rows of a tensor that nobody else will change: of one that is mostly zeros a copy. */
nb_feed *nb_feed_pack_tensor(nb_ctx *ctx, nb_tensor *tensor, const char *what);
/* The rows of an IDX file or of a .npy file, plain or gzip. */
nb_feed *nb_feed_read_idx(nb_ctx *ctx, nb_source *source, const char *what);
nb_feed *nb_feed_read_npy(nb_ctx *ctx, nb_source *source, const char *what);

#endif
