/* The backward loop where it stops half way, and what it gives back: a pass that failed can be
 * tried again, one that was done holds nothing. */
#include "grad/tape.h"

#include "../support.h"

#include <float.h>
#include <math.h>
#include <pthread.h>

static nb_tensor *leaf_of(int dims, const int64_t *shape, const double *values)
{
    nb_tensor *t = tensor_of(NB_F64, dims, shape, values);
    assert_int_equal(nb_require_grad(ctx, t, true), NB_OK);
    return t;
}

static double grad_at(const nb_tensor *leaf, int64_t i)
{
    assert_non_null(nb_leaf_of(leaf)->grad);
    return ((const double *)nb_tensor_data(nb_leaf_of(leaf)->grad))[i];
}

/* y = op(y, x), where y is a passing reference. */
static nb_tensor *then(nb_op_id op, nb_tensor *y, nb_tensor *x)
{
    nb_tensor *out = nb_op2(ctx, op, y, x);
    assert_non_null(out);
    nb_tensor_release(ctx, y);
    return out;
}

/* The sum of x^6 + x over the elements: dx = 6 x^5 + 1. */
static nb_tensor *cost_of(nb_tensor *x)
{
    nb_tensor *square = nb_op2(ctx, NB_OP_mul, x, x), *y = nb_tensor_retain(square);
    y = then(NB_OP_mul, then(NB_OP_mul, y, square), square);
    y = then(NB_OP_add, y, x);
    nb_tensor *sum = nb_op1(ctx, NB_OP_sum, y);
    nb_tensor_release(ctx, square);
    nb_tensor_release(ctx, y);
    return sum;
}

/* ---- Trying again --------------------------------------------------------------------------- */

/* One graph whose backward fails at request n, then again without a failure. False when n was more
 * than it asks for. */
static bool fails_then_works(uint64_t n, bool on)
{
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2)), *cost = cost_of(x);
    size_t live = ctx->memory.live;
    ctx->memory.fail_at = ctx->memory.requests + n;
    ctx->memory.fail_on = on;
    nb_status status = nb_backward(ctx, cost, NULL);
    ctx->memory.fail_at = 0;
    ctx->memory.fail_on = false;
    if (status != NB_OK) {
        assert_int_equal(status, NB_EMEMORY);
        assert_int_equal(ctx->memory.live, live);
        assert_null(nb_leaf_of(x)->grad);
        assert_true(ctx->recording);
        if (nb_backward(ctx, cost, NULL) != NB_OK) fail_msg("after %d: %s", (int)n, ctx->message);
    }
    assert_true(grad_at(x, 0) == 7 && grad_at(x, 1) == 193);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, cost);
    return status != NB_OK;
}

/* The bindings collect garbage and try once more when memory ends. Catches a pass that released
 * what it had passed when it failed: the graph, and so the step, would be lost. */
static void test_memory_again(void **state)
{
    (void)state;
    ctx->memory.pool_cap = 0;
    nb_pool_trim(ctx);
    for (int on = 0; on < 2; on++) {
        uint64_t n = 1;
        while (fails_then_works(n, on)) n++;
        assert_true(n > 5);
    }
}

static volatile sig_atomic_t pressed;

static nb_tensor *copy_forward(nb_ctx *same, nb_call *call)
{
    return nb_tensor_clone(same, call->in[0]);
}

/* dx = δ; somebody presses Ctrl-C meanwhile. */
static nb_status pressing_backward(nb_ctx *same, nb_record *record, nb_tensor *delta,
                                   nb_tensor **grad)
{
    (void)same;
    (void)record;
    pressed = 1;
    grad[0] = nb_tensor_retain(delta);
    return NB_OK;
}

static void test_interrupt_again(void **state)
{
    (void)state;
    const nb_op op = {.name = "pressing", .forward = copy_forward, .backward = pressing_backward};
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2)), *cost = cost_of(x);
    nb_call call = {.op = &op, .in = {cost}, .inputs = 1};
    nb_tensor *out = nb_op_call(ctx, &call);
    ctx->interrupt = &pressed;
    pressed = 0;
    assert_int_equal(nb_backward(ctx, out, NULL), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_null(nb_leaf_of(x)->grad);
    assert_int_equal(nb_backward(ctx, out, NULL), NB_OK);
    assert_true(grad_at(x, 1) == 193);
    assert_int_equal(nb_backward(ctx, out, NULL), NB_EARG);
    assert_failed(NB_EARG, "released by an earlier backward");
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, out);
}

/* ---- Giving back ---------------------------------------------------------------------------- */

/* Catches a graph that holds on to its tensors although nobody can use it again. */
static void test_spent_at_once(void **state)
{
    (void)state;
    enum { WIDE = 10000 };
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F64, SHAPE(WIDE));
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    size_t live = ctx->memory.live;
    nb_tensor *cost = cost_of(x);
    assert_true(ctx->memory.live > live + 3 * WIDE * sizeof(double));
    assert_int_equal(nb_backward(ctx, cost, NULL), NB_OK);
    /* The gradient, the cost and its record are left. */
    assert_true(ctx->memory.live < live + 2 * WIDE * sizeof(double));
    nb_tensor_release(ctx, cost);
    nb_tensor_release(ctx, x);
}

