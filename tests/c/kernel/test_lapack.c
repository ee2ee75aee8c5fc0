/* Factorisations on stacks of matrices: what they give multiplied together again, in both dtypes;
 * limits, matrices that have no such factors, Ctrl-C, failing memory. */
#include "../support.h"

#include "kernel/lapack.h"

#include <math.h>

/* ---- Matrices of the tests ------------------------------------------------------------------ */

enum { STACK = 2, MOST = 6 };

typedef struct matrices {
    nb_stack stack;
    double value[STACK][MOST][MOST]; /* what stood there at first */
} matrices;

static double number_at(nb_dtype dtype, const void *data, int64_t i)
{
    return dtype == NB_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void put(nb_dtype dtype, void *data, int64_t i, double x)
{
    if (dtype == NB_F32)
        ((float *)data)[i] = (float)x;
    else
        ((double *)data)[i] = x;
}

static void *room(nb_dtype dtype, int64_t count)
{
    void *data = nb_alloc_zero(ctx, (size_t)count, nb_dtype_size(dtype));
    assert_non_null(data);
    return data;
}

static void give_back(nb_dtype dtype, void *data, int64_t count)
{
    nb_free(ctx, data, (size_t)count * nb_dtype_size(dtype));
}

/* Numbers without a pattern, in -1 … 1; `dominant` is added on the diagonal, and the upper triangle
 * mirrors the lower one where `symmetric`. */
static matrices make(nb_dtype dtype, int64_t rows, int64_t columns, double dominant, bool symmetric)
{
    matrices m = {.stack = {dtype, STACK, rows, columns, room(dtype, STACK * rows * columns)}};
    unsigned seed = 12345;
    for (int64_t s = 0; s < STACK; s++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) {
                seed = seed * 1103515245u + 12345u;
                double x = (double)(seed >> 16 & 1023) / 512 - 1 + (i == j ? dominant : 0);
                m.value[s][i][j] = x;
                if (symmetric && j < i) m.value[s][j][i] = x;
            }
    for (int64_t s = 0; s < STACK; s++)
        for (int64_t i = 0; i < rows * columns; i++)
            put(dtype, m.stack.data, s * rows * columns + i, m.value[s][i / columns][i % columns]);
    return m;
}

static void drop(matrices *m)
{
    give_back(m->stack.dtype, m->stack.data, STACK * m->stack.rows * m->stack.columns);
}

static double of(const matrices *m, int64_t s, int64_t i, int64_t j)
{
    return number_at(m->stack.dtype, m->stack.data, (s * m->stack.rows + i) * m->stack.columns + j);
}

static void close_to(nb_dtype dtype, double got, double want, const char *what)
{
    double allowed = (dtype == NB_F32 ? 2e-5 : 1e-13) * (1 + fabs(want));
    if (!(fabs(got - want) <= allowed))
        fail_msg("%s %s: %.12g, not %.12g", nb_dtype_name(dtype), what, got, want);
}

static const nb_dtype dtypes[] = {NB_F32, NB_F64};

/* ---- LU ------------------------------------------------------------------------------------- */

/* A x = b and its transpose, for one right side, which takes a way of its own, and for several. */
static void test_solve(void **state)
{
    (void)state;
    enum { N = 5 };
    for (int t = 0; t < 16; t++) {
        nb_dtype dtype = dtypes[t & 1];
        bool transposed = t & 2;
        int64_t columns = t & 4 ? 1 : 3;
        matrices a = make(dtype, N, N, t & 8 ? 4 : 0, false), b = make(dtype, N, columns, 0, false);
        int pivot[STACK * N];
        nb_fault fault;
        assert_int_equal(nb_lapack_lu(ctx, a.stack, pivot, &fault), NB_OK);
        for (int64_t s = 0; s < STACK; s++) {
            int64_t width = (int64_t)nb_dtype_size(dtype);
            nb_lapack_lu_solve(ctx, dtype, N, columns, (char *)a.stack.data + s * N * N * width,
                               pivot + s * N, transposed,
                               (char *)b.stack.data + s * N * columns * width);
            for (int64_t i = 0; i < N; i++)
                for (int64_t j = 0; j < columns; j++) {
                    double sum = 0;
                    for (int64_t k = 0; k < N; k++)
                        sum += a.value[s][transposed ? k : i][transposed ? i : k] * of(&b, s, k, j);
                    close_to(dtype, sum, b.value[s][i][j], "solve");
                }
        }
        drop(&a);
        drop(&b);
    }
}

static void test_invert(void **state)
{
    (void)state;
    enum { N = 5 };
    for (int t = 0; t < 2; t++) {
        matrices a = make(dtypes[t], N, N, 3, false);
        int pivot[STACK * N];
        nb_fault fault;
        assert_int_equal(nb_lapack_lu(ctx, a.stack, pivot, &fault), NB_OK);
        assert_int_equal(nb_lapack_lu_invert(ctx, a.stack, pivot), NB_OK);
        for (int64_t s = 0; s < STACK; s++)
            for (int64_t i = 0; i < N; i++)
                for (int64_t j = 0; j < N; j++) {
                    double sum = 0;
                    for (int64_t k = 0; k < N; k++) sum += a.value[s][i][k] * of(&a, s, k, j);
                    close_to(dtypes[t], sum, i == j, "inverse");
                }
        drop(&a);
    }
}

/* The second matrix of a stack is what the factorisation does not take. */
static void test_faults(void **state)
{
    (void)state;
    double singular[] = {2, 1, 1, 3, 1, 2, 2, 4}, indefinite[] = {4, 2, 2, 5, 1, 0, 2, 1};
    nb_fault fault = {-1, -1};
    int pivot[4];
    assert_int_equal(nb_lapack_lu(ctx, (nb_stack){NB_F64, 2, 2, 2, singular}, pivot, &fault),
                     NB_EVALUE);
    assert_int_equal(fault.matrix, 1);
    assert_int_equal(nb_lapack_cholesky(ctx, (nb_stack){NB_F64, 2, 2, 2, indefinite}, &fault),
                     NB_EVALUE);
    assert_int_equal(fault.matrix, 1);
    assert_int_equal(fault.order, 2);
}

/* ---- Factors -------------------------------------------------------------------------------- */

static void test_cholesky(void **state)
{
    (void)state;
    enum { N = 5 };
    for (int t = 0; t < 2; t++) {
        matrices a = make(dtypes[t], N, N, 6, true);
        nb_fault fault;
        /* What is above the diagonal is not looked at. */
        for (int64_t s = 0; s < STACK; s++) put(dtypes[t], a.stack.data, s * N * N + 1, NAN);
        assert_int_equal(nb_lapack_cholesky(ctx, a.stack, &fault), NB_OK);
        for (int64_t s = 0; s < STACK; s++)
            for (int64_t i = 0; i < N; i++)
                for (int64_t j = 0; j <= i; j++) {
                    double sum = 0;
                    for (int64_t k = 0; k <= j; k++) sum += of(&a, s, i, k) * of(&a, s, j, k);
                    close_to(dtypes[t], sum, a.value[s][i][j], "cholesky");
                }
        drop(&a);
    }
}

static const int64_t shapes[][2] = {{5, 5}, {6, 3}, {3, 6}, {1, 4}, {4, 1}, {1, 1}};

/* A = first second by rows, (m x k) (k x n), where the columns of `first` are orthonormal. */
static void check_factors(const matrices *a, const void *first, const double *scale,
                          const void *second, const char *what)
{
    nb_stack s = a->stack;
    int64_t m = s.rows, n = s.columns, k = m < n ? m : n;
    for (int64_t b = 0; b < STACK; b++) {
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += number_at(s.dtype, first, (b * m + i) * k + l) *
                           (scale ? scale[b * k + l] : 1) *
                           number_at(s.dtype, second, (b * k + l) * n + j);
                close_to(s.dtype, sum, a->value[b][i][j], what);
            }
        for (int64_t i = 0; i < k; i++)
            for (int64_t j = 0; j < k; j++) {
                double sum = 0;
                for (int64_t l = 0; l < m; l++)
                    sum += number_at(s.dtype, first, (b * m + l) * k + i) *
                           number_at(s.dtype, first, (b * m + l) * k + j);
                close_to(s.dtype, sum, i == j, what);
            }
    }
}

