/* Folds along rows and down columns, extremes down columns, running sums and products: of every
 * dtype and table, against their definitions; NaN; and one result whatever table and stride. */
#include "numbers.h"

enum { COUNT = 1031, ROWS = 11, COLUMNS = 1301, MANY_ROWS = 611, FEW_COLUMNS = 65, STRIDE = 5 };

/* A number that every dtype holds. */
static double whole(size_t i)
{
    return (double)((i * 7919 + 3) % 13) - 4;
}

static void put_any(nb_dtype dtype, void *x, size_t i, double value)
{
    if (dtype == NB_U8)
        ((uint8_t *)x)[i] = (uint8_t)fabs(value);
    else if (dtype == NB_I32)
        ((int32_t *)x)[i] = (int32_t)value;
    else
        put(dtype, x, i, value);
}

static double step_of(nb_fold fold, double acc, double x, double c)
{
    switch (fold) {
    case NB_FOLD_sum:
        return acc + x;
    case NB_FOLD_product:
        return acc * x;
    case NB_FOLD_squares:
        return acc + (x - c) * (x - c);
    case NB_FOLD_magnitudes:
        return acc + fabs(x);
    case NB_FOLD_nonzero:
        return acc + (x != 0);
    case NB_FOLD_largest:
        return x > acc ? x : acc;
    case NB_FOLD_smallest:
        return x < acc ? x : acc;
    case NB_FOLD_farthest:
        return fabs(x) > acc ? fabs(x) : acc;
    case NB_FOLD_nearest:
        return fabs(x) < acc ? fabs(x) : acc;
    case NB_FOLD_powers:
        return acc + pow(fabs(x), c);
    default:
        return acc + exp(x - c);
    }
}

/* Above every number here, as the folds with exponentials ask; a power as well. */
static const double parameter = 10;

static bool near(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-6 * fabs(b);
}

/* The products of many numbers leave the range: ones and twos do not. */
static double number(nb_fold fold, size_t i)
{
    if (fold == NB_FOLD_product) return i % 97 ? 1 : 2;
    return whole(i);
}

static void check_row(const nb_kernels *kernels, nb_dtype dtype, nb_fold fold, size_t n,
                      ptrdiff_t stride)
{
    static double x[COUNT * STRIDE];
    const nb_fold_rule *rule = &nb_fold_rules[fold];
    double got = rule->start, wanted = rule->start;
    for (size_t i = 0; i < n; i++) {
        double value = number(fold, i);
        put_any(dtype, x, i * (size_t)stride, value);
        wanted = step_of(fold, wanted, dtype == NB_U8 ? fabs(value) : value, parameter);
    }
    kernels->folds[dtype]->row[fold](n, x, stride, parameter, &got);
    if (!near(got, wanted))
        fail_msg("%s, dtype %d, fold %d of %zu: %.17g, not %.17g", kernels->isa, (int)dtype,
                 (int)fold, n, got, wanted);
}

/* Catches a wrong term, a tail that is left out, and a row that does not go on from what is there.
 */
static void rows_fold(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++)
            for (nb_fold fold = 0; fold < NB_FOLDS; fold++)
                for (size_t n = 0; n <= COUNT; n += n < 70 ? 1 : 83)
                    for (ptrdiff_t stride = 1; stride <= STRIDE; stride++)
                        check_row(all[t], dtype, fold, n, stride);
    double twice = 0;
    const float x[] = {1, 2, 3};
    for (int i = 0; i < 2; i++) all[0]->folds[NB_F32]->row[NB_FOLD_sum](3, x, 1, 0, &twice);
    assert_true(twice == 12);
}

