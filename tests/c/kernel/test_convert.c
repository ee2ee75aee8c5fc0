/* Conversions between the four dtypes: rounding, saturation, scale, strides, all tables alike. */
#include "numbers.h"

enum { COUNT = 777 };

static size_t size_of(nb_dtype dtype)
{
    return dtype == NB_U8 ? 1 : (dtype == NB_F64 ? 8 : 4);
}

static double read_any(nb_dtype dtype, const void *x, size_t i)
{
    if (dtype == NB_U8) return ((const uint8_t *)x)[i];
    if (dtype == NB_I32) return ((const int32_t *)x)[i];
    return get(dtype, x, i);
}

static void write_any(nb_dtype dtype, void *x, size_t i, double value)
{
    if (dtype == NB_U8) {
        ((uint8_t *)x)[i] = (uint8_t)value;
    } else if (dtype == NB_I32) {
        ((int32_t *)x)[i] = (int32_t)value;
    } else {
        put(dtype, x, i, value);
    }
}

static double converted(const nb_kernels *kernels, nb_dtype from, nb_dtype to, double x,
                        double scale)
{
    double in, out;
    write_any(from, &in, 0, x);
    kernels->convert[from][to](1, &in, 1, &out, 1, scale);
    return read_any(to, &out, 0);
}

static const struct {
    double x, u8, i32;
} saturation[] = {
    {NAN, 0, 0},
    {INFINITY, 255, 2147483647},
    {-INFINITY, 0, -2147483648.0},
    {0.0, 0, 0},
    {-0.0, 0, 0},
    {0.9999, 0, 0},
    {-0.9999, 0, 0},
    {1.0, 1, 1},
    {-1.0, 0, -1},
    {-1.5, 0, -1},
    {254.99, 254, 254},
    {255.0, 255, 255},
    {255.99, 255, 255},
    {256.0, 255, 256},
    {-256.75, 0, -256},
    {2147483520.0, 255, 2147483520.0},
    {2147483648.0, 255, 2147483647},
    {-2147483648.0, 0, -2147483648.0},
    {-2147483904.0, 0, -2147483648.0},
    {1e30, 255, 2147483647},
    {-1e30, 0, -2147483648.0},
};

/* Catches the casts that are undefined in C: out of range, and NaN. */
static void integers_saturate(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++) {
        for (nb_dtype from = NB_F32; from <= NB_F64; from++) {
            for (size_t i = 0; i < sizeof saturation / sizeof *saturation; i++) {
                double x = saturation[i].x;
                assert_true(converted(all[t], from, NB_U8, x, 1.0) == saturation[i].u8);
                assert_true(converted(all[t], from, NB_I32, x, 1.0) == saturation[i].i32);
            }
        }
        assert_true(converted(all[t], NB_F64, NB_I32, 2147483646.5, 1.0) == 2147483646.0);
        assert_true(converted(all[t], NB_I32, NB_U8, 256.0, 1.0) == 255.0);
        assert_true(converted(all[t], NB_I32, NB_U8, -1.0, 1.0) == 0.0);
        assert_true(converted(all[t], NB_I32, NB_I32, 2147483647.0, 2.0) == 2147483647.0);
        assert_true(converted(all[t], NB_U8, NB_U8, 200.0, 2.0) == 255.0);
    }
}

/* Whole numbers pass unchanged through every pair of dtypes that holds them. */
static void whole_numbers_are_kept(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++) {
        for (nb_dtype from = 0; from < NB_DTYPES; from++) {
            for (nb_dtype to = 0; to < NB_DTYPES; to++) {
                for (double x = 0.0; x < 256.0; x += 1.0) {
                    assert_true(converted(all[t], from, to, x, 1.0) == x);
                }
            }
        }
        assert_true(converted(all[t], NB_I32, NB_F64, -2147483647.0, 1.0) == -2147483647.0);
        assert_true(converted(all[t], NB_I32, NB_F32, 16777217.0, 1.0) == 16777216.0);
        assert_true(converted(all[t], NB_I32, NB_I32, -2147483647.0, 1.0) == -2147483647.0);
    }
}