enum { LONG = 100000 };

/* Passes over a chain and gives it back op by op. */
static void *spend_chain(void *arg)
{
    nb_tensor *x = arg, *y = nb_tensor_retain(x);
    for (int i = 0; i < LONG; i++) {
        nb_tensor *next = nb_op1(ctx, NB_OP_neg, y);
        nb_tensor_release(ctx, y);
        y = next;
    }
    nb_status status = nb_backward(ctx, y, NULL);
    nb_tensor_release(ctx, y);
    return status == NB_OK ? x : NULL;
}

/* The gradient of each leaf is the next leaf. */
static void *chain_of_gradients(void *arg)
{
    nb_tensor *x = arg;
    for (int i = 0; i < LONG; i++) {
        nb_tensor *y = nb_op1(ctx, NB_OP_neg, x);
        if (nb_backward(ctx, y, NULL) != NB_OK) return NULL;
        nb_tensor_release(ctx, y);
        x = nb_leaf_of(x)->grad;
        if (nb_require_grad(ctx, x, true) != NB_OK) return NULL;
    }
    nb_tensor_release(ctx, arg);
    return arg;
}

static void with_small_stack(void *(*what)(void *), void *arg)
{
    pthread_t thread;
    pthread_attr_t attr;
    void *result;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, what, arg), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    pthread_attr_destroy(&attr);
    assert_ptr_equal(result, arg);
}

/* Catches recursion where a spent graph, or a chain of gradients, is given back. */
static void test_small_stack(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(0, NULL, VALUES(3));
    with_small_stack(spend_chain, x);
    assert_true(grad_at(x, 0) == 1);
    with_small_stack(chain_of_gradients, x);
    assert_int_equal(ctx->memory.live, 0);
}

/* A gradient that a user holds outlives its leaf, with what hangs on it. */
static void test_held_gradient(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(0, NULL, VALUES(3)), *y = nb_op2(ctx, NB_OP_mul, x, x);
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    nb_tensor *held = nb_tensor_retain(nb_leaf_of(x)->grad);
    assert_int_equal(nb_require_grad(ctx, held, true), NB_OK);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    y = nb_op2(ctx, NB_OP_mul, held, held);
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    assert_true(grad_at(held, 0) == 12);
    nb_tensor_release(ctx, held);
    nb_tensor_release(ctx, y);
}

/* ---- Where it begins and what it lets pass -------------------------------------------------- */

/* A leaf may itself be where backward begins. */
static void test_leaf_is_root(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2)),
              *delta = tensor_of(NB_F64, SHAPE(2), VALUES(3, 4));
    assert_int_equal(nb_backward(ctx, x, &(nb_backward_options){.delta = delta}), NB_OK);
    assert_true(grad_at(x, 0) == 3 && grad_at(x, 1) == 4);
    assert_ptr_not_equal(nb_leaf_of(x)->grad->storage, delta->storage);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, delta);
}

/* Both sides of what counts as finite where gradients move parameters; elsewhere NaN passes. */
static void test_finite(void **state)
{
    (void)state;
    static const double given[] = {DBL_MAX, -DBL_MAX, INFINITY, NAN};
    for (int i = 0; i < 4; i++) {
        nb_tensor *x = leaf_of(0, NULL, VALUES(1)), *plain = leaf_of(0, NULL, VALUES(1));
        nb_tensor *into = nb_tensor_scalar(ctx, NB_F64, 0), *y = nb_op2(ctx, NB_OP_add, x, plain);
        nb_tensor *delta = nb_tensor_scalar(ctx, NB_F64, given[i]);
        nb_leaf *leaf = nb_leaf_of(x);
        leaf->into = into;
        leaf->alpha = 1;
        nb_backward_options options = {.delta = delta, .keep = true};
        assert_int_equal(nb_backward(ctx, y, &options), i < 2 ? NB_OK : NB_EVALUE);
        assert_true(nb_tensor_item(into) == (i < 2 ? given[i] : 0));
        if (i >= 2) assert_failed(NB_EVALUE, "a gradient is not finite");
        leaf->into = NULL;
        assert_int_equal(nb_backward(ctx, y, &options), NB_OK);
        assert_memory_equal(nb_tensor_data(nb_leaf_of(plain)->grad), &given[i], sizeof given[i]);
        nb_tensor *all[] = {x, plain, into, y, delta};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) nb_tensor_release(ctx, all[k]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_again),  TEST(interrupt_again), TEST(spent_at_once), TEST(small_stack),
        TEST(held_gradient), TEST(leaf_is_root),    TEST(finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
