/* Initialisers: their distributions, their bits, and what orthogonal promises. */
#include "nn/init.h"

#include "../support.h"
#include "base/workers.h"

#include <math.h>

static nb_stream stream_of(uint64_t seed)
{
    return nb_stream_make(seed, NB_FOR_INIT, 0);
}

/* Whether the initialiser asks its stream. */
static bool draws(size_t i)
{
    return i != NB_INIT_zeros && i != NB_INIT_ones && i != NB_INIT_constant;
}

static nb_status fill(size_t i, nb_tensor *w, nb_stream *stream)
{
    return nb_init_fill(ctx, nb_init_of(nb_inits[i]), w, 8, 8, stream);
}

/* A tensor drawn by the initialiser called `name`. */
static nb_tensor *draw(const char *name, nb_dtype dtype, int dims, const int64_t *shape, int64_t in,
                       int64_t out, uint64_t seed)
{
    nb_stream stream = stream_of(seed);
    nb_tensor *w = nb_tensor_zeros(ctx, dtype, dims, shape);
    assert_non_null(w);
    assert_int_equal(nb_init_fill(ctx, nb_init_of(nb_init_find(name)), w, in, out, &stream), NB_OK);
    return w;
}

static const double *numbers(const nb_tensor *f64)
{
    return nb_tensor_data(f64);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < NB_INITS; i++) {
        const nb_init_type *init = nb_inits[i];
        assert_true(init->name && init->help && init->example && init->fill);
        assert_ptr_equal(nb_init_find(init->name), init);
        assert_string_equal(nb_init_name_at(NULL, i), init->name);
    }
    assert_null(nb_init_name_at(NULL, NB_INITS));
    assert_null(nb_init_find("lecunn"));
    assert_null(nb_init_find(""));
}

/* Mean 0 and the variance of the formula, within five deviations of either estimate. */
static void check_moments(const char *name, int64_t in, int64_t out, double variance)
{
    enum { N = 40000 };
    nb_tensor *w = draw(name, NB_F64, SHAPE(N), in, out, 1);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        sum += numbers(w)[i];
        squares += numbers(w)[i] * numbers(w)[i];
    }
    assert_true(fabs(sum / N) < 5 * sqrt(variance / N));
    assert_true(fabs(squares / N / variance - 1) < 5 * sqrt(2.0 / N));
    nb_tensor_release(ctx, w);
}

static void test_moments(void **state)
{
    (void)state;
    check_moments("lecun", 100, 30, 0.01);
    check_moments("he", 100, 30, 0.02);
    check_moments("glorot", 100, 30, 2.0 / 130); /* (2 b)² / 12, b² = 6 / 130 */
    check_moments("normal", 100, 30, 1);
    check_moments("uniform", 100, 30, 0.01 / 3);
}

static void check_bound(const char *name, double bound)
{
    enum { N = 5000 };
    nb_tensor *w = draw(name, NB_F64, SHAPE(N), 100, 30, 1);
    double largest = 0;
    for (int i = 0; i < N; i++) largest = fmax(largest, fabs(numbers(w)[i]));
    assert_true(largest <= bound && largest > 0.99 * bound);
    nb_tensor_release(ctx, w);
}

static void test_bounds(void **state)
{
    (void)state;
    check_bound("glorot", sqrt(6.0 / 130));
    check_bound("uniform", 0.1);
}

/* Everywhere the same: 0, 1, the value that was asked for. */
static void test_constants(void **state)
{
    (void)state;
    const size_t id[3] = {NB_INIT_zeros, NB_INIT_ones, NB_INIT_constant};
    const double value[3] = {0, 1, -2.5};
    nb_tensor *w = nb_tensor_zeros(ctx, NB_F64, SHAPE(3, 4));
    for (int k = 0; k < 3; k++) {
        nb_init init = nb_init_of(nb_inits[id[k]]);
        nb_stream stream = stream_of(1);
        if (k == 2) init.number[0] = value[2];
        assert_int_equal(nb_init_fill(ctx, init, w, 4, 3, &stream), NB_OK);
        for (int i = 0; i < 12; i++) assert_true(numbers(w)[i] == value[k]);
    }
    assert_false(
        nb_init_same(nb_init_of(nb_inits[NB_INIT_zeros]), nb_init_of(nb_inits[NB_INIT_ones])));
    nb_tensor_release(ctx, w);
}

