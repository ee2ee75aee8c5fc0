/* Data sets: what is accepted as x and y, parts, batches, and the one line for people. */
#include "nn/data/set.h"

#include "../../support.h"

#include <math.h>
#include <stdio.h>

#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

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

/* ---- Making --------------------------------------------------------------------------------- */

static void test_classes_or_targets(void **state)
{
    (void)state;
    nb_set *set = set_with(3, tensor_of(NB_F32, SHAPE(3), VALUES(1, 3, 2)), NULL, 0);
    assert_int_equal(set->schema.classes->count, 3);
    assert_string_equal(set->schema.classes->name[2], "3");
    assert_int_equal(set->y->dtype, NB_I32);
    nb_set_release(ctx, set);
    set = set_with(3, tensor_of(NB_U8, SHAPE(3), VALUES(1, 2, 1)), NAMES("a", "b"), 2);
    assert_string_equal(set->schema.classes->name[1], "b");
    nb_set_release(ctx, set);
    static const double targets[][3] = {{0, 1, 1}, {1, 1.5, 2}, {1, -2, 3}, {1, 2, NAN}};
    for (int i = 0; i < 4; i++) {
        set = set_with(3, tensor_of(NB_F32, SHAPE(3), targets[i]), NULL, 0);
        assert_null(set->schema.classes);
        assert_int_equal(set->y->dtype, NB_F32);
        nb_set_release(ctx, set);
    }
    set = set_with(3, tensor_of(NB_F32, SHAPE(3, 1), VALUES(1, 2, 3)), NULL, 0);
    assert_null(set->schema.classes);
    nb_set_release(ctx, set);
    set = set_with(3, NULL, NULL, 0);
    assert_null(set->y);
    nb_set_release(ctx, set);
}

static void assert_refused(nb_dtype dtype, const double *y, const char *const *names, int64_t count,
                           const char *words)
{
    assert_null(set_with(3, tensor_of(dtype, SHAPE(3), y), names, count));
    assert_failed(NB_EARG, words);
}

static void test_bad_classes(void **state)
{
    (void)state;
    const char *const *two = NAMES("a", "b");
    assert_refused(NB_I32, VALUES(0, 1, 2), NULL, 0,
                   "y holds class 0: classes count from 1; add 1 to y");
    assert_refused(NB_F32, VALUES(1, 0, 1), two, 2, "class 0: classes count from 1; add 1 to y");
    /* 0 … K is not what counting from 0 gives: to add 1 would not help. */
    assert_refused(NB_F32, VALUES(0, 1, 2), two, 2,
                   "y holds class 0 at example 1; classes count from 1");
    assert_refused(NB_I32, VALUES(1, -1, 2), NULL, 0, "y holds class -1 at example 2");
    assert_refused(NB_I32, VALUES(1, 2, 3), two, 2,
                   "class 3 at example 3; the names are those of 2");
    assert_refused(NB_F32, VALUES(1, 1.5, 2), two, 2,
                   "y holds 1.5 at example 2; classes are whole");
    assert_refused(NB_F32, VALUES(NAN, 1, 2), two, 2, "y holds nan at example 1");
    assert_refused(NB_F32, VALUES(1, 2, INFINITY), two, 2, "y holds inf at example 3");
    assert_refused(NB_I32, VALUES(1, 1, 65537), NULL, 0,
                   "class 65537 at example 3; a set has at most 65536");
    nb_set *most = set_with(3, tensor_of(NB_I32, SHAPE(3), VALUES(1, 1, 65536)), NULL, 0);
    assert_int_equal(most->schema.classes->count, NB_CLASSES_MAX);
    nb_set_release(ctx, most);
}

static void assert_x_refused(nb_tensor *x, double scale, nb_status status, const char *words)
{
    assert_null(nb_set_new(ctx, x, scale, NULL, NULL, 0, NULL));
    assert_failed(status, words);
    nb_tensor_release(ctx, x);
}

