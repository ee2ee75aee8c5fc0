/* Numbers as tables of text write them, and what stands there instead of one. */
#ifndef NB_CSV_NUMBER_H
#define NB_CSV_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the number that `at` begins with: a sign, digits with one `mark` ('.' or ',') among them or
 * before them, an exponent; or inf, infinity in any case. Correctly rounded, in every locale. Gives
 * the place behind it and says whether the mark stood there, or NULL where no number is. The text
 * must end in a byte that can be part of none. */
const char *nb_csv_number(const char *at, char mark, double *value, bool *marked);

/* The same of text behind which NB_CSV_AHEAD bytes may be read, whatever stands there: faster. */
enum { NB_CSV_AHEAD = 8 };
const char *nb_csv_number_ahead(const char *at, char mark, double *value, bool *marked);

/* Empty, ?, -, NA, N/A, NaN or null, in any case. */
bool nb_csv_is_missing(const char *text, size_t length);

/* 2024-01-31, 31.1.24, 1/31/2024, 12:30; with or without something behind it. */
bool nb_csv_is_date(const char *text, size_t length);

#endif