/* Pictures: a byte by 1/255 is two roundings away from the quotient, and 255 of them is 1. */
static void bytes_are_scaled(void **state)
{
    (void)state;
    for (nb_dtype to = NB_F32; to <= NB_F64; to++) {
        for (double x = 0.0; x < 256.0; x += 1.0) {
            double y = converted(nb_kernels_get(), NB_U8, to, x, 1.0 / 255.0);
            assert_true(fabsl(y - x / 255.0L) <= 2.0L * ulp(to, x / 255.0L));
        }
        assert_true(converted(nb_kernels_get(), NB_U8, to, 255.0, 1.0 / 255.0) == 1.0);
        assert_true(converted(nb_kernels_get(), to, NB_U8, 0.5, 255.0) == 127.0);
    }
}

static void strides_and_tables_change_nothing(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    double x[2 * COUNT], plain[COUNT], y[2 * COUNT];
    for (nb_dtype from = 0; from < NB_DTYPES; from++) {
        for (nb_dtype to = 0; to < NB_DTYPES; to++) {
            for (size_t i = 0; i < 2 * COUNT; i++) {
                write_any(from, x, i, from == NB_U8 ? 100.0 : 1000.0 * random_unit());
            }
            const char *end = (const char *)x + (2 * COUNT - 2) * size_of(from);
            for (size_t i = 0; i < COUNT; i++) {
                double one;
                all[0]->convert[from][to](1, end - 2 * i * size_of(from), 1, &one, 1, 0.75);
                write_any(to, plain, i, read_any(to, &one, 0));
            }
            for (size_t t = 0; t < tables; t++) {
                all[t]->convert[from][to](COUNT, end, -2, y, 2, 0.75);
                for (size_t i = 0; i < COUNT; i++) {
                    double got = read_any(to, y, 2 * i), wanted = read_any(to, plain, i);
                    assert_true(same_number(got, wanted));
                }
            }
        }
    }
}

/* Every length: catches a rest behind groups that is left out or passed over, or counted twice. */
static void rows_of_bytes_end_anywhere(void **state)
{
    (void)state;
    enum { MOST = 300 };
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    uint8_t x[MOST];
    static const double scales[] = {1.0 / 255.0, 1.0, 3.0};
    float y[MOST + 1];
    for (size_t i = 0; i < MOST; i++) x[i] = (uint8_t)(i * 37 + 11);
    for (size_t t = 0; t < tables; t++) {
        for (size_t n = 0; n <= MOST; n++) {
            double scale = scales[n % 3];
            y[n] = 9.0f;
            all[t]->convert[NB_U8][NB_F32](n, x, 1, y, 1, scale);
            for (size_t i = 0; i < n; i++) assert_true(y[i] == (float)scale * (float)x[i]);
            assert_true(y[n] == 9.0f);
        }
    }
}

/* The same of bytes with their columns. */
static void nonzeros_are_taken(void **state)
{
    (void)state;
    enum { MOST = 200 };
    const float factor = 1.0f / 255;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    uint16_t column[MOST];
    uint8_t number[MOST];
    int32_t index[MOST + 1];
    float value[MOST + 1];
    for (size_t i = 0; i < MOST; i++) {
        column[i] = (uint16_t)(i * 9973 + 65000);
        number[i] = (uint8_t)(i * 37 + 200);
    }
    for (size_t t = 0; t < tables; t++) {
        for (size_t n = 0; n <= MOST; n++) {
            for (size_t i = 0; i <= n; i++) index[i] = -1, value[i] = -1;
            all[t]->take_bytes(n, column, number, factor, index, value);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(index[i], column[i]);
                assert_true(value[i] == factor * (float)number[i]);
            }
            assert_int_equal(index[n], -1);
            assert_true(value[n] == -1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_saturate),  cmocka_unit_test(whole_numbers_are_kept),
        cmocka_unit_test(bytes_are_scaled),   cmocka_unit_test(rows_of_bytes_end_anywhere),
        cmocka_unit_test(nonzeros_are_taken), cmocka_unit_test(strides_and_tables_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