static void test_bad_shapes(void **state)
{
    (void)state;
    nb_tensor *one = nb_tensor_zeros(ctx, NB_U8, SHAPE(1));
    const int64_t many = (int64_t)INT32_MAX + 1;
    assert_x_refused(nb_tensor_scalar(ctx, NB_F32, 1), 1, NB_ESHAPE, "not one number");
    assert_x_refused(nb_tensor_zeros(ctx, NB_F32, SHAPE(0, 3)), 1, NB_ESHAPE, "its shape is 0x3");
    assert_x_refused(nb_tensor_zeros(ctx, NB_F32, SHAPE(3, 0)), 1, NB_ESHAPE, "its shape is 3x0");
    assert_x_refused(nb_tensor_expand(ctx, one, 1, &many), 1, NB_ESHAPE,
                     "at most 2147483647 examples");
    assert_x_refused(nb_tensor_zeros(ctx, NB_F32, SHAPE(3, 1)), NAN, NB_EARG, "scale must be");
    nb_tensor_release(ctx, one);
    assert_null(set_with(3, tensor_of(NB_F32, SHAPE(2), VALUES(1, 2)), NULL, 0));
    assert_failed(NB_ESHAPE, "x holds 3 examples, y 2");
    assert_null(set_with(3, nb_tensor_scalar(ctx, NB_F32, 1), NULL, 0));
    assert_failed(NB_ESHAPE, "x holds 3 examples, y 1");
    assert_null(set_with(3, nb_tensor_zeros(ctx, NB_F32, SHAPE(3, 0)), NULL, 0));
    assert_failed(NB_ESHAPE, "y holds nothing: its shape is 3x0");
    assert_null(set_with(3, NULL, NAMES("a"), 1));
    assert_failed(NB_EARG, "y is missing");
}

/* Numbers of more than one dimension are classes where names or a count say so. */
static void test_classes_of_steps(void **state)
{
    (void)state;
    const double steps[] = {1, 2, 2, 3, 1, 1};
    nb_set *set = set_with(3, tensor_of(NB_F32, SHAPE(3, 2), steps), NAMES("a", "b", "c"), 3);
    assert_int_equal(set->schema.classes->count, 3);
    assert_int_equal(set->y->dtype, NB_I32);
    nb_tensor *y = nb_set_y(ctx, set, NB_F32);
    assert_int_equal(y->dtype, NB_I32);
    assert_true(nb_tensor_get(y, (const int64_t[]){1, 1}) == 3);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, set);
    set = set_with(3, tensor_of(NB_I32, SHAPE(3, 2), steps), NULL, 5);
    assert_string_equal(set->schema.classes->name[4], "5");
    nb_set_release(ctx, set);
    set = set_with(3, tensor_of(NB_I32, SHAPE(3, 2), steps), NULL, 0);
    assert_null(set->schema.classes);
    nb_set_release(ctx, set);
    assert_null(set_with(3, tensor_of(NB_I32, SHAPE(3, 2), steps), NULL, 2));
    assert_failed(NB_EARG, "y holds class 3 at example 2, step 2; there are 2 classes");
    assert_null(set_with(3, tensor_of(NB_I32, SHAPE(3, 2), steps), NAMES("a"), 1));
    assert_failed(NB_EARG,
                  "y holds class 3 at example 2, step 2; the names are those of 1 classes");
}

/* The set's classes stay what was checked when the user's tensor changes. */
static void test_classes_are_a_copy(void **state)
{
    (void)state;
    nb_tensor *y = tensor_of(NB_I32, SHAPE(3), VALUES(1, 2, 1));
    nb_set *set = set_with(3, nb_tensor_retain(y), NULL, 0);
    assert_int_equal(nb_tensor_fill(ctx, y, 1e6), NB_OK);
    nb_tensor *seen = nb_set_y(ctx, set, NB_F32);
    assert_true(nb_tensor_get(seen, (const int64_t[]){1}) == 2);
    nb_tensor_release(ctx, seen);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, set);
}

/* ---- Parts ---------------------------------------------------------------------------------- */

static void assert_rows(nb_set *part, int64_t count, const int64_t *rows)
{
    assert_non_null(part);
    assert_int_equal(part->count, count);
    for (int64_t i = 0; i < count; i++) assert_int_equal(nb_set_row(part, i), rows[i]);
    nb_set_release(ctx, part);
}

