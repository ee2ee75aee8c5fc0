/* What rows come to: sums, means of their squares, the largest and where it stands, norms, softmax
 * and the cost of a row, against plain loops in higher precision. */
#include "numbers.h"

enum { COUNT = 1031 };

/* Catches sums in single precision, which stop growing at 2^24, and a tail that is left out. */
static void sums_are_of_double_precision(void **state)
{
    (void)state;
    const size_t many = 10 * 1000 * 1000;
    float *x = malloc(many * sizeof *x);
    nb_real(NB_F32)->fill(many, x, 1, (double)0.1f);
    double mean = nb_real(NB_F32)->sum(many, x, 1) / (double)many;
    assert_true(fabs(mean / (double)0.1f - 1.0) <= 1e-7);
    free(x);
}

static void reductions_equal_plain_loops(void **state)
{
    (void)state;
    double a[COUNT], b[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        fill_random(dtype, COUNT, a);
        fill_random(dtype, COUNT, b);
        for (size_t n = 0; n <= COUNT; n += n < 40 ? 1 : 331) {
            long double sum = 0, squares = 0, dot = 0, distance = 0;
            for (size_t i = 0; i < n; i++) {
                long double x = get(dtype, a, i), y = get(dtype, b, i);
                sum += x;
                squares += x * x;
                dot += x * y;
                distance += (x - y) * (x - y);
            }
            assert_true(fabsl(real->sum(n, a, 1) - sum) <= 1e-12L);
            assert_true(fabsl(real->sum_squares(n, a, 1) - squares) <= 1e-11L);
            assert_true(fabsl(real->dot(n, a, 1, b, 1) - dot) <= 1e-11L);
            assert_true(fabsl(real->squared_distance(n, a, b) - distance) <= 1e-11L);
        }
    }
}

/* The first of equals, the first NaN, infinities, and places in the tail of the loop. */
static void argmax_and_argmin_follow_the_rules(void **state)
{
    (void)state;
    double x[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        for (size_t n = 1; n <= COUNT; n += n < 35 ? 1 : 249) {
            size_t first = n / 3, second = n - 1;
            real->fill(n, x, 1, 0.5);
            put(dtype, x, first, 2.0);
            put(dtype, x, second, 2.0);
            assert_int_equal(real->argmax(n, x, 1), first);
            real->unary[NB_U_neg](n, x, 1, x, 1, 0, 0);
            assert_int_equal(real->argmin(n, x, 1), first);
            put(dtype, x, second, NAN);
            assert_int_equal(real->argmax(n, x, 1), second);
            assert_int_equal(real->argmin(n, x, 1), second);
            put(dtype, x, first, NAN);
            assert_int_equal(real->argmax(n, x, 1), first);
            real->fill(n, x, 1, -INFINITY);
            assert_int_equal(real->argmax(n, x, 1), 0);
            assert_int_equal(real->argmin(n, x, 1), 0);
            put(dtype, x, second, INFINITY);
            assert_int_equal(real->argmax(n, x, 1), second);
        }
    }
}

static void finite_sees_every_place(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    double x[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        real->fill(COUNT, x, 1, dtype == NB_F32 ? (double)FLT_MAX : DBL_MAX);
        assert_true(real->finite(COUNT, x));
        assert_true(real->finite(0, x));
        for (size_t i = 0; i < COUNT; i++) {
            double kept = get(dtype, x, i);
            put(dtype, x, i, bad[i % 3]);
            assert_false(real->finite(COUNT, x));
            put(dtype, x, i, kept);
        }
    }
}

/* Every place counts, signs do not, and what is no number is beyond all numbers. */
static void magnitude_is_the_largest(void **state)
{
    (void)state;
    double x[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        assert_true(real->magnitude(0, x) == 0);
        real->fill(COUNT, x, 1, 0.5);
        for (size_t i = 0; i < COUNT; i++) {
            put(dtype, x, i, i % 2 ? -3 : 3);
            assert_true(real->magnitude(COUNT, x) == 3);
            put(dtype, x, i, i % 2 ? NAN : -INFINITY);
            assert_true(real->magnitude(COUNT, x) == INFINITY);
            put(dtype, x, i, -0.25);
            assert_true(real->magnitude(COUNT, x) == (i + 1 < COUNT ? 0.5 : 0.25));
        }
    }
}

