/* Tables of text, .csv and its relatives, as tensors. Text in, numbers out: what the rows of
 * numbers are is the matter of rows.h, here they are kept. */
#ifndef NB_CSV_H
#define NB_CSV_H

#include "base/names.h"
#include "io/csv/options.h"
#include "io/source.h"
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

/* Reads the source to its end. On failure the table stays as it was: NB_EFORMAT names file, row,
 * line and column, NB_EARG a column that is not there. Progress is told as "reading". */
nb_status nb_csv_read(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                      nb_table *table);
void nb_table_free(nb_ctx *ctx, nb_table *table);

#endif
