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

/* ---- Leaves that say where their gradient goes
 * ---------------------------------------------------- */

/* Two layers, 2 -> 2 -> 1, of given parameters; the biases take the tensor path, the weights the
 * product's. */
typedef struct layers {
    nb_tensor *x, *param[4], *cost;
} layers;

static nb_tensor *dense(nb_tensor *x, nb_tensor *w, nb_tensor *b)
{
    nb_call call = {.op = nb_ops[NB_OP_dense], .in = {x, w, b}, .inputs = 3};
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_non_null(out);
    return out;
}

static void forward(layers *l)
{
    nb_tensor *z = dense(l->x, l->param[0], l->param[1]), *a = nb_op1(ctx, NB_OP_tanh, z);
    nb_tensor *out = dense(a, l->param[2], l->param[3]), *square = nb_op2(ctx, NB_OP_mul, out, out);
    l->cost = nb_op1(ctx, NB_OP_sum, square);
    nb_tensor_release(ctx, z);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, square);
}

static layers make_layers(void)
{
    layers l = {.x = tensor_of(NB_F64, SHAPE(3, 2), VALUES(1, -1, 0.5, 2, -2, 0.25))};
    l.param[0] = leaf_of(SHAPE(2, 2), VALUES(0.5, -0.25, 1, 0.75));
    l.param[1] = leaf_of(SHAPE(2), VALUES(0.1, -0.2));
    l.param[2] = leaf_of(SHAPE(1, 2), VALUES(1.5, -1));
    l.param[3] = leaf_of(SHAPE(1), VALUES(0.3));
    forward(&l);
    return l;
}

static void free_layers(layers *l)
{
    nb_tensor_release(ctx, l->x);
    nb_tensor_release(ctx, l->cost);
    for (int i = 0; i < 4; i++) nb_tensor_release(ctx, l->param[i]);
}

/* Where parameter i's gradient goes from now on. */
static void send(layers *l, int i, nb_tensor *into, double alpha, double beta)
{
    nb_leaf *leaf = nb_leaf_of(l->param[i]);
    leaf->into = into;
    leaf->alpha = alpha;
    leaf->beta = beta;
    leaf->where = "layer 2";
}

/* into = alpha g + beta into, against the plain gradients of the same network. */
static void check_into(bool itself, double alpha, double beta)
{
    layers plain = make_layers(), l = make_layers();
    nb_tensor *into[4];
    assert_int_equal(nb_backward(ctx, plain.cost, NULL), NB_OK);
    for (int i = 0; i < 4; i++) {
        into[i] = itself ? nb_tensor_retain(l.param[i]) : nb_tensor_clone(ctx, l.param[i]);
        send(&l, i, into[i], alpha, beta);
    }
    assert_int_equal(nb_backward(ctx, l.cost, NULL), NB_OK);
    for (int i = 0; i < 4; i++) {
        assert_null(nb_leaf_of(l.param[i])->grad);
        for (int64_t k = 0; k < nb_tensor_count(into[i]); k++) {
            double want = alpha * grad_at(plain.param[i], k) + beta * at(plain.param[i], k);
            if (!(fabs(at(into[i], k) - want) <= 1e-14 * (1 + fabs(want))))
                fail_msg("parameter %d, element %d: %.17g, not %.17g", i, (int)k, at(into[i], k),
                         want);
        }
        nb_tensor_release(ctx, into[i]);
    }
    free_layers(&plain);
    free_layers(&l);
}

/* Catches a step that uses a weight which an earlier layer's step has changed already. */
static void test_into(void **state)
{
    (void)state;
    check_into(false, 1, 0);
    check_into(false, 2, 1);
    check_into(false, -0.5, 0.25);
    check_into(true, -0.1, 1);
}

/* A parameter used twice: beta counts once. And one that is itself the input of another's product.
 */
