/* Data sets divided: what a split gives to each side, what folds hold, what is left out. */
#include "nn/data/set.h"

#include "../../support.h"

#include <math.h>
#include <stdio.h>

/* x with one column: 0, 1, 2, … as bytes. */
static nb_tensor *counting(int64_t n)
{
    nb_tensor *x = nb_tensor_new(ctx, NB_U8, SHAPE(n, 1));
    for (int64_t i = 0; i < n; i++) nb_tensor_set(x, (const int64_t[]){i, 0}, (double)(i % 256));
    return x;
}

/* A set of `n` examples and class numbers; y is released. */
static nb_set *set_with(int64_t n, nb_tensor *y, const char *const *names, int64_t count)
{
    nb_tensor *x = counting(n);
    nb_set *set = nb_set_new(ctx, x, 1, y, names, count, NULL);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

/* Classes 1 … count in turn, as many of each as `members` says. */
static nb_set *set_of_classes(int count, const int *members)
{
    int64_t n = 0;
    for (int c = 0; c < count; c++) n += members[c];
    nb_tensor *y = nb_tensor_new(ctx, NB_I32, 1, &n);
    int64_t i = 0;
    for (int c = 0; c < count; c++) {
        for (int k = 0; k < members[c]; k++, i++) nb_tensor_set(y, &i, c + 1);
    }
    return set_with(n, y, NULL, 0);
}

static int64_t class_count(const nb_set *set, int class)
{
    nb_tensor *y = nb_set_y(ctx, set, NB_F32);
    const int32_t *at = nb_tensor_data(y);
    int64_t count = 0;
    for (int64_t i = 0; i < set->count; i++) count += at[i] == class;
    nb_tensor_release(ctx, y);
    return count;
}

static void check_partition(const nb_set *set, const nb_set *first, const nb_set *rest)
{
    bool *seen = calloc((size_t)set->count, sizeof *seen);
    assert_int_equal(first->count + rest->count, set->count);
    for (int64_t i = 0; i < set->count; i++) {
        bool low = i < first->count;
        int64_t row = nb_set_row(low ? first : rest, low ? i : i - first->count);
        assert_false(seen[row]);
        seen[row] = true;
    }
    free(seen);
}

/* The digits: 1,797 examples, four fifths of each class to the first part, as DESIGN.md counts
 * them. */
static void test_split_of_digits(void **state)
{
    (void)state;
    const int members[] = {178, 182, 177, 183, 181, 182, 181, 179, 174, 180};
    nb_set *set = set_of_classes(10, members), *train, *test;
    assert_int_equal(set->count, 1797);
    assert_int_equal(nb_set_split(ctx, set, 0.8, 1, &train, &test), NB_OK);
    assert_int_equal(train->count, 1437);
    assert_int_equal(test->count, 360);
    check_partition(set, train, test);
    for (int c = 0; c < 10; c++) {
        assert_true(fabs((double)class_count(train, c + 1) - 0.8 * members[c]) < 1);
    }
    nb_set_release(ctx, train);
    nb_set_release(ctx, test);
    nb_set_release(ctx, set);
}

/* Shares 3.5, 2.5 and 1.0 of 7: each its whole part, and the one that is left to the largest
 * remainder; of equals, to the class that comes first. */
static void test_split_by_largest_remainder(void **state)
{
    (void)state;
    const int members[] = {7, 5, 2};
    nb_set *set = set_of_classes(3, members), *first, *rest;
    assert_int_equal(nb_set_split(ctx, set, 0.5, 1, &first, &rest), NB_OK);
    assert_int_equal(class_count(first, 1), 4);
    assert_int_equal(class_count(first, 2), 2);
    assert_int_equal(class_count(first, 3), 1);
    nb_set_release(ctx, first);
    nb_set_release(ctx, rest);
    nb_set_release(ctx, set);
}

/* Every share of every small set: a partition, within one of the exact share in all and by class.
 */
static void test_split_everywhere(void **state)
{
    (void)state;
    for (int n = 2; n < 40; n++) {
        const int members[] = {n / 2, n - n / 2 - n / 5, n / 5};
        nb_set *set = set_of_classes(n < 5 ? 2 : 3, members), *first, *rest;
        for (int s = 1; s < 20; s++) {
            double share = s / 20.0;
            nb_status status = nb_set_split(ctx, set, share, 1, &first, &rest);
            bool empty = n * s / 20 == 0;
            assert_int_equal(status, empty ? NB_EARG : NB_OK);
            if (empty) continue;
            assert_int_equal(first->count, n * s / 20);
            check_partition(set, first, rest);
            for (int c = 0; c < set->schema.classes->count; c++) {
                assert_true(fabs((double)class_count(first, c + 1) - share * members[c]) < 1);
            }
            nb_set_release(ctx, first);
            nb_set_release(ctx, rest);
        }
        nb_set_release(ctx, set);
    }
}

/* No class gives more than it has, and none is written beyond its part, for shares next to 0 and 1,
 * classes of none and of one, and products that round up to all there are. */
static void test_split_gives_what_is_there(void **state)
{
    (void)state;
    enum { CLASSES = 12 };
    static const double shares[] = {1e-7, 0.03, 0.3, 0.5, 0.7, 0.97, 1 - 1e-3, 1 - 1e-7, 1 - 1e-12};
    nb_stream stream = nb_stream_make(3, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 60; round++) {
        int members[CLASSES] = {1, 0};
        for (int c = 1; c < CLASSES; c++)
            members[c] = (int)(nb_random_word(&stream) % (uint32_t)(round + 2));
        members[CLASSES - 1] = 1;
        nb_set *set = set_of_classes(CLASSES, members), *first, *rest;
        for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
            if (nb_set_split(ctx, set, shares[s], 1, &first, &rest) != NB_OK) continue;
            check_partition(set, first, rest);
            for (int c = 0; c < CLASSES; c++) {
                int64_t given = class_count(first, c + 1), kept = class_count(rest, c + 1);
                assert_int_equal(given + kept, members[c]);
                assert_true(fabs((double)given - shares[s] * members[c]) < 1 + 1e-6);
            }
            nb_set_release(ctx, first);
            nb_set_release(ctx, rest);
        }
        nb_set_release(ctx, set);
    }
}

