/* Orders by keys: the bodies stand in loops/sort.inc, once for keys of 4 bytes and once for 8. What
 * is done here is moving, which no instruction set does faster, so it is compiled once. */
#include "kernel/sort.h"

#include "base/arith.h"
#include "kernel/kernel.h"

#include <string.h>

enum {
    DIGITS = 256,   /* values of a byte of a key */
    GROUP = 16,     /* keys that are looked at together */
    FEW = 32,       /* elements that are kept in order while others join */
    RUN = 8,        /* elements up to which insertion beats merging */
    MERGED = 128,   /* elements up to which merging beats counting bytes */
    ROUND = 1 << 16 /* elements between two looks at `stop` */
};

static bool stopped(const nb_order *order)
{
    return order->stop && *order->stop;
}

/* Where the round of n elements that begins at `start` ends. */
static size_t round_end(size_t start, size_t n)
{
    return start + nb_least_size(ROUND, n - start);
}

/* Candidates that are held for the first k of n. A few are kept in order, and no more than k. Of
 * many, those beyond the first k go each time that they are too many, at least half at once. */
static size_t top_most(size_t n, size_t k)
{
    enum { SPARE = 512 };
    if (k <= FEW) return k;
    return nb_least_size(n, k + (k > SPARE ? k : SPARE));
}

/* Keys in the order of numbers: their bits, those of negative numbers turned round. Adding 0 makes
 * -0 and 0 one; NaN comes last. Without branches, for loops of vectors. */
static inline uint32_t key_of_f32(float x)
{
    uint32_t bits;
    float plain = x + 0.0f;
    memcpy(&bits, &plain, sizeof bits);
    return (bits ^ (-(bits >> 31) | UINT32_C(1) << 31)) | -(uint32_t)(x != x);
}

static inline uint64_t key_of_f64(double x)
{
    uint64_t bits;
    double plain = x + 0.0;
    memcpy(&bits, &plain, sizeof bits);
    return (bits ^ (-(bits >> 63) | UINT64_C(1) << 63)) | -(uint64_t)(x != x);
}

/* KEYS(name): keys of n elements of one dtype; flip is all ones where the order is descending. */
#define KEYS(name, ELEMENT, KEY, key)                                                              \
    static void keys_##name(size_t n, const void *from, ptrdiff_t sx, KEY flip, KEY *to)           \
    {                                                                                              \
        const ELEMENT *x = from;                                                                   \
        for (size_t i = 0; sx == 1 && i < n; i++) to[i] = (KEY)(key(x[i])) ^ flip;                 \
        for (size_t i = 0; sx != 1 && i < n; i++) to[i] = (KEY)(key(x[(ptrdiff_t)i * sx])) ^ flip; \
    }

#define key_of_u8(x)  (x)
#define key_of_i32(x) ((uint32_t)(x) ^ UINT32_C(1) << 31)

KEYS(f32, float, uint32_t, key_of_f32)
KEYS(f64, double, uint64_t, key_of_f64)
KEYS(u8, uint8_t, uint32_t, key_of_u8)
KEYS(i32, int32_t, uint32_t, key_of_i32)

static void make_keys_32(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, uint32_t *to)
{
    uint32_t flip = order->descending ? UINT32_MAX : 0;
    if (order->dtype == NB_F32)
        keys_f32(n, x, sx, flip, to);
    else if (order->dtype == NB_I32)
        keys_i32(n, x, sx, flip, to);
    else
        keys_u8(n, x, sx, flip, to);
}

static void make_keys_64(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, uint64_t *to)
{
    keys_f64(n, x, sx, order->descending ? UINT64_MAX : 0, to);
}

#define KEY      uint32_t
#define REAL     float
#define KN(name) name##_32
#include "kernel/loops/sort.inc"
#undef KEY
#undef REAL
#undef KN

#define KEY      uint64_t
#define REAL     double
#define KN(name) name##_64
#include "kernel/loops/sort.inc"
#undef KEY
#undef REAL
#undef KN

static size_t pair_size(nb_dtype dtype)
{
    return dtype == NB_F64 ? sizeof(pair_64) : sizeof(pair_32);
}

size_t nb_sort_room(nb_dtype dtype, size_t n)
{
    return 2 * n * pair_size(dtype);
}

size_t nb_top_room(nb_dtype dtype, size_t n, size_t k)
{
    size_t key = dtype == NB_F64 ? sizeof(uint64_t) : sizeof(uint32_t);
    size_t most = k ? top_most(n, k) : 0;
    return (most + k) * pair_size(dtype) + most * key;
}

size_t nb_rank_room(nb_dtype dtype, size_t n)
{
    return n * (dtype == NB_F64 ? sizeof(uint64_t) : sizeof(uint32_t));
}

void nb_sort_places(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, int32_t *place,
                    void *room)
{
    if (order->dtype == NB_F64)
        sort_places_64(order, n, x, sx, place, room);
    else
        sort_places_32(order, n, x, sx, place, room);
}

/* The first `lead` of a short row: each element moves past those that it comes before, as one
 * number of its key and its place, in registers and without a branch. */
#define LEADERS(lead)                                                                              \
    static void leaders_##lead(size_t n, const uint32_t *keys, int32_t *place)                     \
    {                                                                                              \
        uint64_t first[lead];                                                                      \
        for (size_t t = 0; t < lead; t++) first[t] = UINT64_MAX;                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint64_t moving = (uint64_t)keys[i] << 32 | i;                                         \
            _Pragma("GCC unroll 8") for (size_t t = 0; t < lead; t++)                              \
            {                                                                                      \
                uint64_t before = first[t];                                                        \
                bool passes = moving < before;                                                     \
                first[t] = passes ? moving : before;                                               \
                moving = passes ? before : moving;                                                 \
            }                                                                                      \
        }                                                                                          \
        for (size_t t = 0; t < lead; t++) place[t] = (int32_t)(first[t] & UINT32_MAX);             \
    }

LEADERS(1)
LEADERS(2)
LEADERS(3)
LEADERS(4)
LEADERS(5)

typedef void leaders_fn(size_t n, const uint32_t *keys, int32_t *place);
static leaders_fn *const leaders[] = {NULL,      leaders_1, leaders_2,
                                      leaders_3, leaders_4, leaders_5};

/* False where the row or k is too long for that. */
static bool top_of_few(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, size_t k,
                       int32_t *place)
{
    uint32_t keys[FEW];
    if (order->dtype == NB_F64 || n > FEW || k == 0 || k >= sizeof leaders / sizeof *leaders)
        return false;
    make_keys_32(order, n, x, sx, keys);
    leaders[k](n, keys, place);
    return true;
}

void nb_top_places(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, size_t k,
                   int32_t *place, void *room)
{
    if (top_of_few(order, n, x, sx, k, place)) return;
    if (order->dtype == NB_F64)
        top_places_64(order, n, x, sx, k, place, room);
    else
        top_places_32(order, n, x, sx, k, place, room);
}

size_t nb_rank_place(const nb_order *order, size_t n, const void *x, ptrdiff_t sx, size_t rank,
                     void *room)
{
    if (order->dtype == NB_F64) return rank_place_64(order, n, x, sx, rank, room);
    return rank_place_32(order, n, x, sx, rank, room);
}
