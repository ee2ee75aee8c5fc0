/* Means of columns, for cells where numbers are missing. */
#ifndef NB_CSV_MEANS_H
#define NB_CSV_MEANS_H

#include "io/csv/rows.h"
#include "tensor/tensor.h"

typedef struct nb_csv_means {
    nb_ctx *ctx;
    size_t width;
    double *sum; /* `width` of each; NULL: no means are wanted */
    int64_t *count;
    int64_t missing; /* cells */
} nb_csv_means;

/* Of the x of rows, if their options want means. */
nb_status nb_csv_means_init(const nb_csv_rows *rows, nb_csv_means *means);
void nb_csv_means_free(nb_csv_means *means);
/* Counts a row. */
void nb_csv_means_add(nb_csv_means *means, const double *value);
/* When all are counted sums become means. NB_EFORMAT names a column of which one is wanted and that
 * holds no number. */
nb_status nb_csv_means_settle(const nb_csv_rows *rows, nb_csv_means *means);
/* Puts them in the place of NaN in x, of f32 or f64 where anything is missing. */
void nb_csv_means_fill(const nb_csv_means *means, nb_tensor *x);

#endif
