/* A table of text as rows of numbers: which columns they come from, and what is said where a cell
 * is none. */
#ifndef NB_CSV_ROWS_H
#define NB_CSV_ROWS_H

#include "io/csv/columns.h"
#include "io/csv/labels.h"

typedef struct nb_csv_rows {
    nb_ctx *ctx;
    const nb_csv_options *options;
    nb_csv_text text;
    nb_csv_layout layout;
    nb_csv_columns columns;
    nb_labels labels; /* of the classes, as they are met */
    char mark;        /* in numbers; 0: none was met yet */
    double most;      /* no finite number is larger */
    double *value;    /* of the last row; NaN: missing, a mean is wanted */
    int32_t class;    /* of the last row, a number of `labels` */
    int64_t count;    /* rows so far, those left out included */
    int64_t dropped;  /* they */
} nb_csv_rows;

/* Finds the layout and stands before the first row. Source and options are borrowed until
 * nb_csv_rows_close. NB_EFORMAT, and NB_EARG for columns that are not there. On failure nothing is
 * held. */
nb_status nb_csv_rows_open(nb_ctx *ctx, nb_source *source, const nb_csv_options *options,
                           nb_csv_rows *rows);
void nb_csv_rows_close(nb_csv_rows *rows);
/* Reads the next row that is not left out; *more false: there is none. NB_EFORMAT "iris.csv: row 3
 * (line 4), column 2 (petal_width): 'abc' is no number". */
nb_status nb_csv_rows_next(nb_csv_rows *rows, bool *more);

#endif
