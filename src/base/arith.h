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

/* The divisor of a number that is nearest to another, the smaller of two; both at least 1. */
static inline int64_t nb_divisor_near(int64_t of, int64_t near)
{
    int64_t best = 1;
    for (int64_t i = 1; i <= of / i; i++) {
        const int64_t both[2] = {i, of / i};
        for (int k = 0; k < 2 && of % i == 0; k++) {
            int64_t far = both[k] > near ? both[k] - near : near - both[k];
            int64_t least = best > near ? best - near : near - best;
            if (far < least || (far == least && both[k] < best)) best = both[k];
        }
    }
    return best;
}

static inline int64_t nb_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
