/* The tape: how long records live, what backward hands to leaves, and what stops it. */
#include "grad/tape.h"

#include "../support.h"

#include <math.h>
#include <pthread.h>

static nb_tensor *leaf_of(int dims, const int64_t *shape, const double *values)
{
    nb_tensor *tensor = tensor_of(NB_F64, dims, shape, values);
    assert_int_equal(nb_require_grad(ctx, tensor, true), NB_OK);
    return tensor;
}

static double at(const nb_tensor *tensor, int64_t i)
{
    const double *values = nb_tensor_data(tensor);
    return values[i];
}

static double grad_at(const nb_tensor *leaf, int64_t i)
{
    assert_non_null(nb_leaf_of(leaf)->grad);
    return at(nb_leaf_of(leaf)->grad, i);
}

static void *long_chain(void *arg)
{
    enum { OPS = 100000 };
    nb_tensor *x = arg, *y = nb_tensor_retain(x);
    for (int i = 0; i < OPS && y; i++) {
        nb_tensor *next = nb_op1(ctx, NB_OP_neg, y);
        nb_tensor_release(ctx, y);
        y = next;
    }
    nb_status status = nb_backward(ctx, y, &(nb_backward_options){.keep = true});
    nb_tensor_release(ctx, y);
    return status == NB_OK ? x : NULL;
}

/* Catches recursion over the graph, forward, backward or on release: a stack of 256 KiB would not
 * hold it. */
static void test_long_chain(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(0, NULL, VALUES(3));
    size_t live = ctx->memory.live;
    pthread_t thread;
    pthread_attr_t attr;
    void *result;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, long_chain, x), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    pthread_attr_destroy(&attr);
    assert_ptr_equal(result, x);
    assert_true(grad_at(x, 0) == 1);
    nb_require_grad(ctx, x, false);
    assert_true(ctx->memory.live < live);
    nb_tensor_release(ctx, x);
}

/* y = (2x)(2x): both uses of a shared result count once each. Catches a record that runs before all
 * that use it; of 30 diamonds in a row, one that runs once for every path. */
static void test_diamond(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(0, NULL, VALUES(3)), *y = nb_tensor_retain(x);
    for (int i = 0; i < 30; i++) {
        nb_tensor *sum = nb_op2(ctx, NB_OP_add, y, y);
        nb_tensor_release(ctx, y);
        y = sum;
    }
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    assert_true(grad_at(x, 0) == 1073741824.0);
    nb_tensor_release(ctx, y);
    nb_tensor *twice = nb_op_number(ctx, NB_OP_mul, x, 2);
    y = nb_op2(ctx, NB_OP_mul, twice, twice);
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    assert_true(grad_at(x, 0) == 24);
    nb_tensor_release(ctx, twice);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, x);
}

/* keep and accumulate; the old gradient stays as it is in the hands of who has it. */
static void test_again(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2)), *y = nb_op2(ctx, NB_OP_mul, x, x);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, y);
    assert_int_equal(nb_backward(ctx, sum, &(nb_backward_options){.keep = true}), NB_OK);
    nb_tensor *old = nb_tensor_retain(nb_leaf_of(x)->grad);
    assert_int_equal(nb_backward(ctx, sum, &(nb_backward_options){.keep = true}), NB_OK);
    assert_true(grad_at(x, 1) == 4);
    assert_ptr_not_equal(old, nb_leaf_of(x)->grad);
    assert_int_equal(nb_backward(ctx, sum, &(nb_backward_options){.accumulate = true}), NB_OK);
    assert_true(grad_at(x, 1) == 8 && at(old, 1) == 4);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_EARG);
    assert_failed(NB_EARG, "released by an earlier backward");
    assert_true(grad_at(x, 1) == 8);
    nb_tensor_release(ctx, old);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, sum);
}

static void test_delta(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(SHAPE(3), VALUES(1, 2, 3)), *y = nb_op2(ctx, NB_OP_mul, x, x);
    nb_tensor *delta = tensor_of(NB_F32, SHAPE(3), VALUES(1, 0, -1));
    nb_tensor *wrong = tensor_of(NB_F64, SHAPE(1, 3), VALUES(1, 1, 1));
    nb_backward_options options = {.delta = wrong};
    assert_int_equal(nb_backward(ctx, y, &options), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "delta is 1x3, the tensor 3");
    assert_int_equal(nb_backward(ctx, y, NULL), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "one number, not 3");
    options.delta = delta;
    assert_int_equal(nb_backward(ctx, y, &options), NB_OK);
    assert_true(grad_at(x, 0) == 2 && grad_at(x, 1) == 0 && grad_at(x, 2) == -6);
    /* δ is the caller's: an op that works in place must not have written to it. */
    assert_true(nb_tensor_get(delta, (const int64_t[]){2}) == -1);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, delta);
    nb_tensor_release(ctx, wrong);
}

/* Catches a record that is made where nobody asked, and one that keeps memory after its output
 * went. */
