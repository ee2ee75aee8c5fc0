/* Philox in blocks, numbers drawn from its words, and lerp, of every table that the processor runs:
 * against the single block, against the formulas in long double, and one result in all. */
#include "numbers.h"

#include "base/random.h"

enum {
    BLOCKS = 150, /* twice what is done at a time, and some */
    WORDS = 4 * BLOCKS
};

static const uint32_t key[2] = {0x89abcdef, 0x01234567};

/* Every length up to BLOCKS, across the carry of the counter's low word: catches a tail that is
 * left out or runs over, and a counter that stops at 32 bits. */
static void philox_is_philox(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (size_t blocks = 0; blocks <= BLOCKS; blocks++) {
            uint32_t counter[4] = {UINT32_MAX - 70, 6, 7, 8}, words[WORDS + 1], one[4];
            words[4 * blocks] = 123;
            all[t]->philox(key, counter, blocks, words);
            assert_int_equal(words[4 * blocks], 123);
            for (size_t i = 0; i < blocks; i++) {
                nb_philox(counter, key, one);
                assert_memory_equal(words + 4 * i, one, sizeof one);
                if (++counter[0] == 0) counter[1]++;
            }
        }
}

static void make_words(uint32_t *words)
{
    for (size_t i = 0; i < WORDS; i++) words[i] = (uint32_t)(random_bits() >> 16);
    /* The least and the most that words can say. */
    for (size_t i = 0; i < 8; i++) words[i] = 0;
    for (size_t i = 8; i < 16; i++) words[i] = UINT32_MAX;
    for (size_t i = 16; i < 24; i++) words[i] = i % 2 ? UINT32_MAX : 0;
    for (size_t i = 24; i < 32; i++) words[i] = i % 4 < 2 ? UINT32_MAX : 0;
}

/* Number i of [0, 1), and of (0, 1] for logarithms. */
static long double unit(nb_dtype dtype, const uint32_t *words, size_t i)
{
    if (dtype == NB_F32) return (long double)(words[i] >> 8) * 0x1p-24L;
    return (long double)((uint64_t)(words[2 * i] >> 5) << 26 | words[2 * i + 1] >> 6) * 0x1p-53L;
}

static long double unit_above(nb_dtype dtype, const uint32_t *words, size_t i)
{
    if (dtype == NB_F64) return 1 - unit(dtype, words, i);
    return (long double)((float)(words[i] >> 1) + 1.0f) * 0x1p-31L;
}

static void assert_near(nb_dtype dtype, double got, long double wanted, long double scale)
{
    long double most = 8 * ulp(dtype, scale);
    if (!(fabsl((long double)got - wanted) <= most))
        fail_msg("%s: %a is not near %La", nb_dtype_name(dtype), got, wanted);
}

static void uniform_follows_its_formula(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        uint32_t words[WORDS];
        double y[WORDS];
        size_t n = WORDS / nb_random_words(dtype);
        make_words(words);
        nb_real(dtype)->draw_uniform(n, words, y, 0, 1);
        for (size_t i = 0; i < n; i++)
            assert_true((long double)get(dtype, y, i) == unit(dtype, words, i));
        nb_real(dtype)->draw_uniform(n, words, y, -3, 5);
        for (size_t i = 0; i < n; i++) {
            assert_near(dtype, get(dtype, y, i), -3 + 8 * unit(dtype, words, i), 5);
            assert_true(get(dtype, y, i) >= -3 && get(dtype, y, i) < 5);
        }
    }
}

/* Both normals of a pair, in all four quarters of the turn, and the odd one at the end. */
static void normal_follows_its_formula(void **state)
{
    const long double pi = 3.14159265358979323846L;
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        uint32_t words[WORDS];
        double y[WORDS];
        size_t n = WORDS / nb_random_words(dtype) - 1;
        make_words(words);
        put(dtype, y, n, 123);
        nb_real(dtype)->draw_normal(n, words, y, 2, 3);
        assert_true(get(dtype, y, n) == 123);
        for (size_t i = 0; i < n; i++) {
            size_t first = i / 2 * 2;
            long double radius = sqrtl(-2 * logl(unit_above(dtype, words, first)));
            long double angle = 2 * pi * unit(dtype, words, first + 1);
            long double z = radius * (i % 2 ? sinl(angle) : cosl(angle));
            assert_near(dtype, get(dtype, y, i), 2 + 3 * z, 2 + 3 * radius);
        }
    }
}

static void exponential_follows_its_formula(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        uint32_t words[WORDS];
        double y[WORDS];
        size_t n = WORDS / nb_random_words(dtype);
        make_words(words);
        nb_real(dtype)->draw_exponential(n, words, y, 0.5, 0);
        for (size_t i = 0; i < n; i++) {
            long double u = unit_above(dtype, words, i);
            assert_true(get(dtype, y, i) > 0);
            if (u < 1) assert_near(dtype, get(dtype, y, i), -0.5L * logl(u), -0.5L * logl(u));
        }
    }
}

/* The ends are exact and the rest is the formula, for views as for copies. */
static void lerp_is_exact_at_its_ends(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        double a[WORDS], b[WORDS], w[WORDS], y[WORDS], stepped[2 * WORDS];
        for (size_t i = 0; i < WORDS; i++) {
            put(dtype, a, i, 1e6 * random_unit());
            put(dtype, b, i, random_unit());
            put(dtype, w, i, i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : random_unit());
        }
        nb_real(dtype)->lerp(WORDS, a, 1, b, 1, w, 1, y, 1);
        nb_real(dtype)->lerp(WORDS, a, 1, b, 1, w, 1, stepped, 2);
        for (size_t i = 0; i < WORDS; i++) {
            long double x = get(dtype, a, i), z = get(dtype, b, i), v = get(dtype, w, i);
            double got = get(dtype, y, i);
            if (i % 3 < 2) assert_true(got == (double)(i % 3 ? z : x));
            assert_near(dtype, got, x + v * (z - x), 1e6L);
            assert_true(get(dtype, stepped, 2 * i) == got);
        }
        nb_real(dtype)->lerp(1, a, 1, a, 1, w + 2, 1, y, 1);
        assert_true(get(dtype, y, 0) == get(dtype, a, 0));
    }
}

static void every_table_gives_the_same_bits(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 1; t < tables; t++)
        for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
            const nb_real_kernels *a = all[0]->real[dtype], *b = all[t]->real[dtype];
            nb_draw_fn *const draws[3][2] = {{a->draw_uniform, b->draw_uniform},
                                             {a->draw_normal, b->draw_normal},
                                             {a->draw_exponential, b->draw_exponential}};
            uint32_t words[WORDS];
            double x[WORDS], y[WORDS];
            size_t n = WORDS / nb_random_words(dtype) - 1;
            make_words(words);
            for (int k = 0; k < 3; k++) {
                draws[k][0](n, words, x, 0.25, 3);
                draws[k][1](n, words, y, 0.25, 3);
                assert_same("a draw", dtype, n, x, y);
            }
            a->lerp(n, x, 1, y, 1, x, 1, x, 1);
            b->lerp(n, y, 1, y, 1, y, 1, y, 1);
            assert_same("lerp", dtype, n, x, y);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_is_philox),
        cmocka_unit_test(uniform_follows_its_formula),
        cmocka_unit_test(normal_follows_its_formula),
        cmocka_unit_test(exponential_follows_its_formula),
        cmocka_unit_test(lerp_is_exact_at_its_ends),
        cmocka_unit_test(every_table_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
