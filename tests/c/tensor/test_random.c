/* Fills by chance: moments and shares within bounds that a wrong distribution breaks (seeds are
 * fixed, so a bound that holds once holds always), ends of intervals, independence of threads and
 * cuts. */
#include "tensor/random.h"

#include "../support.h"

#include "base/workers.h"

#include <float.h>
#include <math.h>

enum {
    COUNT = 100000,
    LARGE = 700001 /* enough for the workers, and neither whole batches nor pieces */
};

static nb_tensor *row(nb_dtype dtype, int64_t count)
{
    nb_tensor *tensor = nb_tensor_new(ctx, dtype, 1, &count);
    assert_non_null(tensor);
    return tensor;
}

static double at(const nb_tensor *tensor, int64_t i)
{
    return nb_tensor_get(tensor, &i);
}

typedef nb_status fill_fn(nb_tensor *tensor, const nb_stream *stream);

static nb_status uniform(nb_tensor *tensor, const nb_stream *stream)
{
    return nb_fill_uniform(ctx, tensor, stream, 0, 1);
}

static nb_status normal(nb_tensor *tensor, const nb_stream *stream)
{
    return nb_fill_normal(ctx, tensor, stream, 0, 1);
}

static nb_status exponential(nb_tensor *tensor, const nb_stream *stream)
{
    return nb_fill_exponential(ctx, tensor, stream, 2);
}

static nb_status integers(nb_tensor *tensor, const nb_stream *stream)
{
    return nb_fill_integers(ctx, tensor, stream, 0, 199);
}

static nb_status bernoulli(nb_tensor *tensor, const nb_stream *stream)
{
    nb_tensor *p = nb_tensor_scalar(ctx, NB_F64, 0.25);
    nb_status status = p ? nb_fill_bernoulli(ctx, tensor, stream, p) : ctx->status;
    nb_tensor_release(ctx, p);
    return status;
}

/* The mean of value^power over a fill, less what it should be, in its standard deviations. */
static double strays(fill_fn *fill, nb_dtype dtype, int power, double mean, double variance)
{
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *tensor = row(dtype, COUNT);
    double sum = 0;
    assert_int_equal(fill(tensor, &stream), NB_OK);
    for (int64_t i = 0; i < COUNT; i++) sum += pow(at(tensor, i), power);
    nb_tensor_release(ctx, tensor);
    return fabs(sum / COUNT - mean) / sqrt(variance / COUNT);
}

/* E x^k and Var x^k = E x^2k - (E x^k)^2 of each distribution: uniform 1/(k+1), normal (k-1)!!,
 * exponential of rate 2 k!/2^k. */
static void test_moments(void **state)
{
    (void)state;
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        assert_true(strays(uniform, dtype, 1, 1 / 2.0, 1 / 12.0) < 4);
        assert_true(strays(uniform, dtype, 2, 1 / 3.0, 4 / 45.0) < 4);
        assert_true(strays(uniform, dtype, 3, 1 / 4.0, 9 / 112.0) < 4);
        assert_true(strays(normal, dtype, 1, 0, 1) < 4);
        assert_true(strays(normal, dtype, 2, 1, 2) < 4);
        assert_true(strays(normal, dtype, 3, 0, 15) < 4);
        assert_true(strays(normal, dtype, 4, 3, 96) < 4);
        assert_true(strays(exponential, dtype, 1, 1 / 2.0, 1 / 4.0) < 4);
        assert_true(strays(exponential, dtype, 2, 1 / 2.0, 5 / 4.0) < 4);
    }
    for (nb_dtype dtype = NB_F32; dtype < NB_DTYPES; dtype++) {
        assert_true(strays(bernoulli, dtype, 1, 0.25, 0.1875) < 4);
        assert_true(strays(integers, dtype, 1, 99.5, (200.0 * 200 - 1) / 12) < 4);
    }
}

