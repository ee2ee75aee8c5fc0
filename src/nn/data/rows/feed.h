/* Rows of numbers that data sets gather their batches from. Where they come from is one struct of
 * functions: memory is here; what reads files, cuts texts or keeps non-zeros only fills another.
 * (nb_source, of io/, gives bytes.) */
#ifndef NB_FEED_H
#define NB_FEED_H

#include "io/rows/file.h"
#include "nn/data/rows/thin.h"
#include "nn/data/scale.h"

/* Row numbers are int32_t. */
#define NB_SET_ROWS_MAX INT32_MAX
/* So many of them are gone through before Ctrl-C is looked for. */
enum { NB_SET_BETWEEN_LOOKS = 1 << 16 };
/* Rows in memory are asked for so many rows before they are read, also across the end of a batch:
 * the first of the next one are on their way while this one is learnt from. */
enum { NB_FEED_AHEAD = 8 };

typedef struct nb_feed nb_feed;

/* Which rows, in which order: those at positions order[0 … n - 1] of a part. */
typedef struct nb_pick {
    const int32_t *part;  /* the row at each position; NULL: its own number */
    const int32_t *order; /* NULL: start, start + 1, … */
    int64_t start, n;
    int64_t behind; /* so many follow in that order and will be asked for next; 0: nobody knows */
} nb_pick;

static inline int64_t nb_pick_position(const nb_pick *pick, int64_t i)
{
    return pick->order ? pick->order[i] : pick->start + i;
}

static inline int64_t nb_pick_row(const nb_pick *pick, int64_t i)
{
    int64_t at = nb_pick_position(pick, i);
    return pick->part ? pick->part[at] : at;
}

/* Whether row number i is known, be it behind the picked. */
static inline bool nb_pick_knows(const nb_pick *pick, int64_t i)
{
    return i < pick->n + pick->behind;
}

/* Which row number i is will be asked soon. */
static inline void nb_pick_fetch(const nb_pick *pick, int64_t i)
{
    if (pick->part && nb_pick_knows(pick, i))
        __builtin_prefetch(pick->part + nb_pick_position(pick, i), 0, 2);
}

/* n of the picked, from number `first` on. */
static inline nb_pick nb_pick_some(const nb_pick *pick, int64_t first, int64_t n)
{
    return (nb_pick){.part = pick->part,
                     .order = pick->order ? pick->order + first : NULL,
                     .start = pick->start + first,
                     .n = n,
                     .behind = pick->n + pick->behind - first - n};
}

/* Those that follow. */
static inline nb_pick nb_pick_behind(const nb_pick *pick)
{
    nb_pick all = *pick;
    all.n += all.behind;
    all.behind = 0;
    return nb_pick_some(&all, pick->n, pick->behind);
}

/* Asks for all lines of from … end - 1. */
static inline void nb_fetch(const void *from, const void *end)
{
    enum { LINE = 64 }; /* bytes of a line of the caches */
    const char *at = (const char *)((uintptr_t)from & ~(uintptr_t)(LINE - 1));
    for (; at < (const char *)end; at += LINE) __builtin_prefetch(at, 0, 2);
}

/* Where rows are gathered: one below the other, contiguous. */
typedef struct nb_room {
    void *data;
    nb_dtype dtype;
    int64_t width; /* numbers of one row there */
} nb_room;

typedef struct nb_feed_type {
    /* Writes the picked rows, converted and scaled in one pass (NULL: as they are), to a dtype that
     * computes, whatever it makes of them; or, never scaled, to one that stores and holds every
     * number of this dtype (nb_feed_fit). The caller has checked the picks and the width. */
    nb_status (*gather)(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, const nb_scale *scale,
                        const nb_room *room);
    /* Of a kind that reads them in a time of its own, else NULL: these are asked for next, as far
     * as the order is known. */
    void (*announce)(nb_feed *rows, const nb_pick *pick);
    void (*free)(nb_ctx *ctx, nb_feed *rows);
    /* Of a kind that keeps non-zeros alone, else NULL: those of the picked rows times a factor, and
     * how many they are. */
    nb_status (*thin)(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, double factor, nb_thin *out);
    int64_t (*count)(const nb_feed *rows, const nb_pick *pick);
} nb_feed_type;

