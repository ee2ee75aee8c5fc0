/* Permutations and draws by weight: every index where it may be, shares within bounds, refusals. */
#include "tensor/choose.h"

#include "../support.h"

#include <math.h>

static double at(const nb_tensor *tensor, int64_t i)
{
    return nb_tensor_get(tensor, &i);
}

/* Every number once, also where Ctrl-C is looked for in between (2^16 steps); none of nothing. */
static void test_permutation(void **state)
{
    static bool seen[70001];
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    const int64_t count = 70000, nothing = 0;
    nb_tensor *tensor = nb_tensor_new(ctx, NB_I32, 1, &count);
    nb_tensor *none = nb_tensor_new(ctx, NB_I32, 1, &nothing);
    int fixed = 0;
    assert_int_equal(nb_fill_permutation(ctx, tensor, &stream), NB_OK);
    for (int64_t i = 0; i < count; i++) {
        seen[(int)at(tensor, i)] = true;
        fixed += at(tensor, i) == (double)i + 1;
    }
    for (int64_t i = 1; i <= count; i++) assert_true(seen[i]);
    assert_true(fixed < 10); /* one is expected */
    assert_int_equal(nb_fill_permutation(ctx, none, &stream), NB_OK);
    nb_tensor_release(ctx, tensor);
    nb_tensor_release(ctx, none);
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    const int64_t count = 10;
    nb_tensor *tensor = nb_tensor_new(ctx, NB_I32, 1, &count);
    nb_tensor *weights = tensor_of(NB_F32, SHAPE(2), VALUES(1, 1));
    ctx->interrupt = &pressed;
    assert_int_equal(nb_fill_permutation(ctx, tensor, &stream), NB_EINTERRUPT);
    assert_null(nb_multinomial(ctx, weights, 2, true, &stream));
    assert_null(nb_multinomial(ctx, weights, 2, false, &stream));
    assert_int_equal(ctx->status, NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, tensor);
    nb_tensor_release(ctx, weights);
}

enum { DRAWS = 60000 };

/* How often each index comes at one place of the draws, against its probability, within four
 * standard deviations. */
static void check_shares(const nb_tensor *drawn, int64_t place, const double *share, int count)
{
    int times[8] = {0};
    for (int64_t i = 0; i < drawn->shape[0]; i++) {
        int index = (int)nb_tensor_get(drawn, (int64_t[]){i, place});
        assert_in_range(index, 1, count);
        times[index - 1]++;
    }
    for (int k = 0; k < count; k++) {
        double expected = (double)drawn->shape[0] * share[k];
        assert_true(fabs(times[k] - expected) <= 4 * sqrt(expected * (1 - share[k])));
    }
}

/* The same weights in every row of a transposed view of bytes. */
static nb_tensor *rows_of_weights(void)
{
    nb_tensor *row = tensor_of(NB_U8, SHAPE(4), VALUES(1, 0, 2, 5));
    nb_tensor *rows = nb_tensor_expand(ctx, row, 2, (int64_t[]){DRAWS, 4});
    nb_tensor_release(ctx, row);
    return rows;
}

static void test_with_replacement(void **state)
{
    const double share[] = {1 / 8.0, 0, 2 / 8.0, 5 / 8.0};
    (void)state;
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *weights = rows_of_weights();
    nb_tensor *drawn = nb_multinomial(ctx, weights, 7, true, &stream);
    assert_non_null(drawn);
    assert_int_equal(drawn->dtype, NB_I32);
    assert_int_equal(drawn->shape[1], 7);
    for (int64_t place = 0; place < 7; place++) check_shares(drawn, place, share, 4);
    nb_tensor_release(ctx, weights);
    nb_tensor_release(ctx, drawn);
}

/* Sampling one after the other: P(second = k) = sum over the first j of p_j p_k / (1 - p_j).
 * Catches draws that come in another order than they were drawn in. */