static void test_qr(void **state)
{
    (void)state;
    for (size_t t = 0; t < 2 * sizeof shapes / sizeof *shapes; t++) {
        nb_dtype dtype = dtypes[t & 1];
        int64_t m = shapes[t / 2][0], n = shapes[t / 2][1], k = m < n ? m : n;
        matrices a = make(dtype, m, n, 0, false);
        void *r = room(dtype, STACK * k * n), *q = room(dtype, STACK * m * k);
        assert_int_equal(nb_lapack_qr(ctx, a.stack, r, k == n ? a.stack.data : q), NB_OK);
        check_factors(&a, k == n ? a.stack.data : q, NULL, r, "qr");
        for (int64_t i = 0; i < STACK * k; i++)
            for (int64_t j = 0; j < i % k; j++) assert_true(number_at(dtype, r, i * n + j) == 0);
        give_back(dtype, r, STACK * k * n);
        give_back(dtype, q, STACK * m * k);
        drop(&a);
    }
}

/* R of rows that come in stretches is that of all of them: Rᵀ R = Aᵀ A, also where the first
 * stretches are shorter than R. */
static void test_qr_by_stretches(void **state)
{
    enum { ROWS = 23, COLUMNS = 5, LD = 7 };
    double a[ROWS * COLUMNS], b[ROWS * COLUMNS], r[COLUMNS * LD] = {0};
    (void)state;
    for (int i = 0; i < ROWS * COLUMNS; i++) a[i] = sin(3.0 * i + 1) + (i % 7);
    memcpy(b, a, sizeof a);
    for (int at = 0, rows = 1; at < ROWS; at += rows, rows = rows * 2 < ROWS - at ? rows * 2 : 1)
        assert_int_equal(nb_lapack_qr_add(ctx, COLUMNS, r, LD, rows, b + at * COLUMNS, COLUMNS),
                         NB_OK);
    for (int i = 0; i < COLUMNS; i++)
        for (int j = i; j < COLUMNS; j++) {
            double left = 0, right = 0;
            for (int k = 0; k < ROWS; k++) right += a[k * COLUMNS + i] * a[k * COLUMNS + j];
            for (int k = 0; k <= i; k++) left += r[k * LD + i] * r[k * LD + j];
            assert_true(fabs(left - right) <= 1e-11 * fabs(right));
        }
}

