/* See nonzeros.h. */
#include "kernel/nonzeros.h"

#include <string.h>

/* A number is written where the next non-zero goes, and counts if it is one: no branch to guess. */
#define FIND_ONE(i)                                                                                \
    do {                                                                                           \
        one = x[i];                                                                                \
        column[found] = (__typeof__(*column))(first + (i));                                        \
        value[found] = one;                                                                        \
        found += one != 0;                                                                         \
    } while (0)

/* Eight bytes of zeros are passed over at once. */
#define FIND(NAME, BITS, COLUMN)                                                                   \
    static size_t NAME(const BITS *restrict x, size_t n, size_t first, COLUMN *restrict column,    \
                       BITS *restrict value)                                                       \
    {                                                                                              \
        enum { STEP = sizeof(uint64_t) / sizeof(BITS) };                                           \
        size_t found = 0, i = 0;                                                                   \
        BITS one;                                                                                  \
        for (; i + STEP <= n; i += STEP) {                                                         \
            uint64_t bits;                                                                         \
            memcpy(&bits, x + i, sizeof bits);                                                     \
            if (bits == 0) continue;                                                               \
            _Pragma("GCC unroll 8") for (size_t k = 0; k < STEP; k++) FIND_ONE(i + k);             \
        }                                                                                          \
        for (; i < n; i++) FIND_ONE(i);                                                            \
        return found;                                                                              \
    }

FIND(find_8_narrow, uint8_t, uint16_t)
FIND(find_8_wide, uint8_t, int32_t)
FIND(find_32_narrow, uint32_t, uint16_t)
FIND(find_32_wide, uint32_t, int32_t)
FIND(find_64_narrow, uint64_t, uint16_t)
FIND(find_64_wide, uint64_t, int32_t)

size_t nb_find_nonzeros(size_t size, bool narrow, const void *x, size_t n, size_t first,
                        void *column, void *value)
{
    switch (size) {
    case 1:
        return narrow ? find_8_narrow(x, n, first, column, value)
                      : find_8_wide(x, n, first, column, value);
    case 4:
        return narrow ? find_32_narrow(x, n, first, column, value)
                      : find_32_wide(x, n, first, column, value);
    default:
        return narrow ? find_64_narrow(x, n, first, column, value)
                      : find_64_wide(x, n, first, column, value);
    }
}

/* In pieces of one size, which a compiler takes as vectors, and few enough for a narrow sum. */
#define COUNT(NAME, BITS)                                                                          \
    static size_t NAME(const BITS *x, size_t n)                                                    \
    {                                                                                              \
        enum { PIECE = 128 };                                                                      \
        size_t found = 0, i = 0;                                                                   \
        for (; i + PIECE <= n; i += PIECE) {                                                       \
            BITS some = 0;                                                                         \
            for (size_t k = 0; k < PIECE; k++) some = (BITS)(some + (x[i + k] != 0));              \
            found += some;                                                                         \
        }                                                                                          \
        for (; i < n; i++) found += x[i] != 0;                                                     \
        return found;                                                                              \
    }

COUNT(count_8, uint8_t)
COUNT(count_32, uint32_t)
COUNT(count_64, uint64_t)

size_t nb_count_nonzeros(size_t size, const void *x, size_t n)
{
    return size == 1 ? count_8(x, n) : size == 4 ? count_32(x, n) : count_64(x, n);
}

#define SPREAD(NAME, BITS, COLUMN)                                                                 \
    static void NAME(const COLUMN *column, const BITS *value, size_t n, BITS *y)                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) y[column[i]] = value[i];                                    \
    }

SPREAD(spread_8_narrow, uint8_t, uint16_t)
SPREAD(spread_8_wide, uint8_t, int32_t)
SPREAD(spread_32_narrow, uint32_t, uint16_t)
SPREAD(spread_32_wide, uint32_t, int32_t)
SPREAD(spread_64_narrow, uint64_t, uint16_t)
SPREAD(spread_64_wide, uint64_t, int32_t)

void nb_spread_nonzeros(size_t size, bool narrow, const void *column, const void *value, size_t n,
                        void *y)
{
    switch (size) {
    case 1:
        narrow ? spread_8_narrow(column, value, n, y) : spread_8_wide(column, value, n, y);
        break;
    case 4:
        narrow ? spread_32_narrow(column, value, n, y) : spread_32_wide(column, value, n, y);
        break;
    default:
        narrow ? spread_64_narrow(column, value, n, y) : spread_64_wide(column, value, n, y);
        break;
    }
}

void nb_widen_columns(bool narrow, const void *column, size_t n, int32_t *out)
{
    const uint16_t *few = column;
    if (narrow)
        for (size_t i = 0; i < n; i++) out[i] = few[i];
    else
        memcpy(out, column, n * sizeof *out);
}
