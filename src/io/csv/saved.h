/* The file that a table of text is converted to, so that its rows can be read one by one: what was
 * learned of the table, then x. Ours alone, and made anew whenever anything in it is not as it must
 * be: somebody else may have written there. */
#ifndef NB_CSV_SAVED_H
#define NB_CSV_SAVED_H

#include "io/csv/table.h"
#include "io/rows/file.h"
#include "io/sink.h"

/* Writes what stands before x, of which `rows` rows of `width` numbers are to come. `key` says what
 * it was made of. Bytes of x begin at a multiple of 64. */
nb_status nb_csv_save_head(nb_ctx *ctx, nb_sink *sink, const char *key, const nb_table *table,
                           int64_t rows, size_t width, nb_dtype dtype);
/* How many bytes that takes. */
uint64_t nb_csv_saved_size(const char *key, const nb_table *table, int64_t rows, size_t width,
                           nb_dtype dtype);

/* Opens it: fills an empty table but for x, whose rows *x gives. *x NULL with NB_OK: there is no
 * such file, or it is not one that this user made of this key. */
nb_status nb_csv_open_saved(nb_ctx *ctx, const char *path, const char *key, nb_table *table,
                            nb_row_file **x);

#endif
