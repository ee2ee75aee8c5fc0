/* The order of the elements of one row, as places counted from 0. NaN is above every number, -0
 * equals 0, and equal elements keep their order. Every dtype is sorted by whole numbers that are in
 * the order of its elements (keys), a byte at a time, so the cost does not depend on the values. */
#ifndef NB_SORT_H
#define NB_SORT_H

#include "base/dtype.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* How a row is ordered. Where *stop becomes true (stop may be NULL) a function returns early, and
 * what it has written means nothing. */
typedef struct nb_order {
    nb_dtype dtype;
    bool descending;
    const volatile sig_atomic_t *stop;
} nb_order;

/* A row has at most so many elements. */
#define NB_ROW_MAX INT32_MAX

/* Bytes of room that the functions below need for a row of n, of which k are wanted. */
size_t nb_sort_room(nb_dtype dtype, size_t n);
size_t nb_top_room(nb_dtype dtype, size_t n, size_t k);
size_t nb_rank_room(nb_dtype dtype, size_t n);

/* place[i] = where the i-th element in order stands. */
void nb_sort_places(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, int32_t *place,
                    void *room);
/* The same for the first k <= n in order only; linear in n. */
void nb_top_places(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, size_t k,
                   int32_t *place, void *room);
/* The first place of the element that stands at `rank` < n, counted from 0, in order; linear in n.
 */
size_t nb_rank_place(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, size_t rank,
                     void *room);

#endif