/* Neighbours do not hang together: the two normals of a pair, words of one counter. */
static void test_neighbours(void **state)
{
    fill_fn *const fills[] = {uniform, normal};
    const double mean[] = {0.5, 0}, variance[] = {1 / 12.0, 1};
    (void)state;
    for (int k = 0; k < 2; k++)
        for (int64_t apart = 1; apart <= 4; apart++) {
            nb_stream stream = nb_stream_make(3, NB_FOR_TENSOR, 0);
            nb_tensor *x = row(NB_F32, COUNT);
            double sum = 0;
            assert_int_equal(fills[k](x, &stream), NB_OK);
            for (int64_t i = apart; i < COUNT; i++)
                sum += (at(x, i) - mean[k]) * (at(x, i - apart) - mean[k]);
            assert_true(fabs(sum) < 4 * variance[k] * sqrt(COUNT));
            nb_tensor_release(ctx, x);
        }
}

/* The documented places: f64's numbers are those of a stream drawn one by one. */
static void test_stream_order(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(5, NB_FOR_TENSOR, 2), same = stream;
    nb_tensor *unit = row(NB_F64, 3000), *normals = row(NB_F64, 3001), *words = row(NB_F32, 3000);
    assert_int_equal(uniform(unit, &stream), NB_OK);
    for (int64_t i = 0; i < 3000; i++) assert_true(at(unit, i) == nb_random_unit(&same));
    same = stream;
    assert_int_equal(uniform(words, &stream), NB_OK);
    for (int64_t i = 0; i < 3000; i++)
        assert_true(at(words, i) == (double)(nb_random_word(&same) >> 8) * 0x1p-24);
    same = stream;
    assert_int_equal(normal(normals, &stream), NB_OK);
    for (int64_t i = 0; i < 3001; i++)
        assert_true(fabs(at(normals, i) - nb_random_normal(&same)) < 1e-14);
    nb_tensor_release(ctx, unit);
    nb_tensor_release(ctx, normals);
    nb_tensor_release(ctx, words);
}

/* Catches a piece that starts at a counter that depends on who draws it, and a cut that shows in
 * the numbers: the same bits at one thread and at four, and a short fill is a long one's beginning.
 */
static void test_threads_and_cuts(void **state)
{
    static fill_fn *const fills[] = {uniform, normal, exponential, integers, bernoulli};
    (void)state;
    for (size_t k = 0; k < sizeof fills / sizeof *fills; k++)
        for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
            nb_stream stream = nb_stream_make(7, NB_FOR_TENSOR, 1);
            nb_tensor *one = row(dtype, LARGE), *four = row(dtype, LARGE), *few = row(dtype, 1029);
            assert_int_equal(nb_set_threads(ctx, 1), NB_OK);
            assert_int_equal(fills[k](one, &stream), NB_OK);
            assert_int_equal(fills[k](few, &stream), NB_OK);
            assert_int_equal(nb_set_threads(ctx, 4), NB_OK);
            assert_int_equal(fills[k](four, &stream), NB_OK);
            assert_memory_equal(nb_tensor_data(one), nb_tensor_data(four),
                                LARGE * nb_dtype_size(dtype));
            assert_memory_equal(nb_tensor_data(one), nb_tensor_data(few),
                                1029 * nb_dtype_size(dtype));
            nb_tensor_release(ctx, one);
            nb_tensor_release(ctx, four);
            nb_tensor_release(ctx, few);
        }
}

/* Catches elements that are drawn in the order of memory: a view holds what its copy would. */
static void test_views(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(7, NB_FOR_TENSOR, 1);
    nb_tensor *base = nb_tensor_new(ctx, NB_F32, 2, (int64_t[]){5, 3});
    nb_tensor *view = nb_tensor_transpose(ctx, base);
    nb_tensor *plain = nb_tensor_new(ctx, NB_F32, 2, (int64_t[]){3, 5});
    assert_int_equal(normal(view, &stream), NB_OK);
    assert_int_equal(normal(plain, &stream), NB_OK);
    for (int64_t i = 0; i < 3; i++)
        for (int64_t j = 0; j < 5; j++)
            assert_true(nb_tensor_get(view, (int64_t[]){i, j}) ==
                        nb_tensor_get(plain, (int64_t[]){i, j}));
    nb_tensor *none = row(NB_F32, 0), *single = nb_tensor_new(ctx, NB_F32, 0, NULL);
    assert_int_equal(normal(none, &stream), NB_OK);
    assert_int_equal(uniform(single, &stream), NB_OK);
    assert_true(nb_tensor_item(single) >= 0 && nb_tensor_item(single) < 1);
    nb_tensor_release(ctx, base);
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, plain);
    nb_tensor_release(ctx, none);
    nb_tensor_release(ctx, single);
}

