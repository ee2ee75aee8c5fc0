/* One pass over a table of text: what is learned of it, and its x where that is to be held. */
#ifndef NB_CSV_PASS_H
#define NB_CSV_PASS_H

#include "io/csv/block.h"
#include "io/csv/means.h"
#include "io/csv/rows.h"
#include "io/csv/table.h"

typedef struct nb_csv_pass {
    nb_ctx *ctx;
    bool holds; /* the x of all rows is kept */
    nb_csv_rows rows;
    nb_csv_block x, y;
    nb_dtype dtype; /* the narrowest that holds all of x */
    int64_t count;  /* rows that are not left out */
    nb_csv_means means;
} nb_csv_pass;

/* Reads the source to its end. To be freed also on failure. NB_EFORMAT where no row is left. */
nb_status nb_csv_pass_run(nb_ctx *ctx, nb_source *source, const nb_csv_options *options, bool holds,
                          nb_csv_pass *pass);
/* Fills an empty table with all that was learned; x where it was held. */
nb_status nb_csv_pass_settle(nb_csv_pass *pass, nb_table *table);
void nb_csv_pass_free(nb_csv_pass *pass);

#endif