/* Classes at every step make no strata: each example has several. */
static void test_split_of_steps(void **state)
{
    (void)state;
    nb_tensor *y = nb_tensor_zeros(ctx, NB_I32, SHAPE(10, 3));
    assert_int_equal(nb_tensor_fill(ctx, y, 2), NB_OK);
    nb_set *set = set_with(10, y, NULL, 2), *first, *rest;
    assert_int_equal(nb_set_split(ctx, set, 0.7, 1, &first, &rest), NB_OK);
    assert_int_equal(first->count, 7);
    check_partition(set, first, rest);
    nb_set_release(ctx, first);
    nb_set_release(ctx, rest);
    nb_set_release(ctx, set);
}

static void test_split_without_classes(void **state)
{
    (void)state;
    nb_set *set = set_with(100, NULL, NULL, 0), *first, *rest, *again, *other;
    assert_int_equal(nb_set_split(ctx, set, 0.29, 7, &first, &rest), NB_OK);
    assert_int_equal(first->count, 29); /* 100 · 0.29 is a little less than 29 in binary */
    check_partition(set, first, rest);
    assert_int_equal(nb_set_split(ctx, set, 0.29, 7, &again, &other), NB_OK);
    for (int64_t i = 0; i < 29; i++) assert_int_equal(nb_set_row(first, i), nb_set_row(again, i));
    nb_set_release(ctx, first);
    nb_set_release(ctx, rest);
    nb_set_release(ctx, again);
    nb_set_release(ctx, other);
    static const double bad[] = {0, 1, -0.5, 1.5, NAN, INFINITY};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(nb_set_split(ctx, set, bad[i], 1, &first, &rest), NB_EARG);
        assert_failed(NB_EARG, "share must be a number between 0 and 1");
    }
    assert_int_equal(nb_set_split(ctx, set, 0.001, 1, &first, &rest), NB_EARG);
    assert_failed(NB_EARG, "leaves one part empty");
    nb_set_release(ctx, set);
}

/* More classes than the first of the sort's gaps, with remainders in falling and rising order. */
static void test_split_of_many_classes(void **state)
{
    (void)state;
    enum { CLASSES = 4000 };
    static int members[CLASSES];
    for (int c = 0; c < CLASSES; c++) members[c] = 1 + (c * 7919) % 9;
    nb_set *set = set_of_classes(CLASSES, members), *first, *rest;
    assert_int_equal(nb_set_split(ctx, set, 0.55, 1, &first, &rest), NB_OK);
    double worst_given = 2, best_refused = -1;
    int64_t *count = calloc(CLASSES, sizeof *count);
    nb_tensor *y = nb_set_y(ctx, first, NB_F32);
    for (int64_t i = 0; i < first->count; i++) count[((const int32_t *)nb_tensor_data(y))[i] - 1]++;
    nb_tensor_release(ctx, y);
    for (int c = 0; c < CLASSES; c++) {
        double exact = 0.55 * members[c], rest_of = exact - floor(exact);
        bool given = count[c] > (int64_t)floor(exact);
        if (given)
            worst_given = fmin(worst_given, rest_of);
        else
            best_refused = fmax(best_refused, rest_of);
    }
    assert_true(worst_given >= best_refused);
    free(count);
    nb_set_release(ctx, first);
    nb_set_release(ctx, rest);
    nb_set_release(ctx, set);
}

