/* What a user says of a table of text. */
#ifndef NB_CSV_OPTIONS_H
#define NB_CSV_OPTIONS_H

#include "base/dtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A column by its name, or where that is NULL by its number from 1, or from -1 at the end. */
typedef struct nb_csv_column {
    const char *name;
    int64_t number;
} nb_csv_column;

/* What becomes of a row in which a cell of x is missing. One without its y is left out, or refused
 * in all other cases. */
typedef enum nb_csv_missing {
    NB_MISSING_REFUSE,
    NB_MISSING_DROP,
    NB_MISSING_MEAN,  /* of the column's other numbers */
    NB_MISSING_NUMBER /* `fill` */
} nb_csv_missing;

typedef struct nb_csv_options {
    char delimiter; /* one of "," ";" "|" and the tab; 0: found */
    char decimal;   /* '.' or ','; 0: found, which is '.' where the delimiter is ',' */
    char comment;   /* lines that begin with it are passed over; 0: none */
    int header;     /* whether the first line is one: 0, 1; -1: found */
    nb_csv_missing missing;
    double fill;
    const nb_csv_column *x, *y; /* x_count 0: all but y */
    size_t x_count, y_count;
    bool classes; /* y is class names also where it is numbers */
    const char *const
        *names; /* of the classes, in their order; NULL: those that are met, in order
                   of their bytes, or where all are numbers in order of their values */
    size_t name_count;
    nb_dtype dtype; /* NB_F32 or NB_F64: of numbers that are not all bytes or all 32-bit integers,
                       and of y */
} nb_csv_options;

#endif