static void test_zeros(void **state)
{
    (void)state;
    nb_tensor *w = nb_tensor_new(ctx, NB_F64, SHAPE(3, 4));
    nb_stream stream = stream_of(1);
    assert_int_equal(nb_tensor_fill(ctx, w, 7), NB_OK);
    assert_int_equal(fill(NB_INIT_zeros, w, &stream), NB_OK);
    for (int i = 0; i < 12; i++) assert_true(numbers(w)[i] == 0);
    nb_tensor_release(ctx, w);
}

/* The same seed: the same bits, at any number of threads. Another seed: others. */
static void test_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < NB_INITS; i++) {
        const char *name = nb_inits[i]->name;
        assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
        nb_tensor *a = draw(name, NB_F64, SHAPE(60, 70), 70, 60, 5);
        assert_int_equal(nb_set_threads(ctx, 3), NB_OK);
        nb_tensor *b = draw(name, NB_F64, SHAPE(60, 70), 70, 60, 5);
        nb_tensor *c = draw(name, NB_F64, SHAPE(60, 70), 70, 60, 6);
        assert_memory_equal(numbers(a), numbers(b), a->storage->bytes);
        bool same = memcmp(numbers(a), numbers(c), a->storage->bytes) == 0;
        assert_true(same == !draws(i));
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, b);
        nb_tensor_release(ctx, c);
    }
}

/* f32 gets the f64 weights, rounded. */
static void test_dtypes_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < NB_INITS; i++) {
        nb_tensor *a = draw(nb_inits[i]->name, NB_F64, SHAPE(20, 30), 30, 20, 5);
        nb_tensor *b = draw(nb_inits[i]->name, NB_F32, SHAPE(20, 30), 30, 20, 5);
        const float *rounded = nb_tensor_data(b);
        for (int j = 0; j < 600; j++) assert_true(rounded[j] == (float)numbers(a)[j]);
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, b);
    }
}

/* w wᵀ = 1 for wide matrices, wᵀ w = 1 for tall ones, to rounding. */
static void check_orthonormal(int64_t rows, int64_t columns)
{
    nb_tensor *w = draw("orthogonal", NB_F64, SHAPE(rows, columns), columns, rows, 3);
    bool tall = rows > columns;
    int64_t count = tall ? columns : rows, length = tall ? rows : columns;
    int64_t step = tall ? columns : 1, next = tall ? 1 : columns;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double dot = 0;
            for (int64_t k = 0; k < length; k++) {
                dot += numbers(w)[i * next + k * step] * numbers(w)[j * next + k * step];
            }
            assert_true(fabs(dot - (i == j)) < 1e-15 + 4e-18 * (double)length);
        }
    }
    nb_tensor_release(ctx, w);
}

static void test_orthogonal(void **state)
{
    (void)state;
    check_orthonormal(1, 1);
    check_orthonormal(1, 9);
    check_orthonormal(9, 1);
    check_orthonormal(40, 60);
    check_orthonormal(300, 40);
    check_orthonormal(50, 50); /* the last vector has one direction left */
    check_orthonormal(5, 300); /* columns beyond one chunk */
    check_orthonormal(400, 300);
}

/* Vectors and stacks of matrices: the first dimension against the rest. */
static void test_orthogonal_shapes(void **state)
{
    (void)state;
    nb_tensor *w = draw("orthogonal", NB_F64, SHAPE(6), 6, 1, 3);
    double squares = 0;
    for (int i = 0; i < 6; i++) squares += numbers(w)[i] * numbers(w)[i];
    assert_true(fabs(squares - 1) < 1e-14);
    nb_tensor_release(ctx, w);
    w = draw("orthogonal", NB_F64, SHAPE(2, 3, 2), 6, 2, 3);
    double dot = 0;
    for (int i = 0; i < 6; i++) dot += numbers(w)[i] * numbers(w)[6 + i];
    assert_true(fabs(dot) < 1e-14);
    nb_tensor_release(ctx, w);
}

