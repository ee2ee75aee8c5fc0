/* Loops of two inputs, comparisons, selection and the optimizers' steps, of every table that the
 * processor runs: values, NaN and infinity, and one result whatever table and stride. */
#include "numbers.h"

enum { COUNT = 1031, ROOM = 2 * COUNT };

static const double awkward[] = {0.0, -0.0, 1.0, -1.0, 2.5, INFINITY, -INFINITY, NAN};
enum { AWKWARD = sizeof awkward / sizeof *awkward };

/* The definition, in double; f32 rounds it once more. */
static double binary_of(nb_binary f, double a, double b)
{
    switch (f) {
    case NB_B_add:
        return a + b;
    case NB_B_sub:
        return a - b;
    case NB_B_mul:
        return a * b;
    case NB_B_div:
        return a / b;
    case NB_B_pow:
        return pow(a, b);
    case NB_B_maximum:
        return isnan(a) || isnan(b) ? NAN : (a > b ? a : b);
    default:
        return isnan(a) || isnan(b) ? NAN : (a < b ? a : b);
    }
}

static bool compare_of(nb_compare f, double a, double b)
{
    switch (f) {
    case NB_C_eq:
        return a == b;
    case NB_C_ne:
        return a != b;
    case NB_C_lt:
        return a < b;
    case NB_C_le:
        return a <= b;
    case NB_C_gt:
        return a > b;
    default:
        return a >= b;
    }
}

/* Every pair of awkward numbers through every function; a maximum of two zeros may be either. */
static void binary_of_awkward_numbers(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (size_t i = 0; i < AWKWARD * AWKWARD; i++) {
            double a, b, y;
            double left = awkward[i / AWKWARD], right = awkward[i % AWKWARD];
            put(dtype, &a, 0, left);
            put(dtype, &b, 0, right);
            for (nb_binary f = 0; f < NB_BINARIES; f++) {
                nb_real(dtype)->binary[f](1, &a, 1, &b, 1, &y, 1);
                double got = get(dtype, &y, 0), wanted = binary_of(f, left, right);
                bool zeros = f >= NB_B_maximum && left == 0.0 && right == 0.0;
                if (zeros ? got == 0.0 : same_number(got, rounded(dtype, wanted))) continue;
                fail_msg("function %d of %g and %g is %g", (int)f, left, right, got);
            }
            for (nb_compare f = 0; f < NB_COMPARES; f++) {
                uint8_t said = 7;
                nb_real(dtype)->compare[f](1, &a, 1, &b, 1, &said, 1);
                assert_int_equal(said, compare_of(f, left, right));
            }
        }
    }
}

/* The exponents that have loops of their own agree with pow, also on what is not a positive number.
 */
static void constant_exponents_agree_with_pow(void **state)
{
    (void)state;
    const double exponents[] = {2.0, 0.5, 1.0, -1.0, 3.0, 2.5, 0.0, -0.5};
    double x[COUNT], y[COUNT], e;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        fill_random(dtype, COUNT, x);
        for (size_t i = 0; i < AWKWARD; i++) put(dtype, x, i, awkward[i]);
        for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++) {
            put(dtype, &e, 0, exponents[k]);
            nb_real(dtype)->binary[NB_B_pow](COUNT, x, 1, &e, 0, y, 1);
            for (size_t i = 0; i < COUNT; i++) {
                double got = get(dtype, y, i);
                double wanted = rounded(dtype, powl(get(dtype, x, i), exponents[k]));
                if (same_number(got, wanted)) continue;
                assert_true(fabsl((long double)got - wanted) <= 2.0L * ulp(dtype, wanted));
            }
        }
    }
}

/* a, b and y contiguous, reversed, every second, or one for all; the results lie apart from the
 * input. */
