/* Order by chance: every one equally often, and by the words that one would draw one by one. */
#include "base/context.h"
#include "kernel/shuffle.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_shuffle_is_permutation(void **state)
{
    enum { N = 1000 };
    nb_stream stream = nb_stream_make(4, NB_FOR_SHUFFLE, 0);
    int32_t index[N];
    bool seen[N] = {false};
    int fixed = 0;
    (void)state;
    for (int32_t i = 0; i < N; i++) index[i] = i;
    nb_ctx *ctx = nb_ctx_new();
    assert_int_equal(nb_random_shuffle(ctx, &stream, index, N), NB_OK);
    for (int32_t i = 0; i < N; i++) {
        assert_in_range(index[i], 0, N - 1);
        assert_false(seen[index[i]]);
        seen[index[i]] = true;
        fixed += index[i] == i;
    }
    assert_true(fixed < 10); /* one is expected */
    assert_int_equal(nb_random_shuffle(ctx, &stream, index, 0), NB_OK);
    assert_int_equal(nb_random_shuffle(ctx, &stream, NULL, 0), NB_OK);
    nb_ctx_free(ctx);
}

/* Every order of four equally often: catches the wrong range of Fisher-Yates, which favours some.
 */
static void test_shuffle_is_uniform(void **state)
{
    enum { ROUNDS = 48000 };
    nb_stream stream = nb_stream_make(5, NB_FOR_SHUFFLE, 0);
    int count[256] = {0};
    double statistic = 0;
    int orders = 0;
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        int32_t index[4] = {0, 1, 2, 3};
        nb_random_shuffle(ctx, &stream, index, 4);
        count[index[0] | index[1] << 2 | index[2] << 4 | index[3] << 6]++;
    }
    for (int i = 0; i < 256; i++) {
        if (count[i] == 0) continue;
        orders++;
        statistic += (count[i] - ROUNDS / 24.0) * (count[i] - ROUNDS / 24.0) / (ROUNDS / 24.0);
    }
    nb_ctx_free(ctx);
    assert_int_equal(orders, 24);
    assert_true(fabs(statistic - 23) < 5 * sqrt(2 * 23));
}

/* Many entries are shuffled in rounds, between which Ctrl-C is looked for; a few are not. */
static void test_shuffle_stops(void **state)
{
    enum { MANY = 200000 };
    nb_ctx *ctx = nb_ctx_new();
    nb_stream stream = nb_stream_make(4, NB_FOR_SHUFFLE, 0);
    int32_t *index = calloc(MANY, sizeof *index);
    volatile sig_atomic_t pressed = 1;
    (void)state;
    assert_non_null(index);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_random_shuffle(ctx, &stream, index, 100), NB_OK);
    assert_int_equal(nb_random_shuffle(ctx, &stream, index, MANY), NB_EINTERRUPT);
    free(index);
    nb_ctx_free(ctx);
}

/* Fisher-Yates as the book has it. */
static void shuffle_slowly(nb_stream *stream, int32_t *index, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)nb_random_below(stream, i);
        int32_t kept = index[i - 1];
        index[i - 1] = index[j];
        index[j] = kept;
    }
}

/* Every length, from every place in a block, also where the counter's first word runs over: the
 * same order, and the stream stands where single draws leave it. Catches words that are made
 * beforehand and skipped, drawn twice or left over. */
static void test_words_are_those_of_single_draws(void **state)
{
    enum { MOST = 700 };
    static const uint32_t first[] = {0, UINT32_MAX - 2, UINT32_MAX - 40};
    nb_ctx *ctx = nb_ctx_new();
    (void)state;
    for (size_t n = 0; n < MOST; n++) {
        nb_stream a = nb_stream_make(n, NB_FOR_SHUFFLE, 3), b;
        int32_t one[MOST], other[MOST];
        a.counter[0] = first[n % 3];
        for (size_t drawn = 0; drawn < n % 5; drawn++) nb_random_word(&a);
        b = a;
        for (size_t i = 0; i < n; i++) one[i] = other[i] = (int32_t)i;
        shuffle_slowly(&a, one, n);
        assert_int_equal(nb_random_shuffle(ctx, &b, other, n), NB_OK);
        assert_memory_equal(one, other, n * sizeof *one);
        for (int i = 0; i < 9; i++) assert_int_equal(nb_random_word(&a), nb_random_word(&b));
    }
    nb_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shuffle_is_permutation),
        cmocka_unit_test(test_shuffle_is_uniform),
        cmocka_unit_test(test_shuffle_stops),
        cmocka_unit_test(test_words_are_those_of_single_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
