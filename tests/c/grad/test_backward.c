/* The backward loop where it stops half way, and what it gives back: a pass that failed can be
 * tried again, one that was done holds nothing. */
#include "grad/tape.h"

#include "../support.h"
#include "base/random.h"
#include "base/tiny.h"

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

/* One pass with these options over what an earlier one left. */
typedef struct again {
    nb_tensor *x, *cost;
    nb_backward_options options;
} again;

static nb_status attempt(void *arg)
{
    again *at = arg;
    nb_leaf *leaf = nb_leaf_of(at->x);
    nb_tensor *old = leaf->grad;
    double before = grad_at(at->x, 1);
    nb_tensor_retain(old);
    nb_status status = nb_backward(ctx, at->cost, &at->options);
    assert_true(((double *)nb_tensor_data(old))[1] == before);
    if (status != NB_OK) {
        assert_ptr_equal(leaf->grad, old);
    } else {
        assert_true(grad_at(at->x, 1) == 193 + (at->options.accumulate ? before : 0));
        nb_tensor_release(ctx, leaf->grad);
        leaf->grad = nb_tensor_retain(old);
    }
    nb_tensor_release(ctx, old);
    return status;
}

/* Catches a failure that leaves half a gradient, or changes the old one, where it is added to and
 * where it is replaced. */
static void test_memory_options(void **state)
{
    (void)state;
    again at = {.x = leaf_of(SHAPE(2), VALUES(1, 2)), .options = {.keep = true}};
    at.cost = cost_of(at.x);
    assert_int_equal(nb_backward(ctx, at.cost, &at.options), NB_OK);
    sweep(attempt, &at);
    at.options.accumulate = true;
    sweep(attempt, &at);
    nb_tensor_release(ctx, at.x);
    nb_tensor_release(ctx, at.cost);
}

/* ---- Writing over --------------------------------------------------------------------------- */

/* Catches a δ that is written over while somebody else sees it: both inputs of an add get the same
 * one, then change it; the one that was asked for stays. */