static void check_columns(const nb_kernels *kernels, nb_dtype dtype, nb_fold fold, size_t rows,
                          size_t columns, bool gaps)
{
    static double x[MANY_ROWS * FEW_COLUMNS], acc[COLUMNS], c[COLUMNS];
    size_t sr = gaps ? 1 : columns, sc = gaps ? rows : 1;
    for (size_t i = 0; i < rows * columns; i++) put_any(dtype, x, i, number(fold, i));
    for (size_t j = 0; j < columns; j++) {
        acc[j] = nb_fold_rules[fold].start;
        c[j] = parameter + (double)(j % 3);
    }
    kernels->folds[dtype]->columns[fold](rows, columns, x, (ptrdiff_t)sr, (ptrdiff_t)sc, c, acc);
    for (size_t j = 0; j < columns; j++) {
        double wanted = nb_fold_rules[fold].start;
        for (size_t i = 0; i < rows; i++) {
            double value = number(fold, i * sr + j * sc);
            wanted = step_of(fold, wanted, dtype == NB_U8 ? fabs(value) : value, c[j]);
        }
        if (!near(acc[j], wanted))
            fail_msg("%s, dtype %d, fold %d, column %zu of %zu: %.17g, not %.17g", kernels->isa,
                     (int)dtype, (int)fold, j, columns, acc[j], wanted);
    }
}

/* Catches rows that are left over after those taken together, also where several lie side by side
 * as one, and a parameter of another column. */
static void columns_fold(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++)
            for (nb_fold fold = 0; fold < NB_FOLDS; fold++)
                for (int gaps = 0; gaps < 2; gaps++) {
                    for (size_t rows = 1; rows <= ROWS; rows++)
                        check_columns(all[t], dtype, fold, rows, 37, gaps);
                    for (size_t columns = 1; columns <= FEW_COLUMNS; columns++)
                        check_columns(all[t], dtype, fold, ROWS, columns, gaps);
                    check_columns(all[t], dtype, fold, ROWS, COLUMNS, gaps);
                    for (size_t columns = 1; columns <= FEW_COLUMNS; columns += 7 + columns % 2)
                        check_columns(all[t], dtype, fold, MANY_ROWS, columns, gaps);
                    check_columns(all[t], dtype, fold, MANY_ROWS, 3, gaps);
                    check_columns(all[t], dtype, fold, 256, FEW_COLUMNS - 1, gaps);
                    check_columns(all[t], dtype, fold, 255, FEW_COLUMNS - 1, gaps);
                }
}

/* Every table and stride gives the same bits, of numbers whose sums round. */
static void bits_do_not_depend_on_tables(void **state)
{
    (void)state;
    static double x[COUNT], wide[COUNT * STRIDE];
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (nb_fold fold = 0; fold < NB_FOLDS; fold++) {
            double first = nb_fold_rules[fold].start;
            for (size_t i = 0; i < COUNT; i++) {
                double value = random_unit();
                put(dtype, x, i, value);
                put(dtype, wide, i * STRIDE, value);
            }
            all[0]->folds[dtype]->row[fold](COUNT, x, 1, 1.5, &first);
            for (size_t t = 0; t < tables; t++) {
                double straight = nb_fold_rules[fold].start, spread = straight;
                all[t]->folds[dtype]->row[fold](COUNT, x, 1, 1.5, &straight);
                all[t]->folds[dtype]->row[fold](COUNT, wide, STRIDE, 1.5, &spread);
                assert_true(same_number(first, straight) && same_number(first, spread));
            }
        }
}

/* One NaN anywhere is the result of every fold but a count. */
static void nan_stays(void **state)
{
    (void)state;
    enum { N = 100 };
    double x[N], acc[N];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (nb_fold fold = 0; fold < NB_FOLDS; fold++)
            for (size_t at = 0; at < N; at++) {
                const nb_fold_kernels *folds = nb_kernels_get()->folds[dtype];
                double row = nb_fold_rules[fold].start, c[N];
                for (size_t i = 0; i < N; i++) {
                    put(dtype, x, i, i == at ? NAN : 1);
                    acc[i] = row;
                    c[i] = 2;
                }
                folds->row[fold](N, x, 1, 2, &row);
                assert_true(fold == NB_FOLD_nonzero ? row == N : isnan(row));
                folds->columns[fold](5, 20, x, 20, 1, c, acc);
                for (size_t j = 0; j < 20 && fold != NB_FOLD_nonzero; j++)
                    assert_int_equal(isnan(acc[j]), j == at % 20);
            }
}

