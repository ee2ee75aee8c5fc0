/* Many tensors joined and one cut into many: dtypes of the whole list, records only where a
 * gradient flows, gradients in their places, and nothing left behind when memory fails. */
#include "grad/tape.h"

#include "../support.h"

enum { MANY = 21 }; /* more than two levels of groups, and no power of the number in one */

static nb_tensor *pair(nb_dtype dtype, double first)
{
    return tensor_of(dtype, SHAPE(2), VALUES(first, -first));
}

static double at(const nb_tensor *x, int64_t i)
{
    return nb_tensor_get(x, &i);
}

/* Backward with δ = 0, 1, 2, … */
static nb_status back(nb_tensor *x)
{
    nb_tensor *delta = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    nb_tensor *flat = delta ? nb_tensor_reshape(ctx, delta, 1, (const int64_t[]){-1}) : NULL;
    nb_status status = ctx->status;
    if (flat) {
        for (int64_t i = 0; i < flat->shape[0]; i++) nb_tensor_set(flat, &i, (double)i);
        status = nb_backward(ctx, x, &(nb_backward_options){.delta = delta});
    }
    nb_tensor_release(ctx, delta);
    nb_tensor_release(ctx, flat);
    return status;
}

/* Catches a group that begins or ends one off: every third takes a gradient, and gets its own. */
static void test_cat_many(void **state)
{
    (void)state;
    nb_tensor *list[MANY];
    for (int i = 0; i < MANY; i++) {
        list[i] = pair(i == 1 ? NB_F32 : NB_F64, i);
        if (i % 3 == 0) assert_int_equal(nb_require_grad(ctx, list[i], true), NB_OK);
    }
    for (size_t n = 1; n <= MANY; n++) {
        nb_tensor *all = nb_op_cat(ctx, list, n, 0);
        assert_non_null(all);
        assert_int_equal(all->dtype, NB_F64);
        assert_int_equal(all->shape[0], 2 * (int64_t)n);
        for (int64_t i = 0; i < 2 * (int64_t)n; i++)
            assert_true(at(all, i) == (double)(i / 2) * (i % 2 ? -1 : 1));
        assert_int_equal(back(all), NB_OK);
        for (size_t i = 0; i < n; i += 3) {
            assert_true(at(nb_leaf_of(list[i])->grad, 0) == 2 * (double)i);
            assert_true(at(nb_leaf_of(list[i])->grad, 1) == 2 * (double)i + 1);
        }
        nb_tensor_release(ctx, all);
    }
    for (int i = 0; i < MANY; i++) nb_tensor_release(ctx, list[i]);
}

/* Without a gradient, or while nobody records, there is no record. */
static void test_no_record(void **state)
{
    (void)state;
    nb_tensor *list[2] = {pair(NB_U8, 0), pair(NB_U8, 0)}, *w = pair(NB_F32, 1);
    nb_tensor *plain = nb_op_stack(ctx, list, 2, 1);
    assert_int_equal(plain->dtype, NB_U8);
    assert_null(plain->link);
    assert_int_equal(nb_require_grad(ctx, w, true), NB_OK);
    nb_tensor *mixed[2] = {list[0], w};
    nb_tensor *recorded = nb_op_stack(ctx, mixed, 2, 0);
    assert_non_null(recorded->link);
    ctx->recording = false;
    nb_tensor *unseen = nb_op_stack(ctx, mixed, 2, 0);
    ctx->recording = true;
    assert_null(unseen->link);
    nb_tensor *drop[] = {list[0], list[1], w, plain, recorded, unseen};
    for (int i = 0; i < 6; i++) nb_tensor_release(ctx, drop[i]);
}

static void test_stack_refuses(void **state)
{
    (void)state;
    nb_tensor *a = pair(NB_F32, 1), *b = tensor_of(NB_F32, SHAPE(1), VALUES(1));
    nb_tensor *list[] = {a, b};
    assert_null(nb_op_stack(ctx, list, 2, 0));
    assert_failed(NB_ESHAPE, "stack: 2 and 1 (entry 2) do not fit");
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, b);
}

/* Pieces of every length, none too; the last alone gets a gradient, and its place is the only one
 * that is not 0. */
static void test_cut(void **state)
{
    const int64_t start[] = {0, 2, 2, 3, 7, 8};
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(8), VALUES(0, 1, 2, 3, 4, 5, 6, 7)), *piece[5];
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    assert_int_equal(nb_op_cut(ctx, x, 0, start, 5, piece), NB_OK);
    for (int k = 0; k < 5; k++) {
        assert_int_equal(piece[k]->shape[0], start[k + 1] - start[k]);
        assert_ptr_equal(piece[k]->storage, x->storage);
        for (int64_t i = 0; i < piece[k]->shape[0]; i++)
            assert_true(at(piece[k], i) == (double)(start[k] + i));
    }
    assert_int_equal(back(piece[3]), NB_OK);
    for (int64_t i = 0; i < 8; i++)
        assert_true(at(nb_leaf_of(x)->grad, i) == (i >= 3 && i < 7 ? (double)i - 3 : 0));
    for (int k = 0; k < 5; k++) nb_tensor_release(ctx, piece[k]);
    nb_tensor_release(ctx, x);
}

static nb_status attempt(void *arg)
{
    const int64_t start[] = {0, 1, 2, 2};
    nb_tensor **given = arg, *list[6], *piece[3] = {NULL};
    for (int i = 0; i < 6; i++) list[i] = given[i % 2];
    nb_tensor *all = nb_op_stack(ctx, list, 6, 1);
    nb_status status = all ? nb_op_cut(ctx, all, 0, start, 3, piece) : ctx->status;
    if (status != NB_OK)
        for (int i = 0; i < 3; i++) assert_null(piece[i]);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, piece[i]);
    nb_tensor_release(ctx, all);
    return status;
}

static void test_memory(void **state)
{
    (void)state;
    nb_tensor *list[] = {pair(NB_F64, 1), pair(NB_F32, 2)};
    sweep(attempt, list);
    assert_int_equal(nb_require_grad(ctx, list[1], true), NB_OK);
    sweep(attempt, list);
    nb_tensor_release(ctx, list[0]);
    nb_tensor_release(ctx, list[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cat_many), TEST(no_record), TEST(stack_refuses), TEST(cut), TEST(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