static void test_parts(void **state)
{
    (void)state;
    nb_set *set = set_with(5, NULL, NULL, 0);
    assert_rows(nb_set_take(ctx, set, 2), SHAPE(0, 1));
    assert_rows(nb_set_take(ctx, set, -2), SHAPE(3, 4));
    assert_rows(nb_set_take(ctx, set, 5), SHAPE(0, 1, 2, 3, 4));
    assert_rows(nb_set_take(ctx, set, -5), SHAPE(0, 1, 2, 3, 4));
    assert_rows(nb_set_range(ctx, set, 4, 1), SHAPE(4));
    nb_set *part = nb_set_range(ctx, set, 1, 3);
    assert_rows(nb_set_take(ctx, part, -2), SHAPE(2, 3));
    nb_set_release(ctx, part);
    static const int64_t beyond[] = {0, 6, -6, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 5; i++) {
        assert_null(nb_set_take(ctx, set, beyond[i]));
        assert_failed(NB_EARG, "take needs a number from 1 to 5");
    }
    static const int64_t ranges[][2] = {{-1, 2}, {5, 1}, {3, 3}, {0, 0}, {0, -1}, {2, INT64_MAX}};
    for (int i = 0; i < 6; i++) {
        assert_null(nb_set_range(ctx, set, ranges[i][0], ranges[i][1]));
        assert_failed(NB_EARG, "the set has 5 examples");
    }
    nb_set_release(ctx, set);
}

/* A part outlives the whole. */
static void test_part_alone(void **state)
{
    (void)state;
    nb_set *set = set_with(5, tensor_of(NB_I32, SHAPE(5), VALUES(1, 2, 1, 2, 1)), NULL, 0);
    nb_set *part = nb_set_take(ctx, set, -2);
    nb_set_release(ctx, set);
    nb_tensor *x = nb_set_x(ctx, part, NB_F64), *y = nb_set_y(ctx, part, NB_F64);
    assert_true(nb_tensor_get(x, (const int64_t[]){0, 0}) == 3);
    assert_true(nb_tensor_get(y, (const int64_t[]){0}) == 2);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, part);
}

/* Every row once, another order for another seed, the same for the same. */
static void test_shuffle(void **state)
{
    (void)state;
    enum { N = 200 };
    nb_set *set = set_with(N, NULL, NULL, 0);
    nb_set *a = nb_set_shuffle(ctx, set, 1), *b = nb_set_shuffle(ctx, set, 1);
    nb_set *c = nb_set_shuffle(ctx, set, 2);
    bool seen[N] = {false};
    int moved = 0, other = 0;
    for (int64_t i = 0; i < N; i++) {
        int64_t row = nb_set_row(a, i);
        assert_false(seen[row]);
        seen[row] = true;
        moved += row != i;
        other += row != nb_set_row(c, i);
        assert_int_equal(row, nb_set_row(b, i));
    }
    assert_true(moved > N / 2 && other > N / 2);
    nb_set_release(ctx, a);
    nb_set_release(ctx, b);
    nb_set_release(ctx, c);
    nb_set_release(ctx, set);
}

/* ---- Batches -------------------------------------------------------------------------------- */

static double at(const nb_tensor *tensor, int64_t row, int64_t column)
{
    return nb_tensor_get(tensor, (const int64_t[]){row, column});
}

/* Every dtype of x, into both that compute; with an order, a start, rows of a part, and all of
 * them. */
