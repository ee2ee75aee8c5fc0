/* Columns: which numbers of an example belong together, for what is measured or scaled by column.
 */
#ifndef NB_COLUMNS_H
#define NB_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

/* How many columns the numbers of one example are by themselves: of three sizes and more the
 * channels, of two (steps, features) the features, else every number is one. */
int64_t nb_columns_of(int dims, const int64_t *shape);
/* Whether an example of these sizes (a size below 0: any) has so many columns: those above, every
 * number, or one for all. Number i of it is then of column i / *inner % columns; *inner is 0 where
 * one is for all. */
bool nb_columns_fit(int dims, const int64_t *shape, int64_t columns, int64_t *inner);

#endif
