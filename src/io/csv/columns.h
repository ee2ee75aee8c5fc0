/* Which columns of a table are x and which y. */
#ifndef NB_CSV_COLUMNS_H
#define NB_CSV_COLUMNS_H

#include "base/names.h"
#include "io/csv/find.h"

enum { NB_CSV_SKIP = -1, NB_CSV_CLASS = -2 };

typedef struct nb_csv_columns {
    nb_ctx *ctx;
    const char *file;
    const nb_csv_options *options;
    size_t count;
    nb_names *header; /* of all columns, or NULL */
    int32_t *slot;    /* of each column: where in a row its number goes, or one of the above */
    size_t *from;     /* of each place in a row its column; behind them that of the classes */
    size_t x, y;      /* numbers of a row: `x` of x, then `y` of y */
    bool classes;     /* y is the one column of class names */
} nb_csv_columns;

/* Reads the header, where there is one, and finds the columns that the options ask for. NB_EARG for
 * one that is not there. On failure the columns are to be freed all the same. */
nb_status nb_csv_columns_find(nb_csv_text *text, const nb_csv_layout *layout,
                              const nb_csv_options *options, nb_csv_columns *columns);
void nb_csv_columns_free(nb_csv_columns *columns);
/* The names of x's columns, and of y's, in their order; NULL without failure where there is no
 * header. */
nb_status nb_csv_columns_names(const nb_csv_columns *columns, nb_names **x, nb_names **y);
/* " (petal_width)" or "", for a message that names a column; returns `out`. */
enum { NB_CSV_NAMED = 72 };
const char *nb_csv_named(const nb_csv_columns *columns, size_t column, char out[NB_CSV_NAMED]);

#endif