static void test_gather(void **state)
{
    (void)state;
    const double values[] = {0, 10, 20, 30, 40, 50, 60, 70};
    for (int from = 0; from < NB_DTYPES; from++) {
        nb_tensor *x = tensor_of((nb_dtype)from, SHAPE(4, 2), values);
        nb_tensor *y = tensor_of(NB_I32, SHAPE(4), VALUES(1, 2, 3, 1));
        nb_set *set = nb_set_new(ctx, x, 0.5, y, NULL, 0, NULL);
        nb_set *part = nb_set_range(ctx, set, 1, 3);
        for (int to = NB_F32; to <= NB_F64; to++) {
            nb_tensor *bx = nb_tensor_new(ctx, (nb_dtype)to, SHAPE(2, 2));
            nb_tensor *by = nb_tensor_new(ctx, (nb_dtype)to, SHAPE(2, 3));
            const int32_t order[] = {2, 0, 1};
            assert_int_equal(nb_set_gather(ctx, part, order, 0, 2, 1, bx, by), NB_OK);
            assert_true(at(bx, 0, 0) == 30 && at(bx, 0, 1) == 35);
            assert_true(at(bx, 1, 0) == 10 && at(bx, 1, 1) == 15);
            assert_true(at(by, 0, 0) == 1 && at(by, 0, 1) == 0 && at(by, 0, 2) == 0);
            assert_true(at(by, 1, 0) == 0 && at(by, 1, 1) == 1 && at(by, 1, 2) == 0);
            assert_int_equal(nb_set_gather(ctx, part, NULL, 1, 2, 0, bx, NULL), NB_OK);
            assert_true(at(bx, 0, 0) == 20 && at(bx, 1, 1) == 35);
            assert_int_equal(nb_set_gather(ctx, set, NULL, 2, 2, 0, bx, by), NB_OK);
            assert_true(at(bx, 0, 0) == 20 && at(by, 0, 2) == 1 && at(by, 1, 0) == 1);
            nb_tensor_release(ctx, bx);
            nb_tensor_release(ctx, by);
        }
        nb_set_release(ctx, part);
        nb_set_release(ctx, set);
        nb_tensor_release(ctx, x);
        nb_tensor_release(ctx, y);
    }
}

static void test_gather_targets(void **state)
{
    (void)state;
    nb_set *set = set_with(3, tensor_of(NB_F64, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), NULL, 0);
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, SHAPE(2, 1));
    nb_tensor *y = nb_tensor_new(ctx, NB_F32, SHAPE(2, 2));
    const int32_t order[] = {2, 0};
    assert_int_equal(nb_set_gather(ctx, set, order, 0, 2, 0, x, y), NB_OK);
    assert_true(at(y, 0, 0) == 5 && at(y, 0, 1) == 6 && at(y, 1, 0) == 1);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, set);
}

/* Class numbers of steps, as they are and as a 1 among zeros; of a set that knows them for classes
 * and of one that does not. */
static void test_gather_steps(void **state)
{
    (void)state;
    const double steps[] = {1, 2, 3, 1, 2, 2};
    static const nb_dtype kinds[] = {NB_F32, NB_F64, NB_I32, NB_U8};
    for (int k = 0; k < 4; k++)
        for (int64_t known = 0; known < 2; known++) {
            nb_set *set = set_with(3, tensor_of(kinds[k], SHAPE(3, 2), steps), NULL, 3 * known);
            nb_tensor *numbers = nb_tensor_new(ctx, NB_I32, SHAPE(2, 2));
            nb_tensor *hot = nb_tensor_new(ctx, NB_F32, SHAPE(2, 2, 3));
            const int32_t order[] = {2, 1};
            assert_int_equal(nb_set_gather(ctx, set, order, 0, 2, 0, NULL, numbers), NB_OK);
            assert_true(at(numbers, 0, 0) == 2 && at(numbers, 0, 1) == 2);
            assert_true(at(numbers, 1, 0) == 3 && at(numbers, 1, 1) == 1);
            assert_int_equal(nb_set_gather(ctx, set, order, 0, 2, 0, NULL, hot), NB_OK);
            static const double wanted[] = {0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0};
            for (int i = 0; i < 12; i++) {
                const int64_t place[] = {i / 6, i / 3 % 2, i % 3};
                assert_true(nb_tensor_get(hot, place) == wanted[i]);
            }
            nb_tensor_release(ctx, numbers);
            nb_tensor_release(ctx, hot);
            nb_set_release(ctx, set);
        }
}

/* More steps than are read at once. */
static void test_gather_many_steps(void **state)
{
    (void)state;
    enum { STEPS = 300 };
    nb_tensor *y = nb_tensor_new(ctx, NB_I32, SHAPE(2, STEPS));
    for (int64_t i = 0; i < 2 * STEPS; i++)
        nb_tensor_set(y, (const int64_t[]){i / STEPS, i % STEPS}, (double)(1 + i % 7));
    nb_set *set = set_with(2, y, NULL, 0);
    nb_tensor *hot = nb_tensor_new(ctx, NB_F64, SHAPE(2, STEPS, 7));
    assert_int_equal(nb_set_gather(ctx, set, NULL, 0, 2, 0, NULL, hot), NB_OK);
    for (int64_t i = 0; i < 2 * STEPS; i++)
        for (int64_t k = 0; k < 7; k++)
            assert_true(((double *)nb_tensor_data(hot))[i * 7 + k] == (k == i % 7));
    nb_tensor_release(ctx, hot);
    nb_set_release(ctx, set);
}