/* As argmax of every column alone: the first of equals, the first NaN. */
static void extremes_of_columns(void **state)
{
    (void)state;
    enum { WIDE = 300 };
    static double x[ROWS * WIDE], best[WIDE];
    int32_t place[WIDE];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        const nb_real_kernels *real = nb_real(dtype);
        for (size_t i = 0; i < ROWS * WIDE; i++)
            put(dtype, x, i, i % 71 == 5 || i % 353 == 0 ? NAN : whole(i * i));
        for (int largest = 0; largest < 2; largest++)
            for (int gaps = 0; gaps < 2; gaps++) {
                ptrdiff_t sr = gaps ? 1 : WIDE, sc = gaps ? ROWS : 1;
                (largest ? real->argmax_columns : real->argmin_columns)(ROWS, WIDE, x, sr, sc, best,
                                                                        place);
                for (size_t j = 0; j < WIDE; j++) {
                    const char *column = (const char *)x + j * (size_t)sc * width(dtype);
                    size_t at = (largest ? real->argmax : real->argmin)(ROWS, column, sr);
                    assert_int_equal(place[j], at);
                    assert_true(
                        same_number(get(dtype, best, j), get(dtype, column, at * (size_t)sr)));
                }
            }
    }
}

/* Down one column and many, with strides; written over what is read. */
static void running_values(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static double x[ROWS * MANY], y[ROWS * MANY];
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (int product = 0; product < 2; product++)
            for (size_t columns = 1; columns <= MANY; columns += MANY - 1) {
                const nb_real_kernels *real = nb_real(dtype);
                nb_scan_fn *scan = product ? real->running_product : real->running_sum;
                for (size_t i = 0; i < ROWS * columns; i++)
                    put(dtype, x, i, product ? 1 + (double)(i % 2) : whole(i));
                scan(ROWS, columns, x, (ptrdiff_t)columns, 1, y, 1, ROWS, NULL);
                scan(ROWS, columns, x, (ptrdiff_t)columns, 1, x, (ptrdiff_t)columns, 1, NULL);
                for (size_t j = 0; j < columns; j++) {
                    double acc = product;
                    for (size_t i = 0; i < ROWS; i++) {
                        size_t at = i * columns + j;
                        double value = product ? 1 + (double)(at % 2) : whole(at);
                        acc = product ? acc * value : acc + value;
                        assert_true(get(dtype, y, j * ROWS + i) == acc);
                        assert_true(get(dtype, x, at) == acc);
                    }
                }
            }
}

/* dx[i] = sum over k >= i of dy[k] times the product of x up to k without i, with 0, 1 and 2 zeros.
 */
static void slope_of_running_product(void **state)
{
    (void)state;
    enum { N = 7 };
    for (int zeros = 0; zeros <= 2; zeros++) {
        double x[N], dy[N], dx[N], room[N];
        for (int i = 0; i < N; i++) {
            x[i] = (zeros > 0 && i == 2) || (zeros > 1 && i == 5) ? 0 : 1.5 - 0.5 * i;
            dy[i] = 1 + i % 3;
        }
        nb_real(NB_F64)->running_product_slope(N, x, 1, dy, 1, dx, 1, room, NULL);
        for (int i = 0; i < N; i++) {
            double wanted = 0;
            for (int k = i; k < N; k++) {
                double others = 1;
                for (int j = 0; j <= k; j++) others *= j == i ? 1 : x[j];
                wanted += dy[k] * others;
            }
            assert_true(fabs(dx[i] - wanted) <= 1e-12);
        }
    }
}

/* A long line is looked through in rounds, between which nothing is forgotten: of ones the i-th
 * running sum is i + 1, and n - i outputs have the i-th factor. */
static void long_lines(void **state)
{
    (void)state;
    enum { N = 200001 };
    static double x[N], y[N], dy[N], dx[N], room[N];
    const nb_real_kernels *real = nb_real(NB_F64);
    for (int i = 0; i < N; i++) x[i] = dy[i] = 1;
    real->running_sum(N, 1, x, 1, 1, y, 1, 1, NULL);
    real->running_product_slope(N, x, 1, dy, 1, dx, 1, room, NULL);
    for (int i = 0; i < N; i++) assert_true(y[i] == i + 1 && dx[i] == N - i);
    real->product_shares(N, 3, x, dy, dx);
    for (int i = 0; i < N; i++) assert_true(dx[i] == 3);
    for (int i = 0; i < N; i++) x[i] = 0;
    real->softmax(N, x, y, NULL);
    for (int i = 0; i < N; i++) assert_true(fabs(y[i] - 1.0 / N) <= 1e-18);
    real->log_softmax(N, x, y, NULL);
    for (int i = 0; i < N; i++) assert_true(fabs(y[i] + log(N)) <= 1e-13);
}

