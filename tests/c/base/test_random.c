/* Philox against its published vectors, and what is drawn from it against mathematics. Seeds are
 * fixed, so a bound that holds once holds always. */
#include "base/context.h"
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The known answers of the paper's authors (Random123, philox4x32 with 10 rounds). */
static void test_published_vectors(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t out[4];
        nb_philox(rows[i].counter, rows[i].key, out);
        assert_memory_equal(out, rows[i].out, sizeof out);
    }
}

/* The documented place of seed, step, purpose and block: a change would change every run. */
static void test_stream_layout(void **state)
{
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    (void)state;
    nb_stream stream = nb_stream_make(0x0123456789abcdef, NB_FOR_SHUFFLE, 0x00fedcba98765432);
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0, 0x98765432, 0x03fedcba};
        uint32_t out[4];
        nb_philox(counter, key, out);
        for (int i = 0; i < 4; i++) assert_int_equal(nb_random_word(&stream), out[i]);
    }
}

/* Catches a block number that stops at 32 bits: the stream would repeat. */
static void test_block_carry(void **state)
{
    const uint32_t counter[4] = {0, 1, 5, (uint32_t)NB_FOR_INIT << 24}, key[2] = {1, 0};
    uint32_t out[4];
    (void)state;
    nb_stream stream = nb_stream_make(1, NB_FOR_INIT, 5);
    stream.counter[0] = UINT32_MAX;
    for (int i = 0; i < 4; i++) nb_random_word(&stream);
    nb_philox(counter, key, out);
    assert_int_equal(nb_random_word(&stream), out[0]);
}

static bool same_stream(nb_stream a, nb_stream b)
{
    bool same = true;
    for (int i = 0; i < 8; i++) same &= nb_random_word(&a) == nb_random_word(&b);
    return same;
}

static void test_streams_differ(void **state)
{
    nb_stream stream = nb_stream_make(7, NB_FOR_INIT, 3);
    (void)state;
    assert_true(same_stream(stream, nb_stream_make(7, NB_FOR_INIT, 3)));
    assert_false(same_stream(stream, nb_stream_make(8, NB_FOR_INIT, 3)));
    assert_false(same_stream(stream, nb_stream_make(7 + (UINT64_C(1) << 32), NB_FOR_INIT, 3)));
    assert_false(same_stream(stream, nb_stream_make(7, NB_FOR_TENSOR, 3)));
    assert_false(same_stream(stream, nb_stream_make(7, NB_FOR_INIT, 4)));
    assert_false(same_stream(stream, nb_stream_make(7, NB_FOR_INIT, 3 + (UINT64_C(1) << 32))));
}

/* A step has 56 bits: its last one counts, the next would reach into the purpose and is dropped. */
static void test_step_limit(void **state)
{
    const uint64_t last = UINT64_C(1) << 55, beyond = UINT64_C(1) << 56;
    nb_stream stream = nb_stream_make(7, NB_FOR_INIT, 0);
    (void)state;
    assert_false(same_stream(stream, nb_stream_make(7, NB_FOR_INIT, last)));
    assert_true(same_stream(stream, nb_stream_make(7, NB_FOR_INIT, beyond)));
}

static void test_context_streams(void **state)
{
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    ctx->seed = 42;
    assert_true(
        same_stream(nb_stream_next(ctx, NB_FOR_SPLIT), nb_stream_make(42, NB_FOR_SPLIT, 0)));
    assert_true(
        same_stream(nb_stream_next(ctx, NB_FOR_TENSOR), nb_stream_make(42, NB_FOR_TENSOR, 1)));
    assert_true(ctx->draws == 2);
    nb_ctx_free(ctx);
}

enum { DRAWS = 200000 };

/* Mean, variance and range of the uniform distribution within five standard errors. */
static void test_unit(void **state)
{
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    double sum = 0, squares = 0;
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double x = nb_random_unit(&stream);
        assert_true(x >= 0 && x < 1);
        sum += x;
        squares += (x - 0.5) * (x - 0.5);
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 5 * sqrt(1.0 / 12 / DRAWS));
    assert_true(fabs(squares / DRAWS - 1.0 / 12) < 5 * sqrt(1.0 / 180 / DRAWS));
}

/* All ones is the largest draw: one step of 2^-53 under 1. Catches rounding up to 1. */
static void test_unit_ends(void **state)
{
    nb_stream stream = {.block = {UINT32_MAX, UINT32_MAX, 0, 0}, .left = 4};
    (void)state;
    assert_true(nb_random_unit(&stream) == 1 - 0x1p-53);
    assert_true(nb_random_unit(&stream) == 0);
}

