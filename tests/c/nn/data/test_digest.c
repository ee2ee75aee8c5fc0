/* Sets that are alike have one digest; any number, name, order or scale that differs makes another.
 */
#include "nn/data/digest.h"

#include "../../support.h"

enum { ROWS = 300, COLUMNS = 5 };

static nb_set *set_with(const char *const *names, double scale, int64_t changed)
{
    nb_tensor *x = nb_tensor_new(ctx, NB_U8, SHAPE(ROWS, COLUMNS));
    nb_tensor *y = nb_tensor_new(ctx, NB_I32, SHAPE(ROWS));
    for (int64_t i = 0; i < ROWS; i++) {
        for (int64_t j = 0; j < COLUMNS; j++)
            nb_tensor_set(x, (const int64_t[]){i, j}, (double)((i * 7 + j) % 256));
        nb_tensor_set(y, &i, (double)(i % 2 + 1));
    }
    if (changed >= 0) nb_tensor_set(x, (const int64_t[]){changed, COLUMNS - 1}, 255);
    nb_set *set = nb_set_new(ctx, x, scale, y, names, 2, NULL);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return set;
}

static uint64_t digest_of(nb_set *set)
{
    uint64_t digest;
    assert_non_null(set);
    assert_int_equal(nb_set_digest(ctx, set, &digest), NB_OK);
    nb_set_release(ctx, set);
    return digest;
}

static void test_alike(void **state)
{
    (void)state;
    assert_true(digest_of(set_with(NULL, 1, -1)) == digest_of(set_with(NULL, 1, -1)));
}

static void test_different(void **state)
{
    static const char *const names[] = {"cat", "dog"}, *const others[] = {"cat", "owl"};
    (void)state;
    uint64_t plain = digest_of(set_with(NULL, 1, -1));
    assert_true(digest_of(set_with(NULL, 1, 0)) != plain);
    assert_true(digest_of(set_with(NULL, 1, ROWS - 1)) != plain);
    assert_true(digest_of(set_with(NULL, 0.5, -1)) != plain);
    assert_true(digest_of(set_with(names, 1, -1)) != digest_of(set_with(others, 1, -1)));
}

/* A part is what is in it, in its order. */
static void test_parts(void **state)
{
    (void)state;
    nb_set *set = set_with(NULL, 1, -1);
    uint64_t whole = digest_of(nb_set_retain(set));
    assert_true(digest_of(nb_set_take(ctx, set, ROWS)) == whole);
    assert_true(digest_of(nb_set_take(ctx, set, ROWS - 1)) != whole);
    assert_true(digest_of(nb_set_shuffle(ctx, set, 1)) != whole);
    assert_true(digest_of(nb_set_shuffle(ctx, set, 1)) == digest_of(nb_set_shuffle(ctx, set, 1)));
    nb_set_release(ctx, set);
}

/* Where one byte ends and the next begins counts, and so does how many there are. */
static void test_bytes(void **state)
{
    static const char bytes[17] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_true(nb_digest(1, bytes, i) != nb_digest(1, bytes, i + 1));
    assert_true(nb_digest(nb_digest(1, "a", 1), "b", 1) != nb_digest(nb_digest(1, "b", 1), "a", 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(alike), TEST(different), TEST(parts), TEST(bytes)};
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
