/* Products against a triple loop in long double: every transposition, odd sizes, alpha and beta,
 * NaN, panels and threads, Ctrl-C; through nb_product and through every table's own loops. */
#include "numbers.h"

#include "base/workers.h"
#include "kernel/product.h"

static nb_ctx *ctx;

static int setup(void **state)
{
    (void)state;
    ctx = nb_ctx_new();
    return ctx ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nb_ctx_free(ctx);
    return 0;
}

/* One product: sizes, transpositions, factors, and matrices with some room behind each row. */
typedef struct problem {
    nb_dtype dtype;
    size_t m, n, k, ldc;
    bool ta, tb;
    double alpha, beta;
    nb_matrix a, b;
    void *ra, *rb, *c, *before;
} problem;

static void *random_matrix(nb_dtype dtype, size_t rows, size_t ld)
{
    void *x = malloc(rows * ld * MOST_BYTES + 1);
    for (size_t i = 0; i < rows * ld; i++) put(dtype, x, i, random_unit());
    return x;
}

static problem make(nb_dtype dtype, size_t m, size_t n, size_t k, int transposed)
{
    problem p = {.dtype = dtype, .m = m, .n = n, .k = k, .ldc = n + 2, .alpha = 1.25, .beta = -0.5};
    p.ta = transposed & 1;
    p.tb = transposed & 2;
    p.a = (nb_matrix){.ld = (p.ta ? m : k) + 1, .transposed = p.ta};
    p.b = (nb_matrix){.ld = (p.tb ? k : n) + 3, .transposed = p.tb};
    p.a.data = p.ra = random_matrix(dtype, p.ta ? k : m, p.a.ld);
    p.b.data = p.rb = random_matrix(dtype, p.tb ? n : k, p.b.ld);
    p.c = random_matrix(dtype, m, p.ldc);
    p.before = malloc(m * p.ldc * MOST_BYTES + 1);
    memcpy(p.before, p.c, m * p.ldc * width(dtype));
    return p;
}

static void drop(problem *p)
{
    free(p->ra);
    free(p->rb);
    free(p->c);
    free(p->before);
}

static nb_status run(problem *p)
{
    return nb_product(ctx, p->dtype, p->m, p->n, p->k, p->alpha, p->a, p->b, p->beta, p->c, p->ldc);
}

static long double element(const problem *p, nb_matrix x, size_t i, size_t j)
{
    return get(p->dtype, x.data, x.transposed ? j * x.ld + i : i * x.ld + j);
}

/* Every element within the rounding of a sum of k terms in any order; the room behind rows
 * untouched. */
static void check(const problem *p, const char *who)
{
    long double unit = p->dtype == NB_F32 ? FLT_EPSILON : DBL_EPSILON;
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->ldc; j++) {
            long double sum = 0, size = 0, was = get(p->dtype, p->before, i * p->ldc + j);
            double got = get(p->dtype, p->c, i * p->ldc + j);
            if (j >= p->n) {
                assert_true(same_number(got, (double)was));
                continue;
            }
            for (size_t q = 0; q < p->k; q++) {
                long double term = element(p, p->a, i, q) * element(p, p->b, q, j);
                sum += term;
                size += fabsl(term);
            }
            long double wanted = p->alpha * sum + (p->beta == 0.0 ? 0.0L : p->beta * was);
            long double slack = ((long double)p->k + 4.0L) * unit * (size + fabsl(was) + 1e-30L);
            if (p->beta == 0.0) slack = ((long double)p->k + 4.0L) * unit * 2.0L * size;
            if (fabsl(got - wanted) <= slack) continue;
            fail_msg("%s %s %zux%zux%zu, A%s B%s: element %zu, %zu is %g, not %Lg", who,
                     nb_dtype_name(p->dtype), p->m, p->n, p->k, p->ta ? "T" : "", p->tb ? "T" : "",
                     i, j, got, wanted);
        }
    }
}

/* By `own` loops; false when it is not for them. */
static bool run_own(const problem *p, const nb_products *own)
{
    nb_product_way way = own->way(p->m, p->n, p->k, p->a, p->b);
    return way != NB_PRODUCT_BLAS &&
           own->multiply(way, p->m, p->n, p->k, p->alpha, p->a, p->b, p->beta, NULL, p->c, p->ldc);
}

static void check_size(nb_dtype dtype, size_t m, size_t n, size_t k, int transposed)
{
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    problem p = make(dtype, m, n, k, transposed);
    assert_int_equal(run(&p), NB_OK);
    check(&p, "nb_product");
    for (size_t t = 0; t < tables; t++) {
        memcpy(p.c, p.before, m * p.ldc * width(dtype));
        if (!run_own(&p, all[t]->products[dtype])) continue;
        check(&p, all[t]->isa);
    }
    drop(&p);
}