/* Against long double, far from 0 too; both slopes' sums are added to what was there. */
static void norm_of_a_row(void **state)
{
    (void)state;
    double x[COUNT], gain[COUNT], shift[COUNT], delta[COUNT], y[COUNT], dx[COUNT];
    double dgain[COUNT], dshift[COUNT], stats[2];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        double unit = dtype == NB_F32 ? FLT_EPSILON : DBL_EPSILON;
        for (size_t n = 2; n <= COUNT; n += n < 35 ? 1 : 331) {
            long double mean = 0, spread = 0, g_mean = 0, product = 0;
            for (size_t i = 0; i < n; i++) {
                put(dtype, x, i, 8.0 + random_unit());
                put(dtype, gain, i, 2.0 * random_unit());
                put(dtype, shift, i, random_unit());
                put(dtype, delta, i, random_unit());
                dgain[i] = 1;
                dshift[i] = 2;
                mean += (long double)get(dtype, x, i) / (long double)n;
            }
            for (size_t i = 0; i < n; i++) {
                long double d = get(dtype, x, i) - mean;
                spread += d * d / (long double)n;
            }
            long double scale = 1 / sqrtl(spread + 0.25L);
            for (size_t i = 0; i < n; i++) {
                long double g = (long double)get(dtype, gain, i) * get(dtype, delta, i);
                g_mean += g / (long double)n;
                product += g * (get(dtype, x, i) - mean) * scale / (long double)n;
            }
            real->norm_row(n, x, gain, shift, 0.25, y, stats);
            real->norm_row_slope(n, x, gain, delta, stats, dx, dgain, dshift);
            assert_true(fabsl(stats[0] - mean) <= 1e-14L && fabsl(stats[1] - scale) <= 1e2L * unit);
            for (size_t i = 0; i < n; i++) {
                long double normal = (get(dtype, x, i) - mean) * scale;
                long double g = (long double)get(dtype, gain, i) * get(dtype, delta, i);
                double d = get(dtype, delta, i);
                assert_true(fabsl(get(dtype, y, i) - get(dtype, gain, i) * normal -
                                  get(dtype, shift, i)) <= 30.0L * unit);
                assert_true(fabsl(get(dtype, dx, i) - (g - g_mean - normal * product) * scale) <=
                            60.0L * unit);
                assert_true(fabsl(dgain[i] - 1 - d * normal) <= 30.0L * unit);
                assert_true(dshift[i] - 2 == d || fabs(dshift[i] - 2 - d) < 1e-15);
            }
            real->norm_row_slope(n, x, gain, delta, stats, delta, dgain, dshift);
            assert_same("slope of a norm over its delta", dtype, n, delta, dx);
        }
    }
}

/* Against long double; also where e^x alone would overflow, and in place. */
static void softmax_is_stable(void **state)
{
    (void)state;
    double x[COUNT], y[COUNT], z[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        long double unit = dtype == NB_F32 ? FLT_EPSILON : DBL_EPSILON;
        for (size_t n = 1; n <= COUNT; n += n < 35 ? 1 : 332) {
            long double sum = 0;
            for (size_t i = 0; i < n; i++) put(dtype, x, i, 1000.0 + 30.0 * random_unit());
            for (size_t i = 0; i < n; i++) sum += expl((long double)get(dtype, x, i) - 1000.0L);
            long double total = 1000.0L + logl(sum);
            assert_true(fabsl(real->softmax(n, x, y, NULL) - total) <= 4.0L * unit * total);
            assert_true(fabsl(real->log_softmax(n, x, z, NULL) - total) <= 4.0L * unit * total);
            for (size_t i = 0; i < n; i++) {
                long double wanted = get(dtype, x, i) - total;
                long double share = expl(wanted);
                assert_true(fabsl(get(dtype, y, i) - share) <= 8.0L * unit * share);
                assert_true(fabsl(get(dtype, z, i) - wanted) <= 4.0L * unit * (1.0L - wanted));
            }
            real->softmax(n, x, x, NULL);
            assert_same("softmax in place", dtype, n, x, y);
        }
        put(dtype, x, 0, -INFINITY);
        put(dtype, x, 1, 3.0);
        real->softmax(2, x, y, NULL);
        assert_true(get(dtype, y, 0) == 0.0 && get(dtype, y, 1) == 1.0);
        put(dtype, x, 1, NAN);
        real->softmax(2, x, y, NULL);
        assert_true(isnan(get(dtype, y, 0)) && isnan(get(dtype, y, 1)));
    }
}

