/* Tensors made of tensors: where each element goes, for every dimension, of views and of nothing.
 */
#include "tensor/join.h"

#include "../support.h"

/* Element i of row-major order of 0, 1, 2, … in a shape. */
static nb_tensor *counting(int dims, const int64_t *shape)
{
    double values[64];
    for (int i = 0; i < 64; i++) values[i] = i;
    return tensor_of(NB_I32, dims, shape, values);
}

/* Each element of the result by its index, for three members along each dimension, one of them a
 * view. */
static void test_cat(void **state)
{
    (void)state;
    for (int dim = 0; dim < 2; dim++) {
        nb_tensor *a = counting(SHAPE(2, 3)), *turned = counting(SHAPE(3, 2));
        nb_tensor *b = nb_tensor_transpose(ctx, turned), *list[] = {a, b, a};
        nb_tensor *out = nb_tensor_cat(ctx, list, 3, dim);
        assert_non_null(out);
        assert_int_equal(out->shape[dim], 3 * a->shape[dim]);
        for (int64_t i = 0; i < out->shape[0]; i++)
            for (int64_t j = 0; j < out->shape[1]; j++) {
                int64_t at[] = {i, j}, which = at[dim] / a->shape[dim];
                at[dim] %= a->shape[dim];
                assert_true(nb_tensor_get(out, (int64_t[]){i, j}) ==
                            nb_tensor_get(list[which], at));
            }
        nb_tensor_release(ctx, a);
        nb_tensor_release(ctx, b);
        nb_tensor_release(ctx, turned);
        nb_tensor_release(ctx, out);
    }
}

static void test_cat_refuses(void **state)
{
    (void)state;
    nb_tensor *a = counting(SHAPE(2, 3)), *b = counting(SHAPE(2, 2)), *c = counting(SHAPE(2));
    nb_tensor *pair[] = {a, b}, *other[] = {a, c};
    int64_t shape[NB_MAX_DIMS];
    assert_null(nb_tensor_cat(ctx, pair, 2, 0));
    assert_failed(NB_ESHAPE, "cat: 2x3 and 2x2 (entry 2) do not fit");
    assert_null(nb_tensor_cat(ctx, other, 2, 1));
    assert_failed(NB_ESHAPE, "2x3 and 2 (entry 2)");
    assert_null(nb_tensor_cat(ctx, pair, 2, 2));
    assert_failed(NB_ESHAPE, "2x3 has no dimension 3");
    /* Expanded tensors cost nothing, their sum would. */
    nb_tensor *one = counting(SHAPE(1));
    nb_tensor *wide = nb_tensor_expand(ctx, one, 1, (int64_t[]){NB_MAX_ELEMENTS});
    nb_tensor *twice[] = {wide, wide};
    assert_int_equal(nb_cat_shape(ctx, "cat", twice, 1, 0, shape), NB_OK);
    assert_int_equal(nb_cat_shape(ctx, "cat", twice, 2, 0, shape), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "too many elements");
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
    nb_tensor_release(ctx, c);
    nb_tensor_release(ctx, one);
    nb_tensor_release(ctx, wide);
}

static void check_repeat(const nb_tensor *x, int dims, const int64_t *times)
{
    nb_tensor *out = nb_tensor_repeat(ctx, x, dims, times);
    assert_non_null(out);
    int64_t index[NB_MAX_DIMS] = {0}, from[NB_MAX_DIMS], count = nb_tensor_count(out);
    int added = dims - x->dims;
    for (int i = 0; i < dims; i++)
        assert_int_equal(out->shape[i], times[i] * (i < added ? 1 : x->shape[i - added]));
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k;
        for (int i = dims - 1; i >= 0; rest /= out->shape[i], i--) index[i] = rest % out->shape[i];
        for (int i = 0; i < x->dims; i++) from[i] = index[i + added] % x->shape[i];
        assert_true(nb_tensor_get(out, index) == nb_tensor_get(x, from));
    }
    nb_tensor_release(ctx, out);
}

/* Odd numbers of repeats, which no doubling meets; new dimensions in front; up to eight. */
static void test_repeat(void **state)
{
    (void)state;
    nb_tensor *x = counting(SHAPE(2, 3)), *view = nb_tensor_transpose(ctx, x);
    nb_tensor *number = nb_tensor_scalar(ctx, NB_I32, 7), *none = counting(SHAPE(0, 2));
    check_repeat(x, SHAPE(1, 1));
    check_repeat(x, SHAPE(3, 5));
    check_repeat(view, SHAPE(7, 2));
    check_repeat(x, SHAPE(3, 1, 2));
    check_repeat(x, SHAPE(2, 1, 2, 1, 2, 1, 3, 2));
    check_repeat(x, SHAPE(2, 0));
    check_repeat(number, SHAPE(11));
    check_repeat(number, 0, NULL);
    check_repeat(none, SHAPE(3, 2));
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, view);
    nb_tensor_release(ctx, number);
    nb_tensor_release(ctx, none);
}

static void test_repeat_refuses(void **state)
{
    (void)state;
    nb_tensor *x = counting(SHAPE(2, 3));
    assert_null(nb_tensor_repeat(ctx, x, SHAPE(2)));
    assert_failed(NB_ESHAPE, "2x3 has 2 dimensions");
    assert_null(nb_tensor_repeat(ctx, x, SHAPE(-1, 2)));
    assert_failed(NB_EARG, "-1 times");
    assert_null(nb_tensor_repeat(ctx, x, SHAPE(INT64_MAX, 2)));
    assert_failed(NB_ESHAPE, "too many elements");
    assert_null(nb_tensor_repeat(ctx, x, SHAPE(INT64_C(1) << 40, INT64_C(1) << 40)));
    assert_failed(NB_ESHAPE, "too many elements");
    nb_tensor_release(ctx, x);
}

static nb_status attempt(void *arg)
{
    nb_tensor *x = arg, *list[] = {x, x};
    nb_tensor *twice = nb_tensor_cat(ctx, list, 2, 1);
    nb_tensor *more = twice ? nb_tensor_repeat(ctx, twice, SHAPE(3, 1, 3)) : NULL;
    nb_tensor_release(ctx, twice);
    nb_tensor_release(ctx, more);
    return more ? NB_OK : ctx->status;
}

static void test_memory(void **state)
{
    (void)state;
    nb_tensor *x = counting(SHAPE(2, 3));
    sweep(attempt, x);
    nb_tensor_release(ctx, x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cat), TEST(cat_refuses), TEST(repeat), TEST(repeat_refuses), TEST(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