static void all_small_sizes(void **state)
{
    (void)state;
    for (size_t m = 1; m <= 17; m++) {
        for (size_t n = 1; n <= 17; n++) {
            for (size_t k = 1; k <= 17; k += 1 + (m + n) % 2) {
                for (int transposed = 0; transposed < 4; transposed++) {
                    check_size((m + n + k) % 2 ? NB_F32 : NB_F64, m, n, k, transposed);
                }
            }
        }
    }
}

/* Sizes of networks, and both sides of every limit of tile.inc and product.c that is small enough.
 */
static void chosen_sizes(void **state)
{
    (void)state;
    const size_t sizes[][3] = {
        {10, 30, 784},  {30, 784, 10},  {10, 10, 30},   {10, 30, 10},    {1, 30, 784},
        {33, 29, 31},   {32, 5, 15},    {33, 5, 15},    {32, 5, 31},     {33, 5, 32},
        {33, 6, 63},    {33, 6, 64},    {59, 9, 70},    {60, 9, 70},     {61, 9, 70},
        {121, 13, 65},  {60, 3, 256},   {61, 3, 256},   {60, 3, 257},    {7, 63, 19},
        {7, 64, 19},    {7, 65, 19},    {13, 66, 1},    {13, 79, 2},     {13, 80, 3},
        {13, 81, 300},  {6, 127, 520},  {6, 129, 520},  {100, 100, 100}, {128, 10, 512},
        {15, 33, 64},   {16, 33, 64},   {95, 65, 70},   {96, 65, 70},    {97, 131, 300},
        {96, 256, 255}, {96, 256, 256}, {96, 128, 255}, {96, 128, 256},  {31, 49, 257},
        {70, 16, 128},  {70, 16, 129},  {239, 65, 130}, {240, 65, 130},  {241, 449, 127},
        {31, 600, 560}, {32, 600, 560}, {96, 448, 129}, {96, 513, 20},   {300, 772, 100},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int transposed = 0; transposed < 4; transposed++) {
            check_size(NB_F32, sizes[i][0], sizes[i][1], sizes[i][2], transposed);
            check_size(NB_F64, sizes[i][0], sizes[i][1], sizes[i][2], transposed);
        }
    }
}

/* Rows of C of every width, with few and with many of them: no block of columns that are copied is
 * narrower than a vector. */
static void all_widths(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 150; n++)
        for (int transposed = 0; transposed <= 2; transposed += 2)
            for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
                check_size(dtype, n % 2 ? 16 : 96, n, 21, transposed);
    for (size_t n = 65; n <= 79; n += 2)
        for (int transposed = 0; transposed <= 2; transposed += 2)
            check_size(NB_F32, 96, n, 21, transposed);
}

/* beta = 0 writes over whatever is in C, NaN included; alpha = 0 and k = 0 do not read A and B. */
static void zero_factors(void **state)
{
    (void)state;
    const size_t sizes[][3] = {{3, 5, 7}, {10, 30, 784}, {33, 3, 5}, {100, 90, 80}};
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (size_t i = 0; i < 16; i++) {
            problem p = make(dtype, sizes[i % 4][0], sizes[i % 4][1], sizes[i % 4][2], (int)i / 4);
            nb_real(dtype)->fill(p.m * p.ldc, p.c, 1, NAN);
            memcpy(p.before, p.c, p.m * p.ldc * width(dtype));
            p.beta = 0.0;
            assert_int_equal(run(&p), NB_OK);
            check(&p, "beta 0");
            p.alpha = 0.0;
            p.k = 0;
            p.a.data = p.b.data = NULL;
            assert_int_equal(run(&p), NB_OK);
            for (size_t j = 0; j < p.n; j++) assert_true(get(dtype, p.c, j) == 0.0);
            nb_real(dtype)->fill(p.m * p.ldc, p.c, 1, 8.0);
            p.beta = 0.25;
            assert_int_equal(run(&p), NB_OK);
            assert_true(get(dtype, p.c, p.n - 1) == 2.0 && get(dtype, p.c, p.n) == 8.0);
            p.k = 5;
            assert_int_equal(run(&p), NB_OK);
            assert_true(get(dtype, p.c, 0) == 0.5);
            p.m = 0;
            assert_int_equal(run(&p), NB_OK);
            p.m = 1;
            p.n = 0;
            assert_int_equal(run(&p), NB_OK);
            drop(&p);
        }
    }
}

/* NaN and infinity arrive at the elements that they belong to and nowhere else, and an infinity in
 * the part of a row that is read twice stays an infinity. */
