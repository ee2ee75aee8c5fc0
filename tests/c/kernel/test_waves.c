/* Loops long enough to ask for memory ahead, of every table that the processor runs: at all sizes
 * around that at which they begin to and at which a wave ends, each element has the bits that it
 * has in a short loop, and nothing behind the last is written. What is written past the caches is
 * what was there, wherever it begins and ends. */
#include "numbers.h"

enum { SHORT = 100, MOST = 2048 + 3 * 128 + 1, ROOM = MOST + 64 };

/* Around 2,048, where waves begin, and around whole waves of 128 behind it. */
static const size_t sizes[] = {2047, 2048, 2049, 2175, 2176, 2177, 2304 - 1, MOST};
enum { SIZES = sizeof sizes / sizeof *sizes };

typedef struct loop {
    nb_dtype dtype;
    const nb_real_kernels *real;
    int unary, binary; /* one of them, the other -1 */
    int constant;      /* of two inputs: which is one number for all, or -1 */
} loop;

static double a[ROOM], b[ROOM], whole[ROOM], parts[ROOM];

/* n elements from `at` on. */
static void run(const loop *l, size_t at, size_t n, double *out)
{
    size_t wide = width(l->dtype);
    const char *x = (const char *)a + (l->constant == 0 ? 0 : at * wide);
    const char *y = (const char *)b + (l->constant == 1 ? 0 : at * wide);
    char *to = (char *)out + at * wide;
    if (l->unary >= 0)
        l->real->unary[l->unary](n, x, 1, to, 1, 0.25, 0.5);
    else
        l->real->binary[l->binary](n, x, l->constant != 0, y, l->constant != 1, to, 1);
}

static void check(const loop *l, const char *name)
{
    for (size_t s = 0; s < SIZES; s++) {
        memset(whole, 0x5a, sizeof whole);
        memset(parts, 0x5a, sizeof parts);
        run(l, 0, sizes[s], whole);
        for (size_t at = 0; at < sizes[s]; at += SHORT)
            run(l, at, sizes[s] - at < SHORT ? sizes[s] - at : SHORT, parts);
        assert_same(name, l->dtype, sizes[s], whole, parts);
        assert_memory_equal((char *)whole + sizes[s] * width(l->dtype),
                            (char *)parts + sizes[s] * width(l->dtype),
                            (ROOM - sizes[s]) * width(l->dtype));
    }
}

static void check_table(const nb_kernels *table, nb_dtype dtype)
{
    loop l = {dtype, table->real[dtype], -1, -1, -1};
    for (size_t i = 0; i < ROOM; i++) {
        put(dtype, a, i, i % 7 ? 4 * random_unit() : random_pattern(dtype));
        put(dtype, b, i, 4 * random_unit());
    }
    for (l.unary = 0; l.unary < NB_UNARIES; l.unary++) check(&l, nb_unary_names[l.unary]);
    l.unary = -1;
    for (l.binary = 0; l.binary < NB_BINARIES; l.binary++)
        for (l.constant = -1; l.constant < 2; l.constant++) check(&l, "a function of two");
}

/* Whether this processor is one that is asked or not. */
static void waves_change_nothing(void **state)
{
    size_t count;
    const nb_kernels *const *tables = nb_kernels_all(&count);
    const bool asks = nb_asks_ahead;
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        nb_asks_ahead = asked;
        for (size_t i = 0; i < count; i++)
            for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) check_table(tables[i], dtype);
    }
    nb_asks_ahead = asks;
}

/* Catches a head or a tail that is left out or goes too far. */
static void streams_copy(void **state)
{
    enum { LENGTH = 300, AT = 70, BYTES = LENGTH + 2 * AT };
    static unsigned char from[BYTES], wanted[BYTES];
    _Alignas(64) static unsigned char to[BYTES];
    size_t count;
    const nb_kernels *const *tables = nb_kernels_all(&count);
    (void)state;
    for (size_t i = 0; i < BYTES; i++) from[i] = (unsigned char)(1 + i % 251);
    for (size_t t = 0; t < count; t++)
        for (size_t at = 0; at <= AT; at += 1 + at / 4)
            for (size_t bytes = 0; bytes <= LENGTH; bytes++) {
                memset(wanted, 0, sizeof wanted);
                memset(to, 0, sizeof to);
                memcpy(wanted + at, from + 3, bytes);
                tables[t]->stream(bytes, from + 3, to + at);
                tables[t]->streamed_all();
                assert_memory_equal(to, wanted, sizeof to);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waves_change_nothing),
                                       cmocka_unit_test(streams_copy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