static void test_records(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2));
    size_t live = ctx->memory.live;
    nb_tensor *y = nb_op2(ctx, NB_OP_mul, x, x), *z = nb_op1(ctx, NB_OP_exp, y);
    assert_non_null(nb_record_of(z));
    assert_null(nb_leaf_of(z));
    assert_int_equal(nb_require_grad(ctx, z, true), NB_EARG);
    assert_failed(NB_EARG, "the result of exp");
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, z);
    assert_int_equal(ctx->memory.live, live);
    ctx->recording = false;
    y = nb_op2(ctx, NB_OP_mul, x, x);
    assert_null(y->link);
    assert_int_equal(nb_backward(ctx, y, NULL), NB_EARG);
    assert_failed(NB_EARG, "no gradient flows here");
    nb_tensor *stored = tensor_of(NB_I32, SHAPE(1), VALUES(1));
    assert_int_equal(nb_require_grad(ctx, stored, true), NB_EARG);
    nb_tensor_release(ctx, stored);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, x);
}

/* Catches a gradient from values that are no longer those of the forward pass, and a complaint
 * about values that nobody needs. */
static void test_changed(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(0, NULL, VALUES(2));
    nb_tensor *y = nb_op1(ctx, NB_OP_exp, x), *z = nb_op_number(ctx, NB_OP_add, x, 1);
    nb_tensor *w = nb_op2(ctx, NB_OP_mul, x, x);
    assert_int_equal(nb_tensor_fill(ctx, x, 5), NB_OK);
    assert_int_equal(nb_backward(ctx, w, NULL), NB_EARG);
    assert_failed(NB_EARG, "mul needs values for its gradient that copy_ changed");
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    assert_int_equal(nb_backward(ctx, z, NULL), NB_OK);
    nb_tensor_release(ctx, y);
    y = nb_op1(ctx, NB_OP_exp, x);
    nb_tensor_touch(y, "mul_");
    assert_int_equal(nb_backward(ctx, y, NULL), NB_EARG);
    assert_failed(NB_EARG, "exp needs values for its gradient that mul_ changed");
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, z);
    nb_tensor_release(ctx, w);
}

/* The change in the user's words, where somebody waits for the old values; a later change without
 * words is not told with the words of the one before. */
static void test_words(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(0, NULL, VALUES(2));
    nb_tensor_touch(x, "mul");
    nb_tensor_explain(ctx, x, "mul_ in a.lua:1");
    assert_null(x->storage->words);
    nb_tensor *y = nb_op2(ctx, NB_OP_mul, x, x);
    assert_int_equal(x->storage->readers, 2);
    nb_tensor_touch(x, "add");
    nb_tensor_explain(ctx, x, "add_ in a.lua:2");
    assert_int_equal(nb_backward(ctx, y, NULL), NB_EARG);
    assert_failed(NB_EARG,
                  "mul needs values for its gradient that add_ in a.lua:2 changed in place");
    nb_tensor_touch(x, "sgd");
    assert_int_equal(nb_backward(ctx, y, NULL), NB_EARG);
    assert_failed(NB_EARG, "its gradient that sgd changed in place");
    ctx->memory.fail_at = ctx->memory.requests + 1;
    ctx->memory.pool_cap = 0;
    nb_pool_trim(ctx);
    nb_tensor_explain(ctx, x, "sub_ in a.lua:3");
    ctx->memory.fail_at = 0;
    assert_string_equal(nb_tensor_changer(x), "sgd");
    nb_tensor_release(ctx, y);
    assert_int_equal(x->storage->readers, 0);
    nb_tensor_release(ctx, x);
}

/* Of a product the values of an input serve the gradients of the others: those of the only one that
 * takes part are needed by nobody. */
static void test_needed_by_nobody(void **state)
{
    (void)state;
    static const nb_op_id products[] = {NB_OP_mul, NB_OP_matmul};
    for (int i = 0; i < 2; i++) {
        nb_tensor *w = leaf_of(SHAPE(2), VALUES(1, 2));
        nb_tensor *x = tensor_of(NB_F64, SHAPE(2), VALUES(3, 4));
        nb_tensor *y = nb_op2(ctx, products[i], w, x), *cost = nb_op1(ctx, NB_OP_sum, y);
        assert_int_equal(w->storage->readers, 0);
        assert_int_equal(nb_tensor_fill(ctx, w, 9), NB_OK);
        assert_int_equal(nb_backward(ctx, cost, NULL), NB_OK);
        assert_true(grad_at(w, 0) == 3 && grad_at(w, 1) == 4);
        nb_tensor_release(ctx, y);
        nb_tensor_release(ctx, cost);
        y = nb_op2(ctx, products[i], w, x);
        assert_int_equal(nb_tensor_fill(ctx, x, 9), NB_OK);
        cost = nb_op1(ctx, NB_OP_sum, y);
        assert_int_equal(nb_backward(ctx, cost, NULL), NB_EARG);
        nb_tensor *all[] = {w, x, y, cost};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) nb_tensor_release(ctx, all[k]);
    }
}

/* The δ of a step on the way, which the op behind it must not have overwritten. */
static void test_watch(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2)), *y = nb_op1(ctx, NB_OP_neg, x);
    nb_tensor *z = nb_op2(ctx, NB_OP_mul, y, y), *sum = nb_op1(ctx, NB_OP_sum, z);
    nb_watch(y);
    assert_null(nb_watched(y));
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    assert_true(at(nb_watched(y), 0) == -2 && at(nb_watched(y), 1) == -4);
    assert_true(grad_at(x, 1) == 4);
    assert_null(nb_watched(z));
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, z);
    nb_tensor_release(ctx, sum);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(long_chain), TEST(diamond),          TEST(again),
        TEST(delta),      TEST(records),          TEST(changed),
        TEST(words),      TEST(needed_by_nobody), TEST(watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
