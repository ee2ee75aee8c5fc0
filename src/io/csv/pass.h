/* One pass over a table of text: what is learned of it, and its x for whoever keeps that. */
#ifndef NB_CSV_PASS_H
#define NB_CSV_PASS_H

#include "io/csv/block.h"
#include "io/csv/means.h"
#include "io/csv/rows.h"
#include "io/csv/table.h"

/* Who keeps x. */
typedef struct nb_csv_keeper {
    /* Rows of `width` numbers come, about `room` of them; none is wider than `real`. */
    nb_status (*begin)(nb_ctx *ctx, void *self, size_t width, nb_dtype real, int64_t room);
    /* The next row; `dtype` holds its numbers and all before. NaN: a mean is wanted. */
    nb_status (*add)(void *self, const double *value, nb_dtype dtype);
    /* There are no more; the means are settled. */
    nb_status (*end)(void *self, const nb_csv_means *means);
    void *self;
} nb_csv_keeper;

typedef struct nb_csv_pass {
    nb_ctx *ctx;
    const nb_csv_keeper *keeper; /* or NULL */
    nb_csv_rows rows;
    nb_csv_block y;
    nb_dtype dtype; /* the narrowest that holds all of x */
    int64_t count;  /* rows that are not left out */
    nb_csv_means means;
} nb_csv_pass;

/* Reads the source to its end. To be freed also on failure. NB_EFORMAT where no row is left. */
nb_status nb_csv_pass_run(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                          const nb_csv_keeper *keeper, nb_csv_pass *pass);
/* Fills an empty table with all that was learned, but for x; the keeper ends. */
nb_status nb_csv_pass_settle(nb_csv_pass *pass, nb_table *table);
void nb_csv_pass_free(nb_csv_pass *pass);

#endif
