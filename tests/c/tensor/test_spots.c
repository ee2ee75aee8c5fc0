/* Places and spots: what the ops cannot reach. Indices themselves are in tests/c/grad/ops. */
#include "tensor/spots.h"

#include "../support.h"

/* i32 counts so many entries and no more; the last one is found from both ends. */
static void test_most_entries(void **state)
{
    (void)state;
    const int64_t most = INT32_MAX;
    nb_tensor *index = tensor_of(NB_F64, SHAPE(2), VALUES(2147483647.0, -2147483647.0));
    nb_tensor *places = nb_places(ctx, index, most, 0, NULL);
    assert_true(nb_tensor_get(places, (const int64_t[]){0}) == (double)(most - 1));
    assert_true(nb_tensor_get(places, (const int64_t[]){1}) == 0);
    assert_null(nb_places(ctx, index, most + 1, 0, NULL));
    assert_failed(NB_ESHAPE, "2147483648 entries are too many for indices");
    nb_tensor_release(ctx, index);
    nb_tensor_release(ctx, places);
}

/* Two dimensions of 3 and 4: row and column give the place in 12. */
static void test_join(void **state)
{
    (void)state;
    nb_tensor *rows = tensor_of(NB_I32, SHAPE(2, 1), VALUES(0, 2));
    nb_tensor *columns = tensor_of(NB_I32, SHAPE(3), VALUES(3, 0, 1));
    static const double want[] = {3, 0, 1, 11, 8, 9};
    nb_tensor *both = nb_places_join(ctx, rows, 4, columns);
    assert_true(both->dims == 2 && both->shape[0] == 2 && both->shape[1] == 3);
    for (int64_t i = 0; i < 6; i++)
        assert_true(nb_tensor_get(both, (const int64_t[]){i / 3, i % 3}) == want[i]);
    nb_tensor *three = tensor_of(NB_I32, SHAPE(3, 1, 2), VALUES(0, 0, 0, 0, 0, 0));
    assert_null(nb_places_join(ctx, columns, 4, three));
    assert_failed(NB_ESHAPE, "indices of 3 and of 3x1x2 do not fit together");
    nb_tensor *const all[] = {rows, columns, both, three};
    for (int i = 0; i < 4; i++) nb_tensor_release(ctx, all[i]);
}

/* Of several writes to one place the last one counts, also beyond one piece of a walk. */
static void test_last_write_counts(void **state)
{
    (void)state;
    const int64_t n = 200000;
    nb_tensor *x = nb_tensor_zeros(ctx, NB_I32, 1, (const int64_t[]){2});
    nb_tensor *one = tensor_of(NB_I32, SHAPE(1), VALUES(1));
    nb_tensor *places = nb_tensor_expand(ctx, one, 1, &n);
    nb_tensor *from = nb_tensor_new(ctx, NB_I32, 1, &n);
    int32_t *number = nb_tensor_data(from);
    nb_spots spots;
    for (int32_t i = 0; i < n; i++) number[i] = i;
    assert_int_equal(nb_spots_pick(ctx, &spots, x, 0, places), NB_OK);
    assert_int_equal(nb_spots_write(ctx, &spots, from), NB_OK);
    assert_true(nb_tensor_get(x, (const int64_t[]){1}) == (double)(n - 1));
    assert_true(nb_tensor_get(x, (const int64_t[]){0}) == 0);
    nb_tensor *const all[] = {x, one, places, from};
    for (int i = 0; i < 4; i++) nb_tensor_release(ctx, all[i]);
}

/* Rows of any length, whole and no more: row 2 of three becomes row 1, and is read back. */
static void rows_of(nb_dtype dtype, int64_t n)
{
    nb_tensor *x = nb_tensor_zeros(ctx, dtype, 2, (const int64_t[]){3, n});
    nb_tensor *from = nb_tensor_new(ctx, dtype, 2, (const int64_t[]){1, n});
    nb_tensor *place = tensor_of(NB_I32, SHAPE(1), VALUES(1));
    nb_spots spots;
    for (int64_t i = 0; i < n; i++)
        nb_tensor_set(from, (const int64_t[]){0, i}, (double)(1 + i % 250));
    assert_int_equal(nb_spots_pick(ctx, &spots, x, 0, place), NB_OK);
    assert_int_equal(nb_spots_write(ctx, &spots, from), NB_OK);
    nb_tensor *back = nb_spots_read(ctx, &spots);
    assert_non_null(back);
    for (int64_t i = 0; i < n; i++) {
        double wanted = (double)(1 + i % 250);
        assert_true(nb_tensor_get(x, (const int64_t[]){0, i}) == 0);
        assert_true(nb_tensor_get(x, (const int64_t[]){1, i}) == wanted);
        assert_true(nb_tensor_get(x, (const int64_t[]){2, i}) == 0);
        assert_true(nb_tensor_get(back, (const int64_t[]){0, i}) == wanted);
    }
    nb_tensor *const all[] = {x, from, place, back};
    for (int i = 0; i < 4; i++) nb_tensor_release(ctx, all[i]);
}

static void test_rows_of_any_length(void **state)
{
    (void)state;
    static const nb_dtype dtypes[] = {NB_U8, NB_F32, NB_F64};
    for (int i = 0; i < 3; i++) {
        for (int64_t n = 1; n < 70; n++) rows_of(dtypes[i], n);
        for (int64_t n = 510; n < 515; n++) rows_of(dtypes[i], n);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(most_entries), TEST(join), TEST(last_write_counts),
                                       TEST(rows_of_any_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
