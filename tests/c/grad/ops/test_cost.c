/* Costs where classes stand for targets: the same bits as a 1 at the class, and what is refused. */
#include "base/random.h"
#include "grad/tape.h"

#include "../../support.h"

#include <math.h>

/* Normal numbers, the first rows far out, where e^z of a row spans all magnitudes. */
static nb_tensor *draw_z(nb_dtype dtype, int dims, const int64_t *shape, uint64_t step)
{
    nb_stream stream = nb_stream_make(5, NB_FOR_TENSOR, step);
    nb_tensor *z = nb_tensor_new(ctx, dtype, dims, shape);
    nb_tensor *flat = nb_tensor_reshape(ctx, z, 1, (const int64_t[]){-1});
    for (int64_t i = 0; i < flat->shape[0]; i++)
        nb_tensor_set(flat, &i, (i < 8 ? 90 : 4) * (nb_random_unit(&stream) - 0.5));
    nb_tensor_release(ctx, flat);
    assert_int_equal(nb_require_grad(ctx, z, true), NB_OK);
    return z;
}

/* Classes of all rows of z, and the same as targets of z's shape. */
static nb_tensor *draw_classes(const nb_tensor *z, nb_tensor **targets)
{
    nb_stream stream = nb_stream_make(6, NB_FOR_TENSOR, (uint64_t)nb_tensor_count(z));
    nb_tensor *y = nb_tensor_new(ctx, NB_I32, z->dims - 1, z->shape);
    int64_t width = z->shape[z->dims - 1];
    nb_tensor *hot = nb_tensor_zeros(ctx, z->dtype, SHAPE(nb_tensor_count(y), width));
    for (int64_t i = 0; i < nb_tensor_count(y); i++) {
        int64_t class = nb_random_word(&stream) % width;
        ((int32_t *)nb_tensor_data(y))[i] = (int32_t) class + 1;
        nb_tensor_set(hot, (const int64_t[]){i, class}, 1);
    }
    *targets = nb_tensor_reshape(ctx, hot, z->dims, z->shape);
    nb_tensor_release(ctx, hot);
    return y;
}

/* The cost against y, whose gradient goes to *grad. */
static nb_tensor *cost_of(nb_tensor *z, nb_tensor *y, nb_tensor **grad)
{
    nb_leaf *leaf = nb_leaf_of(z);
    nb_tensor_release(ctx, leaf->grad);
    leaf->grad = NULL;
    nb_tensor *cost = nb_op2(ctx, NB_OP_softmax_cross_entropy, z, y);
    assert_non_null(cost);
    assert_int_equal(nb_backward(ctx, cost, NULL), NB_OK);
    *grad = nb_tensor_retain(leaf->grad);
    return cost;
}

static void assert_same_bits(const nb_tensor *a, const nb_tensor *b)
{
    assert_int_equal(a->dtype, b->dtype);
    assert_true(nb_tensor_same_shape(a, b));
    size_t bytes = (size_t)nb_tensor_count(a) * nb_dtype_size(a->dtype);
    assert_memory_equal(nb_tensor_data(a), nb_tensor_data(b), bytes);
}

/* Catches a sum in another order, a class beside its place, classes that became floats. */
static void test_classes_are_one_hot(void **state)
{
    (void)state;
    static const struct {
        int dims;
        int64_t shape[3];
    } cases[] = {{2, {1, 1}},   {2, {3, 7}},   {2, {10, 10}},  {2, {5, 33}},    {2, {17, 129}},
                 {2, {64, 31}}, {2, {2, 300}}, {3, {2, 3, 5}}, {3, {4, 1, 10}}, {1, {6}}};
    for (int dtype = NB_F32; dtype <= NB_F64; dtype++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            nb_tensor *targets, *grad[3], *cost[3];
            nb_tensor *z = draw_z((nb_dtype)dtype, cases[i].dims, cases[i].shape, i);
            nb_tensor *classes = draw_classes(z, &targets);
            nb_tensor *bytes = nb_tensor_convert(ctx, classes, NB_U8, 1);
            cost[0] = cost_of(z, targets, &grad[0]);
            cost[1] = cost_of(z, classes, &grad[1]);
            assert_same_bits(cost[0], cost[1]);
            assert_same_bits(grad[0], grad[1]);
            cost[2] =
                cost_of(z, cases[i].shape[cases[i].dims - 1] < 256 ? bytes : classes, &grad[2]);
            assert_same_bits(cost[0], cost[2]);
            assert_same_bits(grad[0], grad[2]);
            for (int k = 0; k < 3; k++) {
                nb_tensor_release(ctx, cost[k]);
                nb_tensor_release(ctx, grad[k]);
            }
            nb_tensor_release(ctx, targets);
            nb_tensor_release(ctx, classes);
            nb_tensor_release(ctx, bytes);
            nb_tensor_release(ctx, z);
        }
}

static void assert_refused(nb_dtype dtype, const double *classes, const char *words)
{
    nb_tensor *z = draw_z(NB_F32, SHAPE(2, 2, 3), 1);
    nb_tensor *y = tensor_of(dtype, SHAPE(2, 2), classes);
    assert_null(nb_op2(ctx, NB_OP_softmax_cross_entropy, z, y));
    assert_failed(NB_EARG, words);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, z);
}

static void test_bad_classes(void **state)
{
    (void)state;
    assert_refused(NB_I32, VALUES(1, 3, 4, 1), "y holds class 4 at 2, 1; there are classes 1 to 3");
    assert_refused(NB_I32, VALUES(1, 0, 1, 1), "y holds class 0 at 1, 2; there are classes 1 to 3");
    assert_refused(NB_I32, VALUES(-2147483648.0, 1, 1, 1), "y holds class -2147483648 at 1, 1");
    assert_refused(NB_I32, VALUES(1, 1, 1, 2147483647), "y holds class 2147483647 at 2, 2");
    assert_refused(NB_U8, VALUES(1, 1, 1, 255), "y holds class 255 at 2, 2");
}

/* Floats are no classes: one that stands where targets belong is told. */
static void test_floats_are_targets(void **state)
{
    (void)state;
    nb_tensor *z = draw_z(NB_F32, SHAPE(2, 3), 1);
    nb_tensor *y = tensor_of(NB_F32, SHAPE(2), VALUES(1, 2));
    assert_null(nb_op2(ctx, NB_OP_softmax_cross_entropy, z, y));
    assert_failed(NB_ESHAPE, "2x3 and 2 do not fit");
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, z);
}

/* ln 4 for equal outputs; the gradient is (1/4 - y) / n. */
static void test_by_hand(void **state)
{
    (void)state;
    nb_tensor *grad, *z = nb_tensor_zeros(ctx, NB_F64, SHAPE(2, 4));
    nb_tensor *y = tensor_of(NB_I32, SHAPE(2), VALUES(1, 4));
    assert_int_equal(nb_require_grad(ctx, z, true), NB_OK);
    nb_tensor *cost = cost_of(z, y, &grad);
    assert_true(fabs(nb_tensor_item(cost) - log(4)) < 1e-15);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t k = 0; k < 4; k++) {
            double hot = k == 3 * i, got = nb_tensor_get(grad, (const int64_t[]){i, k});
            assert_true(fabs(got - (0.25 - hot) / 2) < 1e-16);
        }
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, grad);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, z);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_are_one_hot),
        TEST(bad_classes),
        TEST(floats_are_targets),
        TEST(by_hand),
    };
    return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
