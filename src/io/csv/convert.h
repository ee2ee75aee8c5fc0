/* Tables of text whose rows are read one by one from a file that they are converted to, once. */
#ifndef NB_CSV_CONVERT_H
#define NB_CSV_CONVERT_H

#include "io/csv/options.h"
#include "io/csv/table.h"
#include "io/rows/file.h"

/* As nb_csv_read, but x stays in a file of the cache folder (io/cache.h): *x gives its rows. The
 * file is made where it is not there for this path, its size and time, and these options, by one
 * process at a time, and then appears whole; those of the path's earlier contents go. NB_EIO where
 * it cannot be written, NB_EINTERRUPT: nothing is left. */
nb_status nb_csv_convert(nb_ctx *ctx, const char *path, const nb_csv_options *options,
                         nb_table *table, nb_row_file **x);

#endif