static void strides_change_nothing(void **state)
{
    (void)state;
    const ptrdiff_t strides[] = {1, 2, -1, 0};
    double a[ROOM], b[ROOM], ca[COUNT], cb[COUNT], plain[COUNT], y[ROOM], out[COUNT];
    uint8_t plain_said[COUNT], said[ROOM];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        fill_random(dtype, ROOM, a);
        fill_random(dtype, ROOM, b);
        for (size_t s = 0; s < 16; s++) {
            ptrdiff_t sa = strides[s / 4], sb = strides[s % 4];
            const char *fa = (char *)a + (sa < 0 ? (COUNT - 1) * width(dtype) : 0);
            const char *fb = (char *)b + (sb < 0 ? (COUNT - 1) * width(dtype) : 0);
            real->unary[NB_U_copy](COUNT, fa, sa, ca, 1, 0, 0);
            real->unary[NB_U_copy](COUNT, fb, sb, cb, 1, 0, 0);
            for (nb_binary f = 0; f < NB_BINARIES; f++) {
                if (f == NB_B_pow) continue;
                real->binary[f](COUNT, ca, 1, cb, 1, plain, 1);
                real->binary[f](COUNT, fa, sa, fb, sb, y, 2);
                real->unary[NB_U_copy](COUNT, y, 2, out, 1, 0, 0);
                assert_same("strided", dtype, COUNT, out, plain);
            }
            real->compare[NB_C_lt](COUNT, ca, 1, cb, 1, plain_said, 1);
            real->compare[NB_C_lt](COUNT, fa, sa, fb, sb, said, 2);
            for (size_t i = 0; i < COUNT; i++) assert_int_equal(said[2 * i], plain_said[i]);
            assert_true(real->dot(COUNT, fa, sa, fb, sb) == real->dot(COUNT, ca, 1, cb, 1));
            assert_true(real->sum(COUNT, fa, sa) == real->sum(COUNT, ca, 1));
            assert_true(real->sum_squares(COUNT, fa, sa) == real->sum_squares(COUNT, ca, 1));
            assert_int_equal(real->argmax(COUNT, fa, sa), real->argmax(COUNT, ca, 1));
            assert_int_equal(real->argmin(COUNT, fb, sb), real->argmin(COUNT, cb, 1));
        }
    }
}

/* An output that is an input: y += b, the commonest of all. */
static void outputs_may_be_inputs(void **state)
{
    (void)state;
    double a[COUNT], b[COUNT], y[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        fill_random(dtype, COUNT, a);
        fill_random(dtype, COUNT, b);
        nb_real(dtype)->binary[NB_B_sub](COUNT, a, 1, b, 1, y, 1);
        nb_real(dtype)->binary[NB_B_sub](COUNT, a, 1, b, 1, a, 1);
        assert_same("in place", dtype, COUNT, a, y);
    }
}

static void select_fill_and_rows(void **state)
{
    (void)state;
    enum { N = 40 };
    uint8_t choice[N];
    double a[N], b[N], y[2 * N];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        for (size_t i = 0; i < N; i++) choice[i] = (uint8_t)(i % 3 * 100);
        real->fill(N, a, 1, 1.5);
        real->fill(N, b, 1, NAN);
        real->fill(2 * N, y, 1, 9.0);
        nb_kernels_get()->select[dtype](N, choice, 1, a, 1, b, 1, y, 2);
        for (size_t i = 0; i < N; i++) {
            assert_true(same_number(get(dtype, y, 2 * i), i % 3 ? 1.5 : NAN));
            assert_true(get(dtype, y, 2 * i + 1) == 9.0);
        }
        real->fill(N / 2, y, 4, -2.0);
        assert_true(get(dtype, y, 4) == -2.0 && get(dtype, y, 5) == 9.0);
        for (size_t i = 0; i < N; i++) put(dtype, a, i, (double)i);
        real->fill(N, y, 1, 1.0);
        real->axpy(N, -0.5, a, y);
        assert_true(get(dtype, y, 0) == 1.0 && get(dtype, y, N - 1) == 1.0 - 0.5 * (N - 1));
        real->fill(2 * N, y, 1, 9.0);
        real->repeat_row(3, 5, a, y, 7);
        assert_true(get(dtype, y, 14) == 0.0 && get(dtype, y, 18) == 4.0 &&
                    get(dtype, y, 19) == 9.0);
    }
}

/* Catches rows that are left out, and what is written behind them. */
static void rows_are_repeated(void **state)
{
    (void)state;
    enum { MOST = 41, WIDEST = 600 };
    static double row[WIDEST], out[MOST * WIDEST + 1];
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
            for (size_t columns = 1; columns <= WIDEST; columns += 1 + columns / 8)
                for (size_t rows = 0; rows <= MOST; rows += 1 + rows % 3) {
                    for (size_t i = 0; i < columns; i++) put(dtype, row, i, (double)(i + 1));
                    all[t]->real[dtype]->fill(MOST * WIDEST + 1, out, 1, NAN);
                    all[t]->real[dtype]->repeat_row(rows, columns, row, out, (ptrdiff_t)columns);
                    for (size_t i = 0; i < rows * columns; i++)
                        assert_true(get(dtype, out, i) == (double)(i % columns + 1));
                    assert_true(isnan(get(dtype, out, rows * columns)));
                }
}