static void test_svd(void **state)
{
    (void)state;
    for (size_t t = 0; t < 2 * sizeof shapes / sizeof *shapes; t++) {
        nb_dtype dtype = dtypes[t & 1];
        int64_t m = shapes[t / 2][0], n = shapes[t / 2][1], k = m < n ? m : n;
        matrices a = make(dtype, m, n, 0, false);
        void *u = room(dtype, STACK * m * k), *s = room(dtype, STACK * k);
        void *vt = room(dtype, STACK * k * n);
        double scale[STACK * MOST];
        nb_fault fault;
        assert_int_equal(nb_lapack_svd(ctx, a.stack, u, s, vt, &fault), NB_OK);
        for (int64_t i = 0; i < STACK * k; i++) scale[i] = number_at(dtype, s, i);
        check_factors(&a, u, scale, vt, "svd");
        for (int64_t i = 0; i < STACK * k; i++)
            assert_true(scale[i] >= 0 && (i % k == 0 || scale[i - 1] >= scale[i]));
        give_back(dtype, u, STACK * m * k);
        give_back(dtype, s, STACK * k);
        give_back(dtype, vt, STACK * k * n);
        drop(&a);
    }
}

/* A v = λ v for every row v, of what stands in the lower triangle. */
static void test_eigh(void **state)
{
    (void)state;
    enum { N = 5 };
    for (int t = 0; t < 2; t++) {
        matrices a = make(dtypes[t], N, N, 0, true);
        double lambda[STACK * N];
        void *values = room(dtypes[t], STACK * N);
        nb_fault fault;
        for (int64_t s = 0; s < STACK; s++) put(dtypes[t], a.stack.data, s * N * N + 1, 1e6);
        assert_int_equal(nb_lapack_eigh(ctx, a.stack, values, &fault), NB_OK);
        for (int64_t i = 0; i < STACK * N; i++) lambda[i] = number_at(dtypes[t], values, i);
        for (int64_t s = 0; s < STACK; s++)
            for (int64_t v = 0; v < N; v++) {
                assert_true(v == 0 || lambda[s * N + v - 1] <= lambda[s * N + v]);
                for (int64_t i = 0; i < N; i++) {
                    double sum = 0;
                    for (int64_t j = 0; j < N; j++) sum += a.value[s][i][j] * of(&a, s, v, j);
                    close_to(dtypes[t], sum, lambda[s * N + v] * of(&a, s, v, i), "eigh");
                }
            }
        give_back(dtypes[t], values, STACK * N);
        drop(&a);
    }
}

