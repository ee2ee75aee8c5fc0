/* Numbers as tables of text write them, and what stands there instead of one. */
#ifndef NB_CSV_NUMBER_H
#define NB_CSV_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the number that `at` begins with: a sign, digits with one `mark` ('.' or ',') among them or
 * before them, an exponent; or inf, infinity in any case. Correctly rounded, in every locale. Gives
 * the place behind it and says whether the mark stood there, or NULL where no number is. The text
 * must end in a byte that can be part of none. */
const char *nb_csv_number(const char *at, char mark, double *value, bool *marked);

/* The same numbers in a row, each with `stop` behind it, which is part of none, and blanks before
 * it or none: value[place[i]] for i < n, up to the first whose place is negative or that is none of
 * at most 19 digits and less than 1e38. How many; *text: behind the last one's stop. A mark of 0
 * stands nowhere. NB_CSV_AHEAD bytes behind the text may be read, whatever stands there. */
enum { NB_CSV_AHEAD = 8 };
size_t nb_csv_numbers(const char **text, char stop, char mark, const int32_t *place, size_t n,
                      double *value);

/* Empty, ?, -, NA, N/A, NaN or null, in any case. */
bool nb_csv_is_missing(const char *text, size_t length);

/* 2024-01-31, 31.1.24, 1/31/2024, 12:30; with or without something behind it. */
bool nb_csv_is_date(const char *text, size_t length);

#endif