static void nan_and_infinity_arrive(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        for (int transposed = 0; transposed < 4; transposed++) {
            problem p = make(dtype, 7, 21, 37, transposed);
            for (size_t q = 0; q < p.k; q++) {
                put(dtype, p.rb, p.tb ? 4 * p.b.ld + q : q * p.b.ld + 4, 1.0);
            }
            put(dtype, p.ra, p.ta ? 2 : 2 * p.a.ld, NAN);
            size_t place = p.k - 6;
            put(dtype, p.ra, p.ta ? place * p.a.ld + 3 : 3 * p.a.ld + place, INFINITY);
            for (size_t t = 0; t < tables; t++) {
                memcpy(p.c, p.before, p.m * p.ldc * width(dtype));
                if (!run_own(&p, all[t]->products[dtype])) {
                    continue;
                }
                for (size_t i = 0; i < p.m; i++) {
                    for (size_t j = 0; j < p.n; j++) {
                        double got = get(dtype, p.c, i * p.ldc + j);
                        if (i == 2) assert_true(isnan(got));
                        if (i == 3) assert_true(isinf(got));
                        if (i != 2 && i != 3) assert_true(isfinite(got));
                    }
                }
                assert_true(get(dtype, p.c, 3 * p.ldc + 4) == INFINITY);
            }
            drop(&p);
        }
    }
}

/* Cut into panels: right, and the same bits on one thread and on four. */
static void panels_do_not_depend_on_threads(void **state)
{
    (void)state;
    const size_t sizes[][3] = {{420, 410, 400}, {70, 1525, 350}, {1530, 66, 353},   {420, 410, 400},
                               {512, 384, 400}, {400, 512, 384}, {900, 1010, 1000}, {1100, 66, 70},
                               {1100, 66, 70},  {300, 772, 300}, {64, 64, 2048},    {61, 300, 130},
                               {10, 600, 400},  {40, 1000, 60},  {17, 2050, 1030}};
    const int transposed[] = {0, 1, 2, 3, 0, 1, 0, 0, 2, 2, 1, 0, 2, 1, 2};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        nb_dtype dtype = i % 2 ? NB_F64 : NB_F32;
        problem p =
            make(dtype, sizes[i / 2][0], sizes[i / 2][1], sizes[i / 2][2], transposed[i / 2]);
        size_t bytes = p.m * p.ldc * width(dtype);
        void *alone = malloc(bytes);
        assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
        assert_int_equal(run(&p), NB_OK);
        if (i / 2 == 0 || i / 2 > 6) check(&p, "panels");
        memcpy(alone, p.c, bytes);
        memcpy(p.c, p.before, bytes);
        assert_int_equal(nb_set_threads(ctx, 4), NB_OK);
        assert_int_equal(run(&p), NB_OK);
        assert_memory_equal(p.c, alone, bytes);
        free(alone);
        drop(&p);
    }
}

/* Where our loops without copies end if the vectors are wide: 2^26 multiplications. One column more
 * is the BLAS's, and the same elements come of both. */
static void the_largest_of_ours(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        problem large = make(dtype, 15, 2049, 2184, 2), small = large;
        small.n = 2048;
        small.c = malloc(large.m * large.ldc * width(dtype));
        memcpy(small.c, large.before, large.m * large.ldc * width(dtype));
        assert_int_equal(run(&small), NB_OK);
        assert_int_equal(run(&large), NB_OK);
        double slack = dtype == NB_F32 ? 1e-3 : 1e-12;
        for (size_t i = 0; i < small.m; i++) {
            for (size_t j = 0; j < small.n; j++) {
                double ours = get(dtype, small.c, i * large.ldc + j);
                assert_true(fabs(ours - get(dtype, large.c, i * large.ldc + j)) <= slack);
            }
        }
        free(small.c);
        drop(&large);
    }
}

/* Longer sums than one call takes are cut, and Ctrl-C is seen between the parts; one term fewer is
 * one part and is not interrupted. */
static void long_sums_and_interrupts(void **state)
{
    (void)state;
    const size_t depth = (size_t)1 << 18;
    volatile sig_atomic_t pressed = 0;
    problem p = make(NB_F64, 1, 2, depth + 1, 2);
    ctx->interrupt = &pressed;
    assert_int_equal(run(&p), NB_OK);
    check(&p, "long sum");
    pressed = 1;
    assert_int_equal(run(&p), NB_EINTERRUPT);
    p.k = depth;
    assert_int_equal(run(&p), NB_OK);
    ctx->interrupt = NULL;
    drop(&p);
}