/* Of 3 + 4 = 7 with one equation the shortest solution; of three that contradict, their mean. */
static void test_lstsq(void **state)
{
    (void)state;
    nb_fault fault;
    for (int t = 0; t < 2; t++) {
        double wide_a[] = {3, 4}, wide_b[] = {25, 0}, tall_a[] = {1, 1, 1}, tall_b[] = {1, 2, 6};
        float single_a[] = {3, 4}, single_b[] = {25, 0}, long_a[] = {1, 1, 1}, long_b[] = {1, 2, 6};
        bool f32 = dtypes[t] == NB_F32;
        void *b = f32 ? (void *)single_b : wide_b, *c = f32 ? (void *)long_b : tall_b;
        nb_stack wide = {dtypes[t], 1, 2, 1, f32 ? (void *)single_a : wide_a};
        nb_stack tall = {dtypes[t], 1, 1, 3, f32 ? (void *)long_a : tall_a};
        assert_int_equal(
            nb_lapack_lstsq(ctx, wide, (nb_stack){dtypes[t], 1, 1, 2, b}, 1e-6, &fault), NB_OK);
        close_to(dtypes[t], number_at(dtypes[t], b, 0), 3, "lstsq");
        close_to(dtypes[t], number_at(dtypes[t], b, 1), 4, "lstsq");
        assert_int_equal(
            nb_lapack_lstsq(ctx, tall, (nb_stack){dtypes[t], 1, 1, 3, c}, 1e-6, &fault), NB_OK);
        close_to(dtypes[t], number_at(dtypes[t], c, 0), 3, "lstsq");
    }
}

/* ---- Limits, Ctrl-C, memory ----------------------------------------------------------------- */

/* Both sides of what LAPACK's ints can count, on stacks without matrices. */
static void test_limits(void **state)
{
    (void)state;
    nb_fault fault;
    const int64_t side = NB_LAPACK_SIDE, root = (int64_t)1 << 14;
    assert_int_equal(4 * root * root, NB_LAPACK_AREA);
    for (int over = 0; over < 2; over++) {
        nb_status want = over ? NB_ESHAPE : NB_OK;
        nb_stack big = {NB_F32, 0, side + over, side + over, NULL};
        nb_stack wide = {NB_F32, 0, 1, side + over, NULL};
        nb_stack square = {NB_F32, 0, root + over, root + over, NULL};
        nb_stack half = {NB_F32, 0, root / 2, root / 2, NULL};
        nb_stack right = {NB_F32, 0, 3 * root / 2 + over, root / 2, NULL};
        nb_stack two = {NB_F32, 0, 2, 2, NULL}, many = {NB_F32, 0, side + over, 2, NULL};
        assert_int_equal(nb_lapack_lu(ctx, big, NULL, &fault), want);
        assert_int_equal(nb_lapack_lu_invert(ctx, big, NULL), want);
        assert_int_equal(nb_lapack_cholesky(ctx, big, &fault), want);
        assert_int_equal(nb_lapack_qr(ctx, wide, NULL, NULL), want);
        assert_int_equal(nb_lapack_svd(ctx, wide, NULL, NULL, NULL, &fault), want);
        assert_int_equal(nb_lapack_svd(ctx, square, NULL, NULL, NULL, &fault), want);
        assert_int_equal(nb_lapack_eigh(ctx, square, NULL, &fault), want);
        assert_int_equal(nb_lapack_lstsq(ctx, half, right, 0, &fault), want);
        assert_int_equal(nb_lapack_lstsq(ctx, two, many, 0, &fault), want);
    }
    assert_failed(NB_ESHAPE, "is too large");
}

/* Nothing to compute is no call of LAPACK's, which would complain. */
static void test_empty(void **state)
{
    (void)state;
    nb_fault fault;
    nb_stack none = {NB_F64, 3, 0, 0, NULL}, flat = {NB_F64, 3, 0, 4, NULL};
    assert_int_equal(nb_lapack_lu(ctx, none, NULL, &fault), NB_OK);
    nb_lapack_lu_solve(ctx, NB_F64, 0, 3, NULL, NULL, false, NULL);
    nb_lapack_lu_solve(ctx, NB_F64, 3, 0, NULL, NULL, false, NULL);
    assert_int_equal(nb_lapack_lu_invert(ctx, none, NULL), NB_OK);
    assert_int_equal(nb_lapack_cholesky(ctx, none, &fault), NB_OK);
    assert_int_equal(nb_lapack_qr(ctx, flat, NULL, NULL), NB_OK);
    assert_int_equal(nb_lapack_svd(ctx, flat, NULL, NULL, NULL, &fault), NB_OK);
    assert_int_equal(nb_lapack_eigh(ctx, none, NULL, &fault), NB_OK);
    assert_int_equal(nb_lapack_lstsq(ctx, flat, none, 0, &fault), NB_OK);
}

