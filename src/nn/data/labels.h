/* Class numbers: what values of y must be to be some, and what is said where they are not. */
#ifndef NB_LABELS_H
#define NB_LABELS_H

#include "nn/data/rows/feed.h"

/* What values are, in one look at all of them. */
typedef struct nb_survey {
    double low, high;        /* of the whole numbers among them */
    int64_t low_at, high_at; /* in which example they stand, from 0 */
    int64_t low_in, high_in; /* and where in it */
    int64_t odd, odd_in;     /* the first example with one that is no whole number, or -1 */
    double odd_value;
    bool begun;   /* there is a whole number */
    int dims;     /* of a row: 0 one number, 1 steps, 2 rows and columns */
    int64_t last; /* its last size */
} nb_survey;

/* Looks at the picked rows. */
nb_status nb_survey_rows(nb_ctx *ctx, nb_feed *rows, const nb_pick *pick, nb_survey *seen);
/* NB_EARG where they are no classes 1 … most: "y holds class 7 at example 3, step 2; the network
 * has 4 classes", where `whose` is "the network has". */
nb_status nb_survey_check(nb_ctx *ctx, const nb_survey *seen, int64_t most, const char *whose);

#endif