/* 1,300^3 multiplications are more than 2 GFlop, so Ctrl-C stops them on the way. */
static void large_products_are_interrupted(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    problem p = make(NB_F32, 1300, 1300, 1300, 0);
    ctx->interrupt = &pressed;
    assert_int_equal(run(&p), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    drop(&p);
}

/* The BLAS counts in int. A stride that it cannot hold is refused before anything is read, except
 * where it is the stride of a single row. */
static void strides_beyond_int(void **state)
{
    (void)state;
    const size_t wide = (size_t)1 << 31;
    problem p = make(NB_F32, 2, 2, 2, 0);
    size_t ld = p.a.ld;
    p.a.ld = wide;
    assert_int_equal(run(&p), NB_ESHAPE);
    assert_non_null(strstr(ctx->message, "2147483647"));
    p.a.ld = ld;
    p.ldc = wide;
    assert_int_equal(run(&p), NB_ESHAPE);
    p.m = 1;
    p.a.ld = wide;
    assert_int_equal(run(&p), NB_OK);
    p.a.ld = ld;
    p.ldc = 4;
    memcpy(p.c, p.before, 4 * sizeof(float));
    assert_int_equal(run(&p), NB_OK);
    check(&p, "one row");
    drop(&p);
}

/* Rows of a product of `own` loops, each alone, against all at once. */
static void check_alone(problem *p, const nb_products *own, const char *isa)
{
    size_t bytes = p->n * width(p->dtype);
    memcpy(p->c, p->before, p->m * p->ldc * width(p->dtype));
    if (!run_own(p, own)) return;
    for (size_t i = 0; i < p->m; i++) {
        problem row = *p;
        char *at = (char *)p->before + i * p->ldc * width(p->dtype);
        row.m = 1;
        row.c = at;
        row.a.data = (const char *)p->a.data + i * p->a.ld * width(p->dtype);
        assert_true(run_own(&row, own));
        if (memcmp(at, (char *)p->c + i * p->ldc * width(p->dtype), bytes))
            fail_msg("%s %s: row %zu of %zux%zux%zu has other bits alone", isa,
                     nb_dtype_name(p->dtype), i, p->m, p->n, p->k);
    }
}

/* A row times turned columns has the bits that it has among a few others: an example alone is what
 * it is in a small batch. */
static void a_row_alone(void **state)
{
    (void)state;
    size_t tables;
    const nb_kernels *const *all = nb_kernels_all(&tables);
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (size_t n = 8; n <= 31; n++)
            for (size_t k = 13; k <= 90; k += 7)
                for (size_t t = 0; t < tables; t++) {
                    problem p = make(dtype, 5 + n % 7, n, k, 2);
                    check_alone(&p, all[t]->products[dtype], all[t]->isa);
                    drop(&p);
                }
}

/* The bits of the row in all of C and a product that adds to it: in one panel, in rows of panels,
 * in columns of them, and deeper than a panel; at any number of threads. */
static void onto_a_row(void **state)
{
    static const size_t sizes[][3] = {
        {3, 5, 7},      {700, 40, 64},   {130, 700, 60},       {300, 772, 150},
        {90, 900, 700}, {1200, 70, 300}, {2, 3, (1 << 18) + 5}};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int64_t threads = 1; threads <= 2; threads++) {
            size_t m = sizes[s][0], n = sizes[s][1];
            problem p = make(s % 2 ? NB_F32 : NB_F64, m, n, sizes[s][2], 2);
            const nb_real_kernels *real = nb_real(p.dtype);
            void *row = random_matrix(p.dtype, 1, n);
            size_t bytes = m * p.ldc * width(p.dtype);
            assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
            real->repeat_row(m, n, row, p.before, (ptrdiff_t)p.ldc);
            for (size_t i = 0; i < m; i++) /* what lies behind each row is nobody's */
                memcpy((char *)p.before + (i * p.ldc + n) * width(p.dtype),
                       (char *)p.c + (i * p.ldc + n) * width(p.dtype), 2 * width(p.dtype));
            assert_int_equal(nb_product(ctx, p.dtype, m, n, p.k, 1, p.a, p.b, 1, p.before, p.ldc),
                             NB_OK);
            assert_int_equal(nb_product_onto(ctx, p.dtype, m, n, p.k, p.a, p.b, row, p.c, p.ldc),
                             NB_OK);
            assert_memory_equal(p.c, p.before, bytes);
            free(row);
            drop(&p);
        }
    }
    assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_alone),
        cmocka_unit_test(all_small_sizes),
        cmocka_unit_test(chosen_sizes),
        cmocka_unit_test(all_widths),
        cmocka_unit_test(zero_factors),
        cmocka_unit_test(nan_and_infinity_arrive),
        cmocka_unit_test(panels_do_not_depend_on_threads),
        cmocka_unit_test(the_largest_of_ours),
        cmocka_unit_test(long_sums_and_interrupts),
        cmocka_unit_test(large_products_are_interrupted),
        cmocka_unit_test(strides_beyond_int),
        cmocka_unit_test(onto_a_row),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