/* Ctrl-C is seen behind every matrix. */
static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    matrices a = make(NB_F64, 4, 4, 6, true);
    nb_fault fault;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_lapack_cholesky(ctx, a.stack, &fault), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    drop(&a);
}

/* A long call is ended, not waited for: nothing that it writes is seen. */
static void test_interrupt_of_one(void **state)
{
    (void)state;
    enum { N = 1300, AREA = N * N };
    volatile sig_atomic_t pressed = 1;
    nb_fault fault;
    float *a = room(NB_F32, AREA), *u = room(NB_F32, 3 * AREA), *b = room(NB_F32, AREA);
    int *pivot = room(NB_I32, N);
    nb_stack stack = {NB_F32, 1, N, N, a}, sides = {NB_F32, 1, N, N, b};
    for (int64_t i = 0; i < N; i++) a[i * (N + 1)] = b[i * (N + 1)] = 2;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_lapack_lu(ctx, stack, pivot, &fault), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_lu_invert(ctx, stack, pivot), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_lu_solve(ctx, NB_F32, N, N, a, pivot, false, b), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_cholesky(ctx, stack, &fault), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_qr(ctx, stack, u, a), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_eigh(ctx, stack, u, &fault), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_eigenvalues(ctx, stack, u, &fault), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_svd(ctx, stack, u, u + AREA, u + 2 * AREA, &fault), NB_EINTERRUPT);
    assert_int_equal(nb_lapack_lstsq(ctx, stack, sides, 0, &fault), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    for (int64_t i = 0; i < AREA; i++) {
        bool diagonal = i % (N + 1) == 0;
        assert_true(a[i] == (diagonal ? 2 : 0) && b[i] == a[i] && u[i] == 0);
        assert_true(u[AREA + i] == 0 && u[2 * AREA + i] == 0 && pivot[i / N] == 0);
    }
    give_back(NB_F32, a, AREA);
    give_back(NB_F32, u, 3 * AREA);
    give_back(NB_F32, b, AREA);
    give_back(NB_I32, pivot, N);
}

/* Rows that are added to a triangle: seen behind a stretch of columns. */
static void test_interrupt_of_rows(void **state)
{
    (void)state;
    enum { N = 100 };
    volatile sig_atomic_t pressed = 1;
    double *r = room(NB_F64, N * N), *b = room(NB_F64, N * N);
    for (int64_t i = 0; i < N; i++) b[i * (N + 1)] = 2;
    ctx->interrupt = &pressed;
    assert_int_equal(nb_lapack_qr_add(ctx, N, r, N, N, b, N), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_true(fabs(r[0]) == 2 && r[N * N - 1] == 0);
    give_back(NB_F64, r, N * N);
    give_back(NB_F64, b, N * N);
}

static nb_status attempt(void *arg)
{
    (void)arg;
    double a[] = {2, 1, 1, 3}, q[4], s[2], r[4], b[] = {1, 2};
    nb_stack stack = {NB_F64, 1, 2, 2, a};
    nb_fault fault;
    int pivot[2];
    nb_status status = nb_lapack_lu(ctx, stack, pivot, &fault);
    if (status == NB_OK) status = nb_lapack_lu_invert(ctx, stack, pivot);
    if (status == NB_OK) status = nb_lapack_qr(ctx, stack, r, a);
    if (status == NB_OK) status = nb_lapack_svd(ctx, stack, q, s, r, &fault);
    if (status == NB_OK) status = nb_lapack_eigh(ctx, stack, s, &fault);
    if (status == NB_OK)
        status = nb_lapack_lstsq(ctx, stack, (nb_stack){NB_F64, 1, 1, 2, b}, 0, &fault);
    return status;
}

/* Catches workspace whose failure is not seen, or that stays behind. */
static void test_memory(void **state)
{
    (void)state;
    sweep(attempt, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(solve),
        TEST(invert),
        TEST(faults),
        TEST(cholesky),
        TEST(qr),
        TEST(svd),
        TEST(eigh),
        TEST(lstsq),
        TEST(limits),
        TEST(empty),
        TEST(interrupt),
        TEST(memory),
        TEST(interrupt_of_one),
        TEST(interrupt_of_rows),
        TEST(qr_by_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
