/* The x of a table, row by row as it is read, kept in the smaller way (pack.h): as non-zeros while
 * these are few, in the narrowest dtype that holds all so far; else as a tensor. */
#ifndef NB_KEPT_H
#define NB_KEPT_H

#include "io/csv/pass.h"
#include "nn/data/rows/nonzeros.h"

typedef struct nb_kept {
    nb_ctx *ctx;
    nb_dtype real;
    size_t width; /* numbers of a row */
    int64_t room; /* rows that are thought of */
    bool listed;  /* rows are in the list; else in the block */
    nb_nonzeros list;
    char *row; /* one, in the list's dtype, and room for the widest */
    nb_csv_block block;
    nb_feed *feed; /* at the end */
} nb_kept;

/* Zeroed, with its context; what it holds is to be freed, the feed too unless it was taken. */
nb_csv_keeper nb_kept_keeper(nb_kept *kept);
void nb_kept_free(nb_kept *kept);

#endif