/* Rows are as long as 0.7 H^(1/n), biases within that, and the two are drawn for the same n. */
static void test_nguyen_widrow(void **state)
{
    (void)state;
    double beta = 0.7 * sqrt(9), most = 0;
    nb_tensor *w = draw("nguyen_widrow", NB_F64, SHAPE(9, 2), 2, 9, 3);
    for (int k = 0; k < 9; k++)
        assert_true(fabs(hypot(numbers(w)[2 * k], numbers(w)[2 * k + 1]) - beta) < 1e-14);
    nb_tensor_release(ctx, w);
    w = draw("nguyen_widrow", NB_F64, SHAPE(900), 2, 1, 3);
    for (int k = 0; k < 900; k++) most = fmax(most, fabs(numbers(w)[k]));
    beta = 0.7 * sqrt(900);
    assert_true(most > 0.98 * beta && most <= beta);
    nb_tensor_release(ctx, w);
}

static void test_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < NB_INITS; i++) {
        nb_tensor_release(ctx, draw(nb_inits[i]->name, NB_F32, SHAPE(3, 0), 0, 3, 1));
        nb_tensor_release(ctx, draw(nb_inits[i]->name, NB_F32, SHAPE(0, 3), 3, 0, 1));
    }
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_tensor *w = nb_tensor_zeros(ctx, NB_F32, SHAPE(8, 8));
    ctx->interrupt = &pressed;
    for (size_t i = 0; i < NB_INITS; i++) {
        nb_stream stream = stream_of(1);
        nb_status status = fill(i, w, &stream);
        if (draws(i)) assert_int_equal(status, NB_EINTERRUPT);
    }
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, w);
}

static nb_status fill_once(void *w)
{
    nb_stream stream = stream_of(1);
    return fill(NB_INIT_orthogonal, w, &stream);
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_tensor *w = nb_tensor_zeros(ctx, NB_F32, SHAPE(8, 8));
    sweep(fill_once, w);
    nb_tensor_release(ctx, w);
}

/* The root of the mean square that an initialiser says is that of what it draws: within five
 * deviations of the estimate from 60,000 numbers, whose relative one is at most 1/√120,000; those
 * of fixed lengths are exact. What draws nothing says 0. */
static void test_spread(void **state)
{
    (void)state;
    for (size_t i = 0; i < NB_INITS; i++) {
        const int64_t shape[2] = {i == NB_INIT_orthogonal ? 60 : 300, 200};
        nb_tensor *w = draw(nb_inits[i]->name, NB_F64, 2, shape, 200, 300, 3);
        int64_t count = nb_tensor_count(w);
        double squares = 0;
        for (int64_t n = 0; n < count; n++) squares += numbers(w)[n] * numbers(w)[n];
        double drawn = sqrt(squares / (double)count);
        double said = nb_init_spread(nb_init_of(nb_inits[i]), w, 200, 300);
        bool exact = i == NB_INIT_orthogonal || i == NB_INIT_nguyen_widrow;
        if (draws(i))
            assert_true(fabs(drawn / said - 1) < (exact ? 1e-12 : 5 / sqrt(120000)));
        else
            assert_true(said == 0);
        nb_tensor_release(ctx, w);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(table),         TEST(moments),    TEST(bounds),
        TEST(zeros),         TEST(constants),  TEST(bits),
        TEST(dtypes_agree),  TEST(orthogonal), TEST(orthogonal_shapes),
        TEST(empty),         TEST(interrupt),  TEST(memory_ends),
        TEST(nguyen_widrow), TEST(spread),
    };
    return cmocka_run_group_tests_name("init", tests, NULL, NULL);
}