/* The head of every kind. Counted: sets and their parts share it. */
struct nb_feed {
    size_t refs;
    const nb_feed_type *type;
    nb_dtype dtype; /* of the numbers where they are kept */
    int64_t count;  /* of rows, 1 … NB_SET_ROWS_MAX */
    int dims;       /* of one row; 0: a number */
    int64_t shape[NB_MAX_DIMS];
    const int32_t *length; /* NULL; or of sequences the steps of every row: shape[0] is the most,
                              and where a row ends padding stands, 0, or 1 where steps are single
                              numbers: words and classes */
    int64_t reach; /* rows from i to i + reach share numbers with row i: windows that overlap */
};

/* NB_ESHAPE where rows of these sizes (count, …) are one number, nothing or too many; `what` names
 * them. */
nb_status nb_feed_check_sizes(nb_ctx *ctx, int dims, const int64_t *sizes, const char *what);
/* The rows of a tensor (count, …), which is read where it is if it is contiguous. NB_ESHAPE for one
 * number, for nothing and for too many; `what` names it. */
nb_feed *nb_feed_of_tensor(nb_ctx *ctx, nb_tensor *tensor, const char *what);
/* Rows that are `count` sequences of different lengths, one tensor (steps, …) each, copied. They
 * are kept in `dtype`, or where that is NB_DTYPES as they are. NB_ESHAPE names the one that does
 * not fit the first. */
nb_feed *nb_feed_of_sequences(nb_ctx *ctx, nb_tensor *const *list, int64_t count, nb_dtype dtype,
                              const char *what);
/* Rows that stay in their file, which is taken over also on failure; NULL gives NULL. `what` as
 * above. */
nb_feed *nb_feed_of_file(nb_ctx *ctx, nb_row_file *file, const char *what);
/* Windows over one long series of class or word numbers, which several of them share. */
typedef struct nb_series {
    nb_storage *numbers; /* `count` of them, counted from 0, of `size` bytes each: 1 or 2 */
    size_t size;
    int64_t count;
} nb_series;
/* Row i is `steps` numbers, each plus 1, from number shift + i * stride on; as many rows as have
 * another number behind them for a shift of 1. NB_ESHAPE where there is none or too many. */
nb_feed *nb_feed_of_windows(nb_ctx *ctx, const nb_series *series, int64_t steps, int64_t stride,
                            int64_t shift, const char *what);
/* One more owner; returns its argument. */
nb_feed *nb_feed_retain(nb_feed *rows);
/* NULL is allowed. */
void nb_feed_release(nb_ctx *ctx, nb_feed *rows);

/* Calls the kind's `gather` in pieces, between which Ctrl-C is looked for. */
nb_status nb_feed_gather(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, const nb_scale *scale,
                         const nb_room *room);
/* The sizes that the picked rows take: their own, of sequences with the steps of the longest. */
void nb_feed_shape(const nb_feed *rows, const nb_pick *pick, int64_t shape[NB_MAX_DIMS]);
/* The lengths of picked sequences, i32 (n); *none where they are all the same and nothing is
 * padded, as of rows that are no sequences: then NULL is no failure. */
nb_tensor *nb_feed_lengths(nb_ctx *ctx, const nb_feed *rows, const nb_pick *pick, bool *none);
/* Rises whenever the rows' numbers are changed in place by whoever else has them, as those of a
 * tensor are. NULL: 0. */
uint32_t nb_feed_version(const nb_feed *rows);
/* The tensor whose numbers they are, borrowed; NULL where they are in none, and of NULL. */
nb_tensor *nb_feed_tensor(const nb_feed *rows);
/* Numbers of one row. */
int64_t nb_feed_width(const nb_feed *rows);
/* Whether every number that the rows can hold is one of `dtype`. */
bool nb_feed_fit(const nb_feed *rows, nb_dtype dtype);

#endif