static void test_shared_delta(void **state)
{
    (void)state;
    nb_tensor *a = leaf_of(SHAPE(2), VALUES(1, 2)), *b = leaf_of(SHAPE(2), VALUES(3, 4));
    nb_tensor *c = tensor_of(NB_F64, SHAPE(2), VALUES(10, 20));
    nb_tensor *p = nb_op2(ctx, NB_OP_mul, a, c), *q = nb_op1(ctx, NB_OP_neg, b);
    nb_tensor *y = nb_op2(ctx, NB_OP_add, p, q), *z = nb_op2(ctx, NB_OP_mul, y, c);
    nb_tensor *delta = tensor_of(NB_F64, SHAPE(2), VALUES(1, 2));
    nb_watch(y);
    assert_int_equal(nb_backward(ctx, z, &(nb_backward_options){.delta = delta}), NB_OK);
    assert_true(nb_tensor_get(delta, (const int64_t[]){1}) == 2);
    assert_true(nb_tensor_get(nb_watched(y), (const int64_t[]){1}) == 40);
    assert_true(grad_at(a, 0) == 100 && grad_at(a, 1) == 800);
    assert_true(grad_at(b, 0) == -10 && grad_at(b, 1) == -40);
    nb_tensor *all[] = {a, b, c, p, q, y, z, delta};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* Two leaves of one δ have gradients of their own: what is written into one must not be seen in the
 * other. */
static void test_own_gradients(void **state)
{
    (void)state;
    nb_tensor *a = leaf_of(SHAPE(2), VALUES(1, 2)), *b = leaf_of(SHAPE(2), VALUES(3, 4));
    nb_tensor *sum = nb_op2(ctx, NB_OP_add, a, b), *twice = nb_op2(ctx, NB_OP_add, sum, sum);
    nb_tensor *cost = nb_op1(ctx, NB_OP_sum, twice);
    assert_int_equal(nb_backward(ctx, cost, NULL), NB_OK);
    assert_int_equal(nb_tensor_fill(ctx, nb_leaf_of(a)->grad, 7), NB_OK);
    assert_true(grad_at(b, 0) == 2 && grad_at(b, 1) == 2);
    nb_tensor *all[] = {a, b, sum, twice, cost};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* In a pass over a chain of a given width the blocks of that width come from the pool, one or two
 * in all. Catches an op that takes a fresh one although its δ ends there. */
static void test_few_blocks(void **state)
{
    (void)state;
    enum { WIDE = 4096, OPS = 8 };
    static const nb_op_id unary[OPS] = {NB_OP_neg,  NB_OP_exp, NB_OP_tanh, NB_OP_sigmoid,
                                        NB_OP_sqrt, NB_OP_abs, NB_OP_sin,  NB_OP_softplus};
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F64, SHAPE(WIDE)), *y = nb_tensor_retain(x);
    nb_tensor *two = nb_tensor_scalar(ctx, NB_F64, 2);
    nb_require_grad(ctx, x, true);
    for (int i = 0; i < OPS; i++) {
        nb_tensor *next = nb_op1(ctx, unary[i], y);
        nb_tensor_release(ctx, y);
        y = then(NB_OP_div, then(NB_OP_sub, then(NB_OP_mul, next, two), two), two);
    }
    nb_tensor *cost = nb_op1(ctx, NB_OP_mean, y);
    nb_tensor_release(ctx, y);
    size_t live = ctx->memory.live;
    nb_pool_trim(ctx);
    ctx->memory.peak = 0;
    assert_int_equal(nb_backward(ctx, cost, &(nb_backward_options){.keep = true}), NB_OK);
    assert_true(ctx->memory.peak < live + 2 * WIDE * sizeof(double));
    nb_tensor *all[] = {x, two, cost};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
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

/* Catches a pass that leaves anything behind but the gradients: when the cost is gone, the bytes
 * are those before, the leaf's gradient apart. */
static void test_nothing_left(void **state)
{
    (void)state;
    nb_tensor *x = leaf_of(SHAPE(2), VALUES(1, 2)), *like = nb_tensor_zeros(ctx, NB_F64, SHAPE(2));
    size_t live = ctx->memory.live;
    for (int round = 0; round < 3; round++) {
        nb_tensor *cost = cost_of(x);
        assert_int_equal(nb_backward(ctx, cost, NULL), NB_OK);
        nb_tensor_release(ctx, cost);
        if (round == 0) {
            nb_tensor_release(ctx, like);
            assert_int_equal(ctx->memory.live, live);
        }
        assert_int_equal(x->storage->readers, 0);
    }
    assert_int_equal(ctx->memory.live, live);
    nb_tensor_release(ctx, x);
}

/* ---- Large graphs --------------------------------------------------------------------------- */

enum { LONG = 100000 };

static int backward_calls;

static nb_tensor *half_forward(nb_ctx *same, nb_call *call)
{
    return nb_tensor_clone(same, call->in[0]);
}

/* y = (a + b) / 2 where a is b: da = db = δ / 2 */
static nb_status half_backward(nb_ctx *same, nb_record *record, nb_tensor *delta, nb_tensor **grad)
{
    backward_calls++;
    for (int i = 0; i < record->inputs; i++)
        if (!(grad[i] = nb_op_number(same, NB_OP_mul, delta, 0.5))) return same->status;
    return NB_OK;
}

static const nb_op half_op = {.name = "half", .forward = half_forward, .backward = half_backward};

/* One node for every step, each used twice by the next. */
static nb_tensor *ladder(nb_tensor *x, int steps)
{
    nb_tensor *y = nb_tensor_retain(x);
    for (int i = 0; i < steps && y; i++) {
        nb_call call = {.op = &half_op, .in = {y, y}, .inputs = 2};
        nb_tensor *next = nb_op_call(ctx, &call);
        nb_tensor_release(ctx, y);
        y = next;
    }
    return y;
}

/* The sum of `steps` results of x, each added to what is there. */
static nb_tensor *fan(nb_tensor *x, int steps)
{
    nb_tensor *sum = nb_tensor_scalar(ctx, NB_F64, 0);
    for (int i = 0; i < steps && sum; i++) {
        nb_call call = {.op = &half_op, .in = {x}, .inputs = 1};
        nb_tensor *part = nb_op_call(ctx, &call);
        nb_tensor *next = part ? nb_op2(ctx, NB_OP_add, sum, part) : NULL;
        nb_tensor_release(ctx, part);
        nb_tensor_release(ctx, sum);
        sum = next;
    }
    return sum;
}

/* Blocks that a pass over a graph of `steps` nodes asks for. */
static uint64_t requests_of(nb_tensor *(*graph)(nb_tensor *, int), int steps, double slope)
{
    nb_tensor *x = leaf_of(0, NULL, VALUES(3)), *y = graph(x, steps);
    assert_non_null(y);
    backward_calls = 0;
    uint64_t before = ctx->memory.requests;
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    assert_int_equal(backward_calls, steps);
    assert_true(fabs(grad_at(x, 0) - slope) < 1e-9 * slope);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, x);
    assert_int_equal(ctx->memory.live, 0);
    return ctx->memory.requests - before;
}

/* Catches work that grows faster than the graph: of 100 times the nodes a pass runs each once and
 * asks for at most about 100 times the blocks; and one that runs a node for every path to it. */
static void test_large_graphs(void **state)
{
    (void)state;
    ctx->memory.pool_cap = 0;
    ctx->memory.poison = false;
    uint64_t few = requests_of(ladder, LONG / 100, 1), many = requests_of(ladder, LONG, 1);
    assert_true(many <= 110 * few);
    few = requests_of(fan, LONG / 100, 0.5 * LONG / 100);
    many = requests_of(fan, LONG, 0.5 * LONG);
    assert_true(many <= 110 * few);
}

/* A graph that goes without a pass: a long ladder and a wide fan. */
static void *drop_graphs(void *arg)
{
    nb_tensor *graphs[] = {ladder(arg, LONG), fan(arg, LONG)};
    bool whole = graphs[0] && graphs[1];
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, graphs[i]);
    return whole ? arg : NULL;
}

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
    size_t live = ctx->memory.live;
    with_small_stack(drop_graphs, x);
    assert_int_equal(ctx->memory.live, live);
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