/* The set did not know its numbers for classes: gathering looks at each. */
static void test_gather_bad_steps(void **state)
{
    (void)state;
    static const struct {
        double value;
        nb_status status;
        const char *words;
    } cases[] = {{4, NB_EARG, "y holds class 4 at example 2, step 2; the network has 3 classes"},
                 {0, NB_EARG, "y holds class 0 at example 2, step 2; the network has 3 classes"},
                 {1.5, NB_EVALUE, "y holds 1.5 in example 2, step 2; it needs whole numbers"}};
    nb_tensor *hot = nb_tensor_new(ctx, NB_F32, SHAPE(3, 2, 3));
    for (int i = 0; i < 3; i++) {
        const double steps[] = {1, 2, 3, cases[i].value, 2, 2};
        nb_set *set = set_with(3, tensor_of(NB_F32, SHAPE(3, 2), steps), NULL, 0);
        assert_int_equal(nb_set_gather(ctx, set, NULL, 0, 3, 0, NULL, hot), cases[i].status);
        assert_failed(cases[i].status, cases[i].words);
        nb_set_release(ctx, set);
    }
    nb_tensor_release(ctx, hot);
}

/* A column of numbers serves one output. */
static void test_gather_single_target(void **state)
{
    (void)state;
    nb_set *set = set_with(2, tensor_of(NB_F32, SHAPE(2), VALUES(0, 1)), NULL, 0);
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, SHAPE(2, 1)),
              *y = nb_tensor_new(ctx, NB_F32, SHAPE(2, 1));
    assert_int_equal(nb_set_gather(ctx, set, NULL, 0, 2, 0, x, y), NB_OK);
    assert_true(at(y, 0, 0) == 0 && at(y, 1, 0) == 1);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, set);
}

static void assert_not_gathered(const nb_set *set, int64_t xs, int64_t ys, const char *words)
{
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, SHAPE(2, xs)),
              *y = nb_tensor_new(ctx, NB_F32, SHAPE(2, ys));
    assert_true(nb_set_gather(ctx, set, NULL, 0, 2, 0, x, y) != NB_OK);
    assert_failed(ctx->status, words);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

static void test_gather_misfits(void **state)
{
    (void)state;
    nb_set *set = set_with(2, tensor_of(NB_I32, SHAPE(2), VALUES(1, 3)), NULL, 0);
    assert_not_gathered(set, 2, 3, "x has 1 values an example; 2 are wanted");
    assert_not_gathered(set, 1, 2, "y holds 3 classes; the network has 2 outputs");
    nb_set_release(ctx, set);
    set = set_with(2, tensor_of(NB_F32, SHAPE(2, 2), VALUES(0, 0, 0, 0)), NULL, 0);
    assert_not_gathered(set, 1, 3, "y has 2 values an example; 3 are wanted");
    nb_set_release(ctx, set);
    set = set_with(2, NULL, NULL, 0);
    assert_not_gathered(set, 1, 1, "the set holds no y");
    nb_set_release(ctx, set);
}

/* What is no number is refused, by its example in this part, and so is what overflows f32. */
static void test_gather_not_finite(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *words;
    } cases[] = {{NAN, "x holds nan in example 2; it needs numbers that fit f32"},
                 {-INFINITY, "x holds -inf in example 2"},
                 {1e300, "x holds 1e300 in example 2"}};
    nb_tensor *batch = nb_tensor_new(ctx, NB_F32, SHAPE(3, 2));
    for (int i = 0; i < 3; i++) {
        nb_tensor *x = tensor_of(NB_F64, SHAPE(4, 2), VALUES(1, 2, 3, 4, 5, cases[i].value, 7, 8));
        nb_set *set = nb_set_new(ctx, x, 1, NULL, NULL, 0, NULL);
        nb_set *part = nb_set_take(ctx, set, -3);
        assert_int_equal(nb_set_gather(ctx, part, NULL, 0, 3, 0, batch, NULL), NB_EVALUE);
        assert_failed(NB_EVALUE, cases[i].words);
        const int32_t order[] = {0, 2, 1};
        assert_int_equal(nb_set_gather(ctx, part, order, 0, 3, 0, batch, NULL), NB_EVALUE);
        assert_failed(NB_EVALUE, cases[i].words);
        nb_tensor *shown = nb_set_x(ctx, part, NB_F64); /* to look at it is no error */
        assert_non_null(shown);
        nb_tensor_release(ctx, shown);
        nb_set_release(ctx, part);
        nb_set_release(ctx, set);
        nb_tensor_release(ctx, x);
    }
    nb_tensor_release(ctx, batch);
    nb_set *set = set_with(2, tensor_of(NB_F32, SHAPE(2, 1), VALUES(1, NAN)), NULL, 0);
    assert_not_gathered(set, 1, 1, "y holds nan in example 2");
    nb_set_release(ctx, set);
}

