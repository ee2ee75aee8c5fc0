/* Rows and their non-zeros: numbers as bits of 1, 4 or 8 bytes, of which only 0 is none (-0 is
 * kept, so that a row comes back as it was); columns as uint16_t where `narrow`, else int32_t. */
#ifndef NB_KERNEL_NONZEROS_H
#define NB_KERNEL_NONZEROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The non-zeros among n numbers x, of which the first stands in column `first`: how many they are.
 * Both lists have room for n. */
size_t nb_find_nonzeros(size_t size, bool narrow, const void *x, size_t n, size_t first,
                        void *column, void *value);
/* How many there are, of n numbers. */
size_t nb_count_nonzeros(size_t size, const void *x, size_t n);
/* Writes n of them into their columns of row y; the others stay. */
void nb_spread_nonzeros(size_t size, bool narrow, const void *column, const void *value, size_t n,
                        void *y);
/* Their columns as int32_t. */
void nb_widen_columns(bool narrow, const void *column, size_t n, int32_t *out);

#endif
