/* Arithmetic on sizes: what says when it overflows, and the smaller of two. */
#ifndef NB_ARITH_H
#define NB_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True and *out = a * b (a + b) when the result fits; false, *out undefined, when not. */
static inline bool nb_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool nb_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool nb_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* The first may be of 64 bits where sizes are not. */
static inline size_t nb_least_size(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static inline int64_t nb_least_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