/* Sets of millions are gone through in rounds, between which Ctrl-C is looked for. */
static void test_stops(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    volatile sig_atomic_t pressed = 1;
    nb_tensor *y = nb_tensor_new(ctx, NB_I32, SHAPE(MANY));
    for (int64_t i = 0; i < MANY; i++) nb_tensor_set(y, &i, (double)(1 + i % 3));
    nb_set *set = set_with(MANY, y, NULL, 0), *first = NULL, *rest = NULL;
    ctx->interrupt = &pressed;
    assert_null(nb_set_take(ctx, set, MANY - 1));
    assert_null(nb_set_shuffle(ctx, set, 1));
    assert_null(nb_set_x(ctx, set, NB_F32));
    assert_null(nb_set_y(ctx, set, NB_F32));
    assert_int_equal(nb_set_split(ctx, set, 0.5, 1, &first, &rest), NB_EINTERRUPT);
    assert_null(first);
    assert_null(rest);
    ctx->interrupt = NULL;
    nb_set_release(ctx, set);
}

/* ---- Folds ---- */

/* Every example stands in one test set and in all other train sets; folds and classes are even. */
static void check_folds(const nb_set *set, int64_t k, int classes)
{
    nb_set *folds = nb_set_folds(ctx, set, k, 3), *train, *test;
    assert_non_null(folds);
    int64_t tested = 0;
    bool *seen = calloc((size_t)set->count, sizeof *seen);
    for (int64_t i = 0; i < k; i++) {
        assert_int_equal(nb_set_fold(ctx, folds, k, i, &train, &test), NB_OK);
        check_partition(set, train, test);
        assert_true(test->count == set->count / k || test->count == set->count / k + 1);
        for (int c = 1; c <= classes; c++) {
            int64_t all = class_count(set, c), here = class_count(test, c);
            assert_true(here == all / k || here == (all + k - 1) / k);
        }
        for (int64_t e = 0; e < test->count; e++, tested++) {
            assert_false(seen[nb_set_row(test, e)]);
            seen[nb_set_row(test, e)] = true;
        }
        nb_set_release(ctx, train);
        nb_set_release(ctx, test);
    }
    assert_int_equal(tested, set->count);
    free(seen);
    nb_set_release(ctx, folds);
}

static void test_folds(void **state)
{
    (void)state;
    nb_set *set = set_of_classes(4, (const int[]){7, 1, 12, 3});
    for (int64_t k = 2; k <= set->count; k++) check_folds(set, k, 4);
    assert_null(nb_set_folds(ctx, set, 1, 1));
    assert_string_equal(ctx->message, "23 examples can be in 2 to 23 folds, not 1");
    assert_null(nb_set_folds(ctx, set, 24, 1));
    nb_set_release(ctx, set);
}

/* The order is drawn: with the seed it is another, and without classes it is drawn as well. */
static void test_folds_are_drawn(void **state)
{
    (void)state;
    nb_set *set = set_with(40, NULL, NULL, 0);
    check_folds(set, 3, 0);
    nb_set *a = nb_set_folds(ctx, set, 4, 1), *b = nb_set_folds(ctx, set, 4, 1);
    nb_set *c = nb_set_folds(ctx, set, 4, 2);
    int same = 0, other = 0;
    for (int64_t i = 0; i < 40; i++) {
        same += nb_set_row(a, i) == nb_set_row(b, i);
        other += nb_set_row(a, i) == nb_set_row(c, i);
    }
    assert_int_equal(same, 40);
    assert_in_range(other, 0, 20);
    nb_set_release(ctx, a);
    nb_set_release(ctx, b);
    nb_set_release(ctx, c);
    nb_set_release(ctx, set);
}

/* ---- Leaving out ---- */

static void test_without(void **state)
{
    (void)state;
    nb_set *set = set_with(5, NULL, NULL, 0), *part = nb_set_take(ctx, set, -4);
    nb_set *left = nb_set_without(ctx, part, (const int64_t[]){3, 1, 3}, 3);
    assert_int_equal(left->count, 2);
    assert_int_equal(nb_set_row(left, 0), 1);
    assert_int_equal(nb_set_row(left, 1), 3);
    assert_null(nb_set_without(ctx, part, (const int64_t[]){4}, 1));
    assert_string_equal(ctx->message, "no example 5; there are 4");
    assert_null(nb_set_without(ctx, left, (const int64_t[]){0, 1}, 2));
    assert_string_equal(ctx->message, "no example is left");
    nb_set_release(ctx, left);
    nb_set_release(ctx, part);
    nb_set_release(ctx, set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(split_of_digits),
        TEST(split_by_largest_remainder),
        TEST(split_everywhere),
        TEST(split_gives_what_is_there),
        TEST(split_of_steps),
        TEST(split_without_classes),
        TEST(split_of_many_classes),
        TEST(stops),
        TEST(folds),
        TEST(folds_are_drawn),
        TEST(without),
    };
    return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
