/* From which share of non-zeros on rows go into products with their zeros, by how many neurons
 * there are: at the limit and one above it. The limits are written out here, for they were
 * measured. */
#include "grad/weights.h"

#include "../support.h"

enum { ROWS = 64, COLUMNS = 100, SHORT = 15, LESS = 31 };

/* Rows of which `count` numbers are not 0, spread evenly. */
static nb_tensor *rows_with(int64_t rows, int64_t columns, int64_t count)
{
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F32, SHAPE(rows, columns));
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < count * (i + 1) / rows - count * i / rows; j++)
            ((float *)nb_tensor_data(x))[i * columns + 3 * j % columns] = 1;
    return x;
}

static bool are_listed(int64_t rows, int64_t columns, int64_t count, int64_t neurons)
{
    nb_inputs inputs;
    nb_tensor *x = rows_with(rows, columns, count);
    assert_int_equal(nb_inputs_look(ctx, x, neurons, &inputs), NB_OK);
    bool listed = inputs.start;
    if (listed) assert_int_equal(inputs.index->shape[0], count);
    assert_true(listed == !inputs.x);
    nb_inputs_free(ctx, &inputs);
    nb_tensor_release(ctx, x);
    return listed;
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        int64_t neurons, most;
    } limits[] = {{16, 64}, {50, 200}, {99, 396}, {100, 400}, {1000, 400}}; /* of 6,400 numbers */
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        assert_true(are_listed(ROWS, COLUMNS, limits[i].most, limits[i].neurons));
        assert_false(are_listed(ROWS, COLUMNS, limits[i].most + 1, limits[i].neurons));
    }
    assert_false(are_listed(ROWS, COLUMNS, 1, 15));
    assert_true(are_listed(ROWS, COLUMNS, 1, 16));
    assert_false(are_listed(SHORT, COLUMNS, 1, 100));
    assert_true(are_listed(SHORT + 1, COLUMNS, 1, 100));
    assert_false(are_listed(ROWS, LESS, 1, 100));
    assert_true(are_listed(ROWS, LESS + 1, 1, 100));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(limits)};
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