static void test_into_shared(void **state)
{
    (void)state;
    nb_tensor *w = leaf_of(SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              *p = leaf_of(SHAPE(1, 2), VALUES(5, 6));
    nb_tensor *b = tensor_of(NB_F64, SHAPE(2), VALUES(0, 0)), *wide = nb_op2(ctx, NB_OP_add, p, p);
    nb_tensor *y = dense(p, w, b), *z = dense(y, w, b), *u = nb_op2(ctx, NB_OP_add, z, wide);
    nb_tensor *cost = nb_op1(ctx, NB_OP_sum, u), *of[2] = {w, p};
    assert_int_equal(nb_backward(ctx, cost, &(nb_backward_options){.keep = true}), NB_OK);
    double want[2][4];
    for (int i = 0; i < 2; i++)
        for (int64_t k = 0; k < nb_tensor_count(of[i]); k++)
            want[i][k] = 0.5 * at(of[i], k) - 0.125 * grad_at(of[i], k);
    for (int i = 0; i < 2; i++) {
        nb_leaf *leaf = nb_leaf_of(of[i]);
        leaf->into = of[i];
        leaf->alpha = -0.125;
        leaf->beta = 0.5;
    }
    assert_int_equal(nb_backward(ctx, cost, NULL), NB_OK);
    for (int i = 0; i < 2; i++)
        for (int64_t k = 0; k < nb_tensor_count(of[i]); k++)
            assert_true(fabs(at(of[i], k) - want[i][k]) < 1e-12);
    nb_tensor *all[] = {w, p, b, wide, y, z, u, cost};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* ---- What stops it
 * -------------------------------------------------------------------------------- */

static void check_unmoved(layers *l, const layers *like)
{
    for (int i = 0; i < 4; i++)
        assert_memory_equal(nb_tensor_data(l->param[i]), nb_tensor_data(like->param[i]),
                            l->param[i]->storage->bytes);
}

/* Catches a step that is half taken when a NaN or infinity is found. */
static void test_not_finite(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    layers like = make_layers();
    for (int i = 0; i < 3; i++) {
        layers l = make_layers();
        nb_tensor *delta = nb_tensor_scalar(ctx, NB_F64, bad[i]);
        for (int p = 0; p < 4; p++) send(&l, p, l.param[p], -1, 1);
        assert_int_equal(nb_backward(ctx, l.cost, &(nb_backward_options){.delta = delta}),
                         NB_EVALUE);
        assert_failed(NB_EVALUE, "the gradient of layer 2 is not finite");
        check_unmoved(&l, &like);
        nb_tensor_release(ctx, delta);
        free_layers(&l);
    }
    free_layers(&like);
}

static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    layers l = make_layers(), like = make_layers();
    size_t live = ctx->memory.live;
    ctx->interrupt = &pressed;
    nb_backward_options keep = {.keep = true};
    assert_int_equal(nb_backward(ctx, l.cost, &keep), NB_EINTERRUPT);
    assert_null(nb_op1(ctx, NB_OP_exp, l.x));
    ctx->interrupt = NULL;
    assert_int_equal(ctx->memory.live, live);
    assert_true(ctx->recording);
    check_unmoved(&l, &like);
    assert_int_equal(nb_backward(ctx, l.cost, &keep), NB_OK);
    free_layers(&l);
    free_layers(&like);
}

static nb_status attempt(void *arg)
{
    layers *l = arg;
    nb_status status = nb_backward(ctx, l->cost, &(nb_backward_options){.keep = true});
    for (int i = 0; i < 4 && status == NB_OK; i++) {
        nb_tensor_release(ctx, nb_leaf_of(l->param[i])->grad);
        nb_leaf_of(l->param[i])->grad = NULL;
    }
    for (int i = 0; i < 4; i++)
        if (status != NB_OK) assert_null(nb_leaf_of(l->param[i])->grad);
    return status;
}

/* Catches a request that fails between the first and the last parameter that is written: of two
 * that move themselves and two with fresh gradients, none must have changed. */
static void test_memory(void **state)
{
    (void)state;
    layers l = make_layers(), like = make_layers();
    send(&l, 2, l.param[2], 0, 1);
    send(&l, 3, l.param[3], 0, 1);
    ctx->memory.pool_cap = 0;
    nb_pool_trim(ctx);
    uint32_t version = l.param[3]->storage->version;
    for (uint64_t n = 1;; n++) {
        ctx->memory.fail_at = ctx->memory.requests + n;
        nb_status status = attempt(&l);
        ctx->memory.fail_at = 0;
        if (status == NB_OK) break;
        assert_int_equal(status, NB_EMEMORY);
        assert_int_equal(l.param[3]->storage->version, version);
    }
    check_unmoved(&l, &like);
    free_layers(&l);
    free_layers(&like);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(long_chain), TEST(diamond), TEST(again),       TEST(delta),
        TEST(records),    TEST(changed), TEST(words),       TEST(needed_by_nobody),
        TEST(watch),      TEST(into),    TEST(into_shared), TEST(not_finite),
        TEST(interrupt),  TEST(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
