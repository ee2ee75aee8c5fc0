/* Tables of text, .csv and its relatives, as tensors. Text in, numbers out: what the rows of
 * numbers are is the matter of rows.h, here they are kept. */
#ifndef NB_CSV_H
#define NB_CSV_H

#include "io/csv/options.h"
#include "io/csv/pass.h"
#include "io/csv/table.h"
#include "io/source.h"

/* Reads the source to its end. On failure the table stays as it was: NB_EFORMAT names file, row,
 * line and column, NB_EARG a column that is not there. Progress is told as "reading". */
nb_status nb_csv_read(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                      nb_table *table);
/* The same, but x goes to its keeper. */
nb_status nb_csv_read_to(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                         const nb_csv_keeper *keeper, nb_table *table);

#endif
