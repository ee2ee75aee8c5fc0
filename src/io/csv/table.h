/* A table of text, read. */
#ifndef NB_CSV_TABLE_H
#define NB_CSV_TABLE_H

#include "base/names.h"
#include "tensor/tensor.h"

/* What a table holds. Zero it before use. */
typedef struct nb_table {
    nb_tensor *x;      /* (rows, columns): u8 or i32 where all numbers are such, else the options'
                          dtype */
    nb_tensor *y;      /* class numbers 1 … K (rows), i32; or numbers (rows) of one column, (rows,
                          columns) of several, the options' dtype; NULL: none */
    nb_names *columns; /* of x; NULL: the table has no header */
    nb_names *targets; /* of y; likewise, and without y */
    nb_names *classes; /* what y's numbers stand for, or NULL */
    int64_t dropped;   /* rows that were left out */
} nb_table;

void nb_table_free(nb_ctx *ctx, nb_table *table);

#endif