enum { SEEN_ROWS = 19, SEEN_MOST = 99 };

/* Rows of `all` numbers, one of them `odd`, of which each sees another share: what it sees has the
 * bits of softmax over that alone, the rest is 0, what stands between rows stays. */
static void see(const nb_real_kernels *real, nb_dtype dtype, size_t all, double odd)
{
    double x[SEEN_ROWS * (SEEN_MOST + 1)], y[SEEN_ROWS * (SEEN_MOST + 1)], one[SEEN_MOST];
    size_t seen[SEEN_ROWS], ld = all + 1;
    for (size_t i = 0; i < SEEN_ROWS * ld; i++) put(dtype, x, i, 90 * random_unit());
    for (size_t r = 0; r < SEEN_ROWS; r++) {
        put(dtype, x, r * ld + r % all, odd);
        seen[r] = r == 0 ? 0 : r % 3 == 0 ? all : 1 + r * all / SEEN_ROWS;
    }
    memcpy(y, x, sizeof y);
    real->softmax_seen(SEEN_ROWS, all, seen, ld, y);
    for (size_t r = 0; r < SEEN_ROWS; r++) {
        size_t width = nb_dtype_size(dtype), n = seen[r];
        if (n > 0) real->softmax(n, (const char *)x + r * ld * width, one, NULL);
        for (size_t j = 0; j < all; j++) {
            double got = get(dtype, y, r * ld + j), wanted = j < n ? get(dtype, one, j) : 0;
            assert_true(got == wanted || (isnan(got) && isnan(wanted)));
        }
        assert_true(get(dtype, y, r * ld + all) == get(dtype, x, r * ld + all));
    }
}

static void rows_of_what_is_seen(void **state)
{
    (void)state;
    static const double odd[] = {1, 1000, -1000, INFINITY, -INFINITY, NAN, -NAN};
    size_t tables;
    const nb_kernels *const *list = nb_kernels_all(&tables);
    for (size_t t = 0; t < tables; t++)
        for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
            for (size_t all = 1; all <= SEEN_MOST; all += all < 30 || all > 66 ? 7 : 1)
                for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
                    see(list[t]->real[dtype], dtype, all, odd[i]);
}

/* Where it is to stop nothing is written behind the first look. */
static void stopped_lines(void **state)
{
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    const nb_real_kernels *real = nb_real(NB_F64);
    double x[3] = {1, 2, 3}, y[3] = {7, 7, 7}, room[3];
    real->running_sum(3, 1, x, 1, 1, y, 1, 1, &stop);
    real->running_product_slope(3, x, 1, x, 1, y, 1, room, &stop);
    real->softmax(3, x, y, &stop);
    real->log_softmax(3, x, y, &stop);
    for (int i = 0; i < 3; i++) assert_true(y[i] == 7);
}

static void finite_element_by_element(void **state)
{
    (void)state;
    const double values[] = {0, -1, INFINITY, -INFINITY, NAN, 1e30, -0.0};
    const uint8_t wanted[] = {1, 1, 0, 0, 0, 1, 1};
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        double x[14];
        uint8_t y[7];
        for (size_t i = 0; i < 7; i++) put(dtype, x, 2 * i, values[i]);
        nb_real(dtype)->finite_each(7, x, 2, y, 1);
        assert_memory_equal(y, wanted, sizeof y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_fold),
        cmocka_unit_test(columns_fold),
        cmocka_unit_test(bits_do_not_depend_on_tables),
        cmocka_unit_test(nan_stays),
        cmocka_unit_test(extremes_of_columns),
        cmocka_unit_test(running_values),
        cmocka_unit_test(slope_of_running_product),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(rows_of_what_is_seen),
        cmocka_unit_test(stopped_lines),
        cmocka_unit_test(finite_element_by_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