/* ---- For people ----------------------------------------------------------------------------- */

static void assert_described(const nb_set *set, const char *expected)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_set_describe(&text, set);
    assert_string_equal(nb_text_get(&text), expected);
    nb_text_free(&text);
}

static void test_describe(void **state)
{
    (void)state;
    const char *const names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    nb_tensor *x = nb_tensor_zeros(ctx, NB_U8, SHAPE(1797, 64));
    nb_tensor *y = nb_tensor_zeros(ctx, NB_U8, SHAPE(1797));
    assert_int_equal(nb_tensor_fill(ctx, y, 1), NB_OK);
    nb_set *set = nb_set_new(ctx, x, 1 / 16.0, y, names, 10, "digits");
    assert_int_equal(nb_set_split(ctx, set, 0.8, 1, &set->train, &set->test), NB_OK);
    assert_described(set,
                     "digits: 1,797 examples · x 64 · 10 classes 0…9 · train 1,437 · test 360");
    assert_described(set->test, "360 examples · x 64 · 10 classes 0…9");
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    x = nb_tensor_zeros(ctx, NB_F32, SHAPE(1, 1, 28, 28));
    y = nb_tensor_zeros(ctx, NB_F32, SHAPE(1, 3));
    set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    assert_described(set, "1 example · x 1x28x28 · y 3");
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    x = nb_tensor_zeros(ctx, NB_F32, SHAPE(2));
    y = nb_tensor_zeros(ctx, NB_F32, SHAPE(2));
    set = nb_set_new(ctx, x, 1, y, NULL, 0, NULL);
    assert_described(set, "2 examples · x 1 · y 1");
    nb_set_release(ctx, set);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
}

static nb_status everything_once(void *x)
{
    nb_set *first = NULL, *rest = NULL;
    nb_tensor *y = nb_tensor_new(ctx, NB_F64, SHAPE(6));
    if (!y) return ctx->status;
    for (int64_t i = 0; i < 6; i++) nb_tensor_set(y, &i, (double)(1 + i % 2));
    nb_set *set = nb_set_new(ctx, x, 1, y, NAMES("a", "b"), 2, "test");
    nb_tensor_release(ctx, y);
    if (!set) return ctx->status;
    nb_status status = nb_set_split(ctx, set, 0.5, 1, &first, &rest);
    nb_tensor *out = status == NB_OK ? nb_set_x(ctx, rest, NB_F32) : NULL;
    if (!out) status = ctx->status;
    nb_tensor_release(ctx, out);
    nb_set_release(ctx, first);
    nb_set_release(ctx, rest);
    nb_set_release(ctx, set);
    return status;
}

static void test_memory_ends(void **state)
{
    (void)state;
    nb_tensor *x = counting(6);
    sweep(everything_once, x);
    nb_tensor_release(ctx, x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_or_targets),
        TEST(bad_classes),
        TEST(bad_shapes),
        TEST(classes_of_steps),
        TEST(classes_are_a_copy),
        TEST(parts),
        TEST(part_alone),
        TEST(shuffle),
        TEST(gather),
        TEST(gather_targets),
        TEST(gather_steps),
        TEST(gather_many_steps),
        TEST(gather_bad_steps),
        TEST(gather_single_target),
        TEST(gather_misfits),
        TEST(gather_not_finite),
        TEST(describe),
        TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
