/* Lists of rows as what is not 0 in them: a column and a number each, three bytes of a byte while
 * columns are few. They lie in blocks, so that a list grows without a second copy of it. */
#ifndef NB_NONZEROS_H
#define NB_NONZEROS_H

#include "nn/data/rows/feed.h"

enum {
    NB_NONZEROS_COLUMNS_MAX = INT32_MAX,
    NB_NONZEROS_NARROW =
        1 << 16,                 /* up to so many columns their numbers take two bytes, else four */
    NB_NONZEROS_BLOCK = 1 << 16, /* non-zeros of a block, */
    NB_NONZEROS_LARGE = 1 << 20  /* or of one that large pages hold, */
};

/* Those of row i have the numbers start[i] up to start[i + 1] - 1 among all, and stand in block
 * number / each: a row may go on in the next one. */
typedef struct nb_nonzeros {
    int64_t rows, row_room; /* whole ones, and how many there may be */
    int64_t columns;
    int64_t count; /* of the non-zeros of all rows, the one at hand included */
    nb_dtype dtype;
    int64_t each; /* non-zeros of a block, a power of two */
    bool narrow;
    bool loose;                  /* columns of a row may stand in any order, or twice */
    int64_t bad_row, bad_column; /* the first that is no column, and its row, from 1; 0: none */
    int64_t *start;              /* row_room + 1 */
    void **block;                /* each: columns and, behind them, numbers */
    int64_t blocks, block_room;
    int64_t last_room; /* non-zeros of the last block; others hold all that a block can */
} nb_nonzeros;

/* An empty list with room for so many rows. NB_ESHAPE for no rows, no columns and too many. On
 * failure nothing is held. */
nb_status nb_nonzeros_begin(nb_ctx *ctx, int64_t rows, int64_t columns, nb_dtype dtype,
                            nb_nonzeros *out);
/* Room for exactly `count` of them, once, while there is none. */
nb_status nb_nonzeros_reserve(nb_ctx *ctx, nb_nonzeros *list, int64_t count);
/* One more of the row at hand, for which there is room; columns from 0 in any order. */
void nb_nonzeros_put(nb_nonzeros *list, int64_t column, double value);
void nb_nonzeros_end_row(nb_nonzeros *list);
/* A whole row of `columns` numbers. On failure the list may go no further. */
nb_status nb_nonzeros_add(nb_ctx *ctx, nb_nonzeros *list, const void *numbers);
/* Room for more rows than were thought of; and numbers in a wider dtype. On failure of the latter
 * the list is empty. */
nb_status nb_nonzeros_more_rows(nb_ctx *ctx, nb_nonzeros *list, int64_t rows);
nb_status nb_nonzeros_widen(nb_ctx *ctx, nb_nonzeros *list, nb_dtype dtype);
/* Puts every row's columns in order and gives back what the last block does not need. NB_EVALUE
 * names a row that has a column twice, or one that is none. */
nb_status nb_nonzeros_settle(nb_ctx *ctx, nb_nonzeros *list);
/* Zeros are allowed. */
void nb_nonzeros_free(nb_ctx *ctx, nb_nonzeros *list);

/* Numbers `at` up to end - 1, as far as they lie in one block: how many; their columns and numbers.
 */
int64_t nb_nonzeros_piece(const nb_nonzeros *list, int64_t at, int64_t end, const void **column,
                          const void **value);
/* Bytes of so many. */
size_t nb_nonzeros_bytes(int64_t count, int64_t columns, nb_dtype dtype);

/* Takes the list over, which is zeros afterwards, unless it fails; settles it. */
nb_feed *nb_feed_of_nonzeros(nb_ctx *ctx, nb_nonzeros *list);

#endif
