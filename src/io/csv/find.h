/* How a table of text is laid out, found from its first records where nobody said. */
#ifndef NB_CSV_FIND_H
#define NB_CSV_FIND_H

#include "io/csv/cut.h"
#include "io/csv/options.h"

/* What a column holds in the records that were looked at. */
enum {
    NB_CSV_HEAD_TEXT = 1,   /* the first record has text */
    NB_CSV_HEAD_NUMBER = 2, /* a number */
    NB_CSV_TEXT = 4,        /* another has text */
    NB_CSV_NUMBER = 8       /* a number */
};

typedef struct nb_csv_layout {
    bool header;
    size_t columns;
    uint8_t *holds;      /* of each column, flags as above */
    double record_bytes; /* a record on average */
} nb_csv_layout;

/* Sets the text's delimiter and fills the layout; the text stands at its first record as before. Of
 * the delimiters that cut all records into as many cells, more than one, the one with the largest
 * share of numbers behind the first record wins, then the one with more cells. The first record is
 * a header where it has text above a number, or no number and nothing below it. NB_EFORMAT where
 * there is no record. */
nb_status nb_csv_find(nb_csv_text *text, const nb_csv_options *options, nb_csv_layout *layout);
void nb_csv_layout_free(nb_ctx *ctx, nb_csv_layout *layout);

/* Whether the whole cell is a number. *mark: the one to be had, 0: either; then, where one stood
 * there, set to it. */
bool nb_csv_cell_number(const nb_csv_cell *cell, char *mark, double *value);

#endif