/* Three steps of momentum, plain and Nesterov's, against the formulas in double. */
static void momentum_follows_its_formula(void **state)
{
    (void)state;
    double w[COUNT], g[COUNT], v[COUNT], w0[COUNT], v0[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        double slack = dtype == NB_F32 ? 1e-6 : 1e-14;
        for (int nesterov = 0; nesterov < 2; nesterov++) {
            fill_random(dtype, COUNT, w);
            nb_real(dtype)->fill(COUNT, v, 1, 0.0);
            for (size_t i = 0; i < COUNT; i++) w0[i] = get(dtype, w, i);
            memset(v0, 0, sizeof v0);
            for (int step = 0; step < 3; step++) {
                fill_random(dtype, COUNT, g);
                const double share = 0.75;
                nb_rule_id id = nesterov ? NB_RULE_nesterov : NB_RULE_momentum;
                nb_real(dtype)->rule[id](COUNT, w, g, (void *const[]){v}, 0.125, &share);
                for (size_t i = 0; i < COUNT; i++) {
                    double push = 0.125 * get(dtype, g, i);
                    v0[i] = 0.75 * v0[i] - push;
                    w0[i] += nesterov ? 0.75 * v0[i] - push : v0[i];
                    assert_true(fabs(get(dtype, w, i) - w0[i]) <= slack * (1.0 + fabs(w0[i])));
                    assert_true(fabs(get(dtype, v, i) - v0[i]) <= slack * (1.0 + fabs(v0[i])));
                }
            }
        }
    }
}

static void adam_follows_its_formula(void **state)
{
    (void)state;
    const double lr = 0.01, b1 = 0.9, b2 = 0.999, epsilon = 1e-8;
    double w[COUNT], g[COUNT], m[COUNT], s[COUNT], w0[COUNT], m0[COUNT] = {0}, s0[COUNT] = {0};
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        double slack = dtype == NB_F32 ? 2e-6 : 1e-13;
        fill_random(dtype, COUNT, w);
        real->fill(COUNT, m, 1, 0.0);
        real->fill(COUNT, s, 1, 0.0);
        memset(m0, 0, sizeof m0);
        memset(s0, 0, sizeof s0);
        for (size_t i = 0; i < COUNT; i++) w0[i] = get(dtype, w, i);
        for (int t = 1; t <= 5; t++) {
            fill_random(dtype, COUNT, g);
            const double c[] = {b1, b2, 1 / (1 - pow(b1, t)), 1 / (1 - pow(b2, t)), epsilon};
            real->rule[NB_RULE_adam](COUNT, w, g, (void *const[]){m, s}, lr, c);
            for (size_t i = 0; i < COUNT; i++) {
                double slope = get(dtype, g, i);
                m0[i] = b1 * m0[i] + (1.0 - b1) * slope;
                s0[i] = b2 * s0[i] + (1.0 - b2) * slope * slope;
                double mean = m0[i] / (1.0 - pow(b1, t)), square = s0[i] / (1.0 - pow(b2, t));
                w0[i] -= lr * mean / (sqrt(square) + epsilon);
                assert_true(fabs(get(dtype, w, i) - w0[i]) <= slack * (1.0 + fabs(w0[i])));
            }
        }
    }
}

enum { CHANNELS = 6, PLACES = 9 };

/* Norms of a few channels, which are rows, then columns; each channel's figures are of its own. */
static double *norms_of(const nb_real_kernels *real, nb_dtype dtype, const double *a,
                        const double *b, double *out)
{
    double coef[NB_NORM_KINDS * CHANNELS], y[COUNT], dgain[CHANNELS] = {0}, dshift[CHANNELS] = {0};
    for (size_t i = 0; i < NB_NORM_KINDS * CHANNELS; i++) put(dtype, coef, i, cos((double)i));
    for (int by_row = 0; by_row < 2; by_row++) {
        const nb_norm_lines lines = {.rows = by_row ? CHANNELS : PLACES,
                                     .columns = by_row ? PLACES : CHANNELS,
                                     .ld = PLACES + 2,
                                     .channels = CHANNELS,
                                     .coef = coef,
                                     .by_row = by_row};
        memcpy(y, a, sizeof y);
        real->norm_apply(&lines, a, y);
        for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, y, i);
        real->norm_gather(&lines, a, b, dgain, dshift);
        memcpy(y, b, sizeof y);
        real->norm_slope(&lines, a, y, y); /* over δ itself */
        for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, y, i);
    }
    for (size_t c = 0; c < CHANNELS; c++) *out++ = dgain[c];
    for (size_t c = 0; c < CHANNELS; c++) *out++ = dshift[c];
    return out;
}