static void test_without_replacement(void **state)
{
    const double first[] = {1 / 8.0, 0, 2 / 8.0, 5 / 8.0};
    double second[4] = {0}, third[4] = {0};
    (void)state;
    for (int j = 0; j < 4; j++)
        for (int k = 0; k < 4; k++) {
            if (j == k || first[j] == 0 || first[k] == 0) continue;
            double both = first[j] * first[k] / (1 - first[j]);
            second[k] += both;
            for (int m = 0; m < 4; m++)
                if (m != j && m != k && first[m] > 0) third[m] += both;
        }
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *weights = rows_of_weights();
    nb_tensor *drawn = nb_multinomial(ctx, weights, 3, false, &stream);
    assert_non_null(drawn);
    check_shares(drawn, 0, first, 4);
    check_shares(drawn, 1, second, 4);
    check_shares(drawn, 2, third, 4);
    for (int64_t i = 0; i < DRAWS; i++) {
        int seen = 0;
        for (int64_t j = 0; j < 3; j++) seen |= 1 << (int)nb_tensor_get(drawn, (int64_t[]){i, j});
        assert_int_equal(seen, 1 << 1 | 1 << 3 | 1 << 4);
    }
    nb_tensor_release(ctx, weights);
    nb_tensor_release(ctx, drawn);
}

/* Many of many, without replacement: the heap keeps the earliest, in order, each once. */
static void test_many(void **state)
{
    static bool seen[1001];
    (void)state;
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    const int64_t count = 1000;
    nb_tensor *weights = nb_tensor_new(ctx, NB_F32, 1, &count);
    assert_int_equal(nb_tensor_fill(ctx, weights, 0.5), NB_OK);
    nb_tensor *some = nb_multinomial(ctx, weights, 300, false, &stream);
    nb_stream again = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *all = nb_multinomial(ctx, weights, 1000, false, &again);
    for (int64_t i = 0; i < 300; i++) assert_true(at(some, i) == at(all, i));
    for (int64_t i = 0; i < 1000; i++) seen[(int)at(all, i)] = true;
    for (int64_t i = 1; i <= 1000; i++) assert_true(seen[i]);
    nb_tensor_release(ctx, weights);
    nb_tensor_release(ctx, some);
    nb_tensor_release(ctx, all);
}

static void refuse(int columns, const double *values, int64_t n, bool replacement,
                   const char *words)
{
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *weights = tensor_of(NB_F64, 2, (int64_t[]){2, columns}, values);
    assert_null(nb_multinomial(ctx, weights, n, replacement, &stream));
    assert_failed(NB_EVALUE, words);
    nb_tensor_release(ctx, weights);
}

static void test_refusals(void **state)
{
    (void)state;
    refuse(2, VALUES(1, 1, 1, -1), 1, true, "weight 2 of row 2 is -1");
    refuse(2, VALUES(1, 1, NAN, 1), 1, true, "weight 1 of row 2 is nan");
    refuse(2, VALUES(INFINITY, 1, 1, 1), 1, true, "weight 1 of row 1 is inf");
    refuse(2, VALUES(1, 1, 0, 0), 1, true, "all weights of row 2 are zero");
    refuse(2, VALUES(1e308, 1e308, 1, 1), 1, true, "row 1 add up to infinity");
    refuse(3, VALUES(1, 1, 1, 1, 0, 1), 3, false, "row 2: 3 indices without replacement");
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *number = nb_tensor_scalar(ctx, NB_F32, 1);
    assert_null(nb_multinomial(ctx, number, 1, true, &stream));
    assert_failed(NB_ESHAPE, "a row, or rows");
    nb_tensor_release(ctx, number);
}

/* No rows, no draws: nothing is asked of the weights that are not there. */
static void test_nothing(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *none = nb_tensor_zeros(ctx, NB_F32, 2, (int64_t[]){0, 3});
    nb_tensor *one = tensor_of(NB_F32, SHAPE(2), VALUES(1, 1));
    nb_tensor *a = nb_multinomial(ctx, none, 2, false, &stream);
    nb_tensor *b = nb_multinomial(ctx, one, 0, false, &stream);
    assert_int_equal(a->shape[0], 0);
    assert_int_equal(a->shape[1], 2);
    assert_int_equal(b->shape[0], 0);
    nb_tensor_release(ctx, none);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
}

static nb_status attempt(void *arg)
{
    nb_stream stream = nb_stream_make(4, NB_FOR_TENSOR, 0);
    nb_tensor *drawn = nb_multinomial(ctx, arg, 2, false, &stream);
    nb_tensor_release(ctx, drawn);
    return drawn ? NB_OK : ctx->status;
}

static void test_memory(void **state)
{
    (void)state;
    nb_tensor *weights = tensor_of(NB_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    nb_tensor *view = nb_tensor_transpose(ctx, weights);
    sweep(attempt, view);
    nb_tensor_release(ctx, weights);
    nb_tensor_release(ctx, view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(permutation), TEST(interrupt), TEST(with_replacement), TEST(without_replacement),
        TEST(many),        TEST(refusals),  TEST(nothing),          TEST(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
