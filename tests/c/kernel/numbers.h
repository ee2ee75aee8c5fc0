/* What the tests of the kernels share: arrays of either dtype read and written as double, a stream
 * of numbers, units in the last place, and comparison of bits. A header alone, because every test
 * is one program. */
#ifndef NB_TEST_NUMBERS_H
#define NB_TEST_NUMBERS_H

#include "kernel/kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 8 };

static inline double get(nb_dtype dtype, const void *x, size_t i)
{
    return dtype == NB_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static inline void put(nb_dtype dtype, void *x, size_t i, double value)
{
    if (dtype == NB_F32) {
        ((float *)x)[i] = (float)value;
    } else {
        ((double *)x)[i] = value;
    }
}

static inline size_t width(nb_dtype dtype)
{
    return dtype == NB_F32 ? sizeof(float) : sizeof(double);
}

/* Marsaglia's xorshift: the same numbers in every run. */
static uint64_t random_state = 88172645463325252u;

static inline uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Uniform in [-1, 1) */
static inline double random_unit(void)
{
    return (double)(int64_t)random_bits() * 0x1p-63;
}

/* Any bit pattern of the dtype: all magnitudes, denormal numbers, infinities and NaN. */
static inline double random_pattern(nb_dtype dtype)
{
    uint64_t bits = random_bits();
    float narrow;
    double wide;
    memcpy(&narrow, &bits, sizeof narrow);
    memcpy(&wide, &bits, sizeof wide);
    return dtype == NB_F32 ? (double)narrow : wide;
}

/* The distance of the dtype's numbers at x. */
static inline long double ulp(nb_dtype dtype, long double x)
{
    int exponent, digits = dtype == NB_F32 ? FLT_MANT_DIG : DBL_MANT_DIG;
    int lowest = dtype == NB_F32 ? FLT_MIN_EXP - FLT_MANT_DIG : DBL_MIN_EXP - DBL_MANT_DIG;
    frexpl(x, &exponent);
    return ldexpl(1.0L, exponent - digits > lowest ? exponent - digits : lowest);
}

/* x as the dtype holds it: infinite where it overflows. */
static inline double rounded(nb_dtype dtype, long double x)
{
    return dtype == NB_F32 ? (double)(float)x : (double)x;
}

/* The same bits; one NaN is as good as another. */
static inline bool same_number(double a, double b)
{
    return a == b ? !signbit(a) == !signbit(b) : a != a && b != b;
}

static inline size_t first_difference(nb_dtype dtype, size_t n, const void *a, const void *b)
{
    size_t i = 0;
    while (i < n && same_number(get(dtype, a, i), get(dtype, b, i))) i++;
    return i;
}

/* All n elements of a and b (stride 1) have the same bits. */
static inline void assert_same(const char *what, nb_dtype dtype, size_t n, const void *a,
                               const void *b)
{
    size_t i = first_difference(dtype, n, a, b);
    if (i == n) return;
    fail_msg("%s %s: element %zu is %a in one and %a in the other", what, nb_dtype_name(dtype), i,
             get(dtype, a, i), get(dtype, b, i));
}

/* Numbers of moderate size. */
static inline void fill_random(nb_dtype dtype, size_t n, void *x)
{
    for (size_t i = 0; i < n; i++) put(dtype, x, i, 3.0 * random_unit());
}

#endif