/* ---- In which order ------------------------------------------------------------------------- */

/* Sums of two earlier ones, drawn, so that many records wait at a time: the derivative of each by x
 * is the sum of its parts', and a record that ran before its delta was whole would lose some. */
static void test_wide_graphs(void **state)
{
    enum { GRAPHS = 20, NODES = 60 };
    (void)state;
    for (uint64_t graph = 0; graph < GRAPHS; graph++) {
        nb_stream stream = nb_stream_make(graph, NB_FOR_TENSOR, 0);
        nb_tensor *node[NODES] = {leaf_of(0, NULL, VALUES(3))};
        double slope[NODES] = {1};
        for (int i = 1; i < NODES; i++) {
            int a = (int)(nb_random_unit(&stream) * i), b = (int)(nb_random_unit(&stream) * i);
            node[i] = nb_op2(ctx, NB_OP_add, node[a], node[b]);
            slope[i] = slope[a] + slope[b];
        }
        nb_tensor *all = nb_tensor_retain(node[0]);
        for (int i = NODES / 2; i < NODES; i++) all = then(NB_OP_add, all, node[i]);
        double wanted = 1;
        for (int i = NODES / 2; i < NODES; i++) wanted += slope[i];
        assert_int_equal(nb_backward(ctx, all, NULL), NB_OK);
        assert_true(grad_at(node[0], 0) == wanted);
        nb_tensor_release(ctx, all);
        for (int i = 0; i < NODES; i++) nb_tensor_release(ctx, node[i]);
    }
}

/* ---- Where it begins ------------------------------------------------------------------------ */

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

/* ---- Tiny numbers --------------------------------------------------------------------------- */

/* The slope of y = x factor factor. */
static double tiny_slope(double factor)
{
    nb_tensor *x = leaf_of(SHAPE(1), VALUES(1)), *small = tensor_of(NB_F64, SHAPE(1), &factor);
    nb_tensor *y = then(NB_OP_mul, nb_op2(ctx, NB_OP_mul, x, small), small);
    assert_int_equal(nb_backward(ctx, y, NULL), NB_OK);
    double slope = grad_at(x, 0);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, small);
    nb_tensor_release(ctx, x);
    return slope;
}

/* A slope that is no normal number is 0 behind the pass, a normal one is there; and the caller's
 * own numbers are as before, also where the pass fails. */
static void test_tiny_slopes(void **state)
{
    volatile double smallest = DBL_MIN, half; /* computed where it stands */
    (void)state;
    assert_true(tiny_slope(0x1p-511) == 0x1p-1022);
    double slope = tiny_slope(0x1p-512);
    unsigned was = nb_tiny_skip();
    half = smallest / 2;
    nb_tiny_set(was);
    assert_true(slope == (half > 0 ? 0x1p-1024 : 0)); /* under valgrind it is */
    assert_true(smallest / 2 > 0);
    pressed = 1;
    nb_tensor *x = leaf_of(SHAPE(1), VALUES(1)), *y = cost_of(x);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_backward(ctx, y, NULL), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_true(smallest / 2 > 0);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_again),  TEST(interrupt_again), TEST(memory_options), TEST(shared_delta),
        TEST(own_gradients), TEST(few_blocks),      TEST(spent_at_once),  TEST(nothing_left),
        TEST(large_graphs),  TEST(small_stack),     TEST(held_gradient),  TEST(wide_graphs),
        TEST(leaf_is_root),  TEST(tiny_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