/* Catches a fill in which threads race for an element that several places show. */
static void test_expanded(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(7, NB_FOR_TENSOR, 1);
    nb_tensor *one = nb_tensor_zeros(ctx, NB_F32, 1, (int64_t[]){1});
    nb_tensor *thrice = nb_tensor_expand(ctx, one, 1, (int64_t[]){3});
    nb_tensor *once = nb_tensor_expand(ctx, one, 2, (int64_t[]){1, 1});
    assert_int_equal(normal(thrice, &stream), NB_EARG);
    assert_failed(NB_EARG, "shows one element several times");
    assert_true(at(one, 0) == 0);
    assert_int_equal(normal(once, &stream), NB_OK);
    assert_true(at(one, 0) != 0);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, thrice);
    nb_tensor_release(ctx, once);
}

/* Catches an interval that rounding closes: in f32 half of the numbers from 16777215 to 16777216
 * would round up. The widest interval overflows nothing; an empty one is its end. */
static void test_uniform_ends(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *x = row(NB_F32, 1000);
    assert_int_equal(nb_fill_uniform(ctx, x, &stream, 16777215, 16777216), NB_OK);
    for (int64_t i = 0; i < 1000; i++) assert_true(at(x, i) == 16777215);
    assert_int_equal(nb_fill_uniform(ctx, x, &stream, -(double)FLT_MAX, (double)FLT_MAX), NB_OK);
    bool low = false, high = false;
    for (int64_t i = 0; i < 1000; i++) {
        assert_true(isfinite(at(x, i)));
        low |= at(x, i) < -1e38;
        high |= at(x, i) > 1e38;
    }
    assert_true(low && high);
    assert_int_equal(nb_fill_uniform(ctx, x, &stream, 0.1, 0.1), NB_OK);
    for (int64_t i = 0; i < 1000; i++) assert_true(at(x, i) == (double)0.1f);
    nb_tensor_release(ctx, x);
}

/* The tails: of a million normals one in 1.74 million is beyond 5, one in 31,574 beyond 4. No
 * exponential is 0. */
static void test_tails(void **state)
{
    (void)state;
    enum { MANY = 1000000 };
    nb_stream stream = nb_stream_make(2, NB_FOR_TENSOR, 0);
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        nb_tensor *x = row(dtype, MANY);
        int beyond = 0;
        assert_int_equal(normal(x, &stream), NB_OK);
        for (int64_t i = 0; i < MANY; i++) beyond += fabs(at(x, i)) > 4;
        double expected = MANY * erfc(4 / sqrt(2));
        assert_true(fabs(beyond - expected) < 4 * sqrt(expected));
        assert_int_equal(exponential(x, &stream), NB_OK);
        beyond = 0;
        for (int64_t i = 0; i < MANY; i++) {
            assert_true(at(x, i) > 0);
            beyond += at(x, i) > 5; /* rate 2: e^-10 of them */
        }
        expected = MANY * exp(-10);
        assert_true(fabs(beyond - expected) < 4 * sqrt(expected));
        nb_tensor_release(ctx, x);
    }
}

/* Whole numbers in thirds of a range of 3 * 2^k: a draw that should have been made again favours
 * one of them. 2^32 values exactly, and one more, are the sides of the limit between one word and
 * two. */
static void test_integers(void **state)
{
    static const int64_t thirds[] = {1, INT64_C(1) << 30, INT64_C(1) << 40};
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *x = row(NB_F64, COUNT);
    for (size_t k = 0; k < 3; k++) {
        int part[3] = {0};
        int64_t low = -thirds[k], high = 2 * thirds[k] - 1;
        assert_int_equal(nb_fill_integers(ctx, x, &stream, low, high), NB_OK);
        for (int64_t i = 0; i < COUNT; i++) {
            double value = at(x, i);
            assert_true(value >= (double)low && value <= (double)high && value == floor(value));
            part[(int)floor((value - (double)low) / (double)thirds[k])]++;
        }
        for (int i = 0; i < 3; i++)
            assert_true(fabs(part[i] - COUNT / 3.0) < 4 * sqrt(COUNT * 2.0 / 9));
    }
    for (int64_t more = 0; more <= 1; more++) {
        double largest = 0;
        assert_int_equal(nb_fill_integers(ctx, x, &stream, 0, UINT32_MAX + more), NB_OK);
        for (int64_t i = 0; i < COUNT; i++) largest = fmax(largest, at(x, i));
        assert_true(largest > 0xffff0000 && largest <= (double)(UINT32_MAX + more));
    }
    nb_tensor_release(ctx, x);
}