/* Mean 0, variance 1, skew 0, fourth moment 3, the share within one deviation, and no correlation
 * between the two normals of a pair, within five standard errors. */
static void test_normal(void **state)
{
    nb_stream stream = nb_stream_make(2, NB_FOR_INIT, 0);
    double moment[5] = {0}, product = 0, previous = 0;
    int within = 0;
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        double x = nb_random_normal(&stream), power = 1;
        for (int k = 0; k < 5; k++, power *= x) moment[k] += power / DRAWS;
        if (i % 2) product += previous * x / (DRAWS / 2);
        within += fabs(x) < 1;
        previous = x;
    }
    assert_true(fabs(moment[1]) < 5 * sqrt(1.0 / DRAWS));
    assert_true(fabs(moment[2] - 1) < 5 * sqrt(2.0 / DRAWS));
    assert_true(fabs(moment[3]) < 5 * sqrt(15.0 / DRAWS));
    assert_true(fabs(moment[4] - 3) < 5 * sqrt(96.0 / DRAWS));
    assert_true(fabs(product) < 5 * sqrt(2.0 / DRAWS));
    const double share = erf(sqrt(0.5));
    assert_true(fabs((double)within / DRAWS - share) < 5 * sqrt(share * (1 - share) / DRAWS));
}

/* The smallest and largest uniform numbers give finite normals: the logarithm never sees 0. */
static void test_normal_is_finite(void **state)
{
    nb_stream lowest = {.left = 4};
    nb_stream highest = {.block = {UINT32_MAX, UINT32_MAX, 0, 0}, .left = 4};
    (void)state;
    assert_true(nb_random_normal(&lowest) == 0);
    double x = nb_random_normal(&highest);
    assert_true(fabs(x - sqrt(106 * log(2))) < 1e-12);
}

/* Pearson's statistic of n equally likely values has mean n - 1 and variance 2 (n - 1). */
static void check_uniform(uint64_t n)
{
    nb_stream stream = nb_stream_make(n, NB_FOR_SPLIT, 0);
    double *count = calloc(n, sizeof *count), statistic = 0;
    const double expected = (double)DRAWS / (double)n, freedom = (double)(n - 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = nb_random_below(&stream, n);
        assert_true(value < n);
        count[value]++;
    }
    for (uint64_t i = 0; i < n; i++) {
        statistic += (count[i] - expected) * (count[i] - expected) / expected;
    }
    assert_true(fabs(statistic - freedom) < 5 * sqrt(2 * freedom));
    free(count);
}

static void test_below(void **state)
{
    static const uint64_t sizes[] = {2, 3, 7, 8, 10, 100, 129};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) check_uniform(sizes[i]);
}

/* n = 3 * 2^k: words that are not drawn again where they must be favour, by remainder, the lowest
 * third of the values, and by multiplication those that 3 divides. */
static void test_below_large(void **state)
{
    static const uint64_t thirds[] = {UINT64_C(1) << 30, UINT64_C(1) << 33, UINT64_C(1) << 62};
    const double bound = 5 * sqrt(DRAWS * 2.0 / 9);
    (void)state;
    for (size_t i = 0; i < sizeof thirds / sizeof thirds[0]; i++) {
        nb_stream stream = nb_stream_make(3, NB_FOR_SPLIT, i);
        int part[3] = {0}, rest[3] = {0};
        for (int k = 0; k < DRAWS; k++) {
            uint64_t value = nb_random_below(&stream, 3 * thirds[i]);
            part[value / thirds[i]]++;
            rest[value % 3]++;
        }
        for (int k = 0; k < 3; k++) {
            assert_true(abs(part[k] - DRAWS / 3) < bound);
            assert_true(abs(rest[k] - DRAWS / 3) < bound);
        }
    }
}

static void test_below_ends(void **state)
{
    nb_stream stream = nb_stream_make(0, NB_FOR_SPLIT, 0);
    uint64_t high = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(nb_random_below(&stream, 1) == 0);
        assert_true(nb_random_below(&stream, UINT64_C(1) << 32) <= UINT32_MAX);
        high |= nb_random_below(&stream, UINT64_MAX);
    }
    assert_true(high >> 63 == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_stream_layout),
        cmocka_unit_test(test_block_carry),
        cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_step_limit),
        cmocka_unit_test(test_context_streams),
        cmocka_unit_test(test_unit),
        cmocka_unit_test(test_unit_ends),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_normal_is_finite),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_below_large),
        cmocka_unit_test(test_below_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