/* The sum itself is infinite where the shares of it are not known. */
static void log_sums_of_infinities(void **state)
{
    (void)state;
    static const double rows[][3] = {{INFINITY, 3, INFINITY},
                                     {-INFINITY, -INFINITY, -INFINITY},
                                     {INFINITY, -INFINITY, INFINITY},
                                     {INFINITY, NAN, NAN}};
    double x[2], y[2];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
            double wanted = rows[row][2];
            for (size_t i = 0; i < 2; i++) put(dtype, x, i, rows[row][i]);
            double sums[] = {real->softmax(2, x, y, NULL), real->log_softmax(2, x, y, NULL)};
            for (size_t i = 0; i < 2; i++)
                assert_true(isnan(wanted) ? isnan(sums[i]) : sums[i] == wanted);
        }
    }
}

static long double cross_entropy(long double z, long double y)
{
    return y * log1pl(expl(-z)) + (1.0L - y) * log1pl(expl(z));
}

/* Saturated and right costs e^-|z|, not a rounded 0 or a rounding error; saturated and wrong costs
 * |z|. */
static void cross_entropy_is_stable(void **state)
{
    (void)state;
    double z[COUNT], y[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        long double unit = dtype == NB_F32 ? FLT_EPSILON : DBL_EPSILON, wanted = 0;
        for (size_t i = 0; i < COUNT; i++) {
            put(dtype, z, i, 20.0 * random_unit());
            put(dtype, y, i, i % 3 == 0 ? 0.25 : (double)(i % 2));
            wanted += cross_entropy(get(dtype, z, i), get(dtype, y, i));
        }
        long double got = real->sigmoid_cross_entropy(COUNT, z, y);
        assert_true(fabsl(got - wanted) <= 4.0L * unit * wanted);
        put(dtype, z, 0, 50.0);
        put(dtype, y, 0, 1.0);
        got = real->sigmoid_cross_entropy(1, z, y);
        assert_true(fabsl(got / expl(-50.0L) - 1.0L) <= 4.0L * unit);
        put(dtype, z, 0, -500.0);
        assert_true(real->sigmoid_cross_entropy(1, z, y) == 500.0);
    }
}

/* Catches a lane that is left out or told at another's place, and NaN or -0 taken for the other
 * kind. */
static void nonzeros_are_listed(void **state)
{
    enum { N = 133 };
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    double x[N + 1], value[N + 1];
    int32_t place[N + 1];
    for (size_t t = 0; t < tables; t++)
        for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
            for (size_t n = 0; n <= N; n++) {
                size_t at = 0;
                const uint64_t zeros = random_bits() | random_bits();
                memset(x, 0, sizeof x);
                for (size_t i = 0; i < n; i++)
                    put(dtype, x, i, zeros >> i % 61 & 1 ? -0.0 : i % 7 ? (double)i : NAN);
                size_t count = all[t]->real[dtype]->nonzeros(n, x, place, value);
                assert_int_equal(count, all[t]->real[dtype]->count_nonzero(n, x));
                for (size_t i = 0; i < n; i++) {
                    if (get(dtype, x, i) == 0) continue;
                    assert_true(at < count && place[at] == (int32_t)i);
                    assert_true(same_number(get(dtype, value, at), get(dtype, x, i)));
                    at++;
                }
                assert_int_equal(at, count);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_of_double_precision),
        cmocka_unit_test(reductions_equal_plain_loops),
        cmocka_unit_test(argmax_and_argmin_follow_the_rules),
        cmocka_unit_test(finite_sees_every_place),
        cmocka_unit_test(magnitude_is_the_largest),
        cmocka_unit_test(nonzeros_are_listed),
        cmocka_unit_test(norm_of_a_row),
        cmocka_unit_test(softmax_is_stable),
        cmocka_unit_test(log_sums_of_infinities),
        cmocka_unit_test(cross_entropy_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