/* What every table gives for one set of inputs, end to end. */
static size_t results_of(const nb_real_kernels *real, nb_dtype dtype, const double *a,
                         const double *b, double *out)
{
    double w[COUNT], v[COUNT], s[COUNT], *start = out;
    *out++ = real->sum(COUNT, a, 1);
    *out++ = real->sum_squares(COUNT, a, 1);
    *out++ = real->dot(COUNT, a, 1, b, 1);
    *out++ = real->squared_distance(COUNT, a, b);
    *out++ = real->sigmoid_cross_entropy(COUNT, a, b);
    *out++ = real->softmax(COUNT, a, w, NULL);
    for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, w, i);
    *out++ = real->log_softmax(COUNT, a, w, NULL);
    for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, w, i);
    real->fill(COUNT, v, 1, 0.25);
    real->fill(COUNT, s, 1, 0.125);
    for (nb_rule_id r = 0; r < NB_RULES; r++) {
        const double c[NB_RULE_NUMBERS] = {0.9, 0.5, 1.25, 1.5, 1.75, 0.125};
        double third[COUNT];
        real->fill(COUNT, third, 1, 0.01);
        real->rule[r](COUNT, w, r % 2 ? a : b, (void *const[]){v, s, third}, 0.1, c);
        for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, w, i);
        real->fill(COUNT, v, 1, 0.25);
        real->fill(COUNT, s, 1, 0.125);
    }
    real->shrink(COUNT, 0.1, 0.01, w);
    real->penalise(COUNT, 0.1, 0.01, a, w);
    for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, w, i);
    for (nb_binary f = 0; f < NB_BINARIES; f++) {
        real->binary[f](COUNT, a, 1, b, 1, w, 1);
        for (size_t i = 0; i < COUNT; i++) *out++ = get(dtype, w, i);
    }
    out = norms_of(real, dtype, a, b, out);
    return (size_t)(out - start);
}

static void every_table_gives_the_same_bits(void **state)
{
    (void)state;
    enum { RESULTS = (10 + NB_BINARIES + NB_RULES) * COUNT };
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    double *first = malloc(RESULTS * sizeof *first), *other = malloc(RESULTS * sizeof *other);
    double a[COUNT], b[COUNT];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        fill_random(dtype, COUNT, a);
        fill_random(dtype, COUNT, b);
        size_t n = results_of(all[0]->real[dtype], dtype, a, b, first);
        for (size_t t = 1; t < tables; t++) {
            assert_int_equal(results_of(all[t]->real[dtype], dtype, a, b, other), n);
            assert_same(all[t]->isa, NB_F64, n, other, first);
        }
    }
    free(first);
    free(other);
}

/* Bytes and integers compare as numbers, at their ends too. */
static void stored_dtypes_compare(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0, 1, 127, 128, 255};
    const int32_t whole[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++) {
        for (nb_compare f = 0; f < NB_COMPARES; f++) {
            for (size_t i = 0; i < 5; i++) {
                uint8_t said[5];
                all[t]->compare_u8[f](5, bytes, 1, &bytes[i], 0, said, 1);
                for (size_t j = 0; j < 5; j++) {
                    assert_int_equal(said[j], compare_of(f, bytes[j], bytes[i]));
                }
                all[t]->compare_i32[f](5, whole, 1, &whole[i], 0, said, 1);
                for (size_t j = 0; j < 5; j++) {
                    assert_int_equal(said[j], compare_of(f, whole[j], whole[i]));
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_of_awkward_numbers),
        cmocka_unit_test(constant_exponents_agree_with_pow),
        cmocka_unit_test(strides_change_nothing),
        cmocka_unit_test(outputs_may_be_inputs),
        cmocka_unit_test(select_fill_and_rows),
        cmocka_unit_test(rows_are_repeated),
        cmocka_unit_test(momentum_follows_its_formula),
        cmocka_unit_test(adam_follows_its_formula),
        cmocka_unit_test(every_table_gives_the_same_bits),
        cmocka_unit_test(stored_dtypes_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
