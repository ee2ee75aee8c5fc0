/* Arithmetic on sizes that says when it overflows. */
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

#endif