/* Both ends and nothing beyond, in every dtype up to the ends of what it holds. */
static void test_integers_ends(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *bytes = row(NB_U8, 10000), *words = row(NB_I32, 10000);
    bool seen[256] = {false};
    assert_int_equal(nb_fill_integers(ctx, bytes, &stream, 0, 255), NB_OK);
    for (int64_t i = 0; i < 10000; i++) seen[(int)at(bytes, i)] = true;
    for (int i = 0; i < 256; i++) assert_true(seen[i]);
    assert_int_equal(nb_fill_integers(ctx, bytes, &stream, 7, 7), NB_OK);
    for (int64_t i = 0; i < 10000; i++) assert_true(at(bytes, i) == 7);
    assert_int_equal(nb_fill_integers(ctx, words, &stream, INT32_MIN, INT32_MAX), NB_OK);
    double low = 0, high = 0;
    for (int64_t i = 0; i < 10000; i++) {
        low = fmin(low, at(words, i));
        high = fmax(high, at(words, i));
    }
    assert_true(low < INT32_MIN * 0.999 && high > INT32_MAX * 0.999);
    nb_tensor_release(ctx, bytes);
    nb_tensor_release(ctx, words);
}

/* Never at 0, always at 1, by p of its own for every element; what is no probability is refused
 * before anything is written. */
static void test_bernoulli(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *x = nb_tensor_new(ctx, NB_I32, 2, (int64_t[]){COUNT, 3});
    nb_tensor *p = tensor_of(NB_F64, SHAPE(3), VALUES(0, 0.1, 1));
    int ones = 0;
    assert_int_equal(nb_fill_bernoulli(ctx, x, &stream, p), NB_OK);
    for (int64_t i = 0; i < COUNT; i++) {
        assert_true(nb_tensor_get(x, (int64_t[]){i, 0}) == 0);
        ones += (int)nb_tensor_get(x, (int64_t[]){i, 1});
        assert_true(nb_tensor_get(x, (int64_t[]){i, 2}) == 1);
    }
    assert_true(fabs(ones - 0.1 * COUNT) < 4 * sqrt(0.09 * COUNT));
    const double wrong[] = {-0.1, 1.5, NAN};
    for (int i = 0; i < 3; i++) {
        nb_tensor *bad = nb_tensor_scalar(ctx, NB_F64, wrong[i]);
        assert_int_equal(nb_fill_bernoulli(ctx, x, &stream, bad), NB_EVALUE);
        assert_failed(NB_EVALUE, "must lie within 0 and 1");
        nb_tensor_release(ctx, bad);
    }
    assert_true(nb_tensor_get(x, (int64_t[]){0, 2}) == 1);
    nb_tensor *misfit = tensor_of(NB_F64, SHAPE(2), VALUES(0, 1));
    assert_int_equal(nb_fill_bernoulli(ctx, x, &stream, misfit), NB_ESHAPE);
    nb_tensor_release(ctx, misfit);
    nb_tensor_release(ctx, p);
    nb_tensor_release(ctx, x);
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_tensor *x = row(NB_F32, LARGE);
    ctx->interrupt = &pressed;
    assert_int_equal(uniform(x, &stream), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, x);
}

static nb_status attempt(void *arg)
{
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    nb_status status = normal(arg, &stream);
    return status == NB_OK ? bernoulli(arg, &stream) : status;
}

static void test_memory(void **state)
{
    (void)state;
    nb_tensor *base = nb_tensor_new(ctx, NB_F32, 2, (int64_t[]){5, 3});
    nb_tensor *view = nb_tensor_transpose(ctx, base);
    sweep(attempt, view);
    nb_tensor_release(ctx, base);
    nb_tensor_release(ctx, view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(moments),  TEST(neighbours),    TEST(stream_order), TEST(threads_and_cuts),
        TEST(views),    TEST(tails),         TEST(uniform_ends), TEST(integers),
        TEST(expanded), TEST(integers_ends), TEST(bernoulli),    TEST(interrupt),
        TEST(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
