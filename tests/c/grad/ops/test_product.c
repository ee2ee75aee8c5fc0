/* How products are computed: views where they stand, batches at once, gradients where they belong.
 * What they give is checked with all other ops. */
#include "../samples.h"

/* ---- Nothing is copied ---------------------------------------------------------------------- */

/* Bytes that a tensor of this many elements takes of the allocator, by a tensor. */
static size_t live_bytes_of(int dims, const int64_t *shape)
{
    size_t before = ctx->memory.live;
    nb_tensor *t = nb_tensor_new(ctx, NB_F64, dims, shape);
    size_t bytes = ctx->memory.live - before;
    nb_tensor_release(ctx, t);
    return bytes;
}

/* The product asks for the output and for nothing else, not even for a while. */
static void multiply_bare(const char *what, nb_tensor *a, nb_tensor *b)
{
    nb_tensor *out = nb_op2(ctx, NB_OP_matmul, a, b);
    assert_non_null(out);
    size_t most = live_bytes_of(out->dims, out->shape);
    nb_tensor_release(ctx, out);
    nb_pool_trim(ctx);
    uint64_t requests = ctx->memory.requests;
    size_t before = ctx->memory.peak = ctx->memory.live;
    out = nb_op2(ctx, NB_OP_matmul, a, b);
    if (ctx->memory.peak - before != most || ctx->memory.requests - requests != 2)
        fail_msg("%s: %zu bytes in %d requests, not %zu in 2", what, ctx->memory.peak - before,
                 (int)(ctx->memory.requests - requests), most);
    nb_tensor_release(ctx, out);
}

/* Catches a copy of what the loops could read where it is: transposes, parts of rows and columns,
 * entries of a batch, every second vector, matrices repeated by expand. */
static void test_bare(void **state)
{
    (void)state;
    const int64_t square[] = {6, 6}, batch[] = {3, 6, 6}, six = 6, wide[] = {4, 6, 6};
    nb_tensor *a = nb_tensor_zeros(ctx, NB_F64, 2, square), *t = nb_tensor_transpose(ctx, a);
    nb_tensor *stack = nb_tensor_zeros(ctx, NB_F64, 3, batch);
    nb_tensor *turned = nb_tensor_transpose(ctx, stack), *v = nb_tensor_zeros(ctx, NB_F64, 1, &six);
    nb_tensor *columns = nb_tensor_narrow(ctx, a, 1, 1, 3, 1);
    nb_tensor *rows = nb_tensor_narrow(ctx, a, 0, 0, 3, 2);
    nb_tensor *one = nb_tensor_select(ctx, stack, 0, 1), *column = nb_tensor_select(ctx, a, 1, 2);
    nb_tensor *same = nb_tensor_expand(ctx, a, 3, wide);
    nb_tensor *few = nb_tensor_narrow(ctx, turned, 0, 0, 2, 2);
    nb_tensor *columns_t = nb_tensor_transpose(ctx, columns);
    multiply_bare("plain", a, a);
    multiply_bare("transposed", t, a);
    multiply_bare("transposed on the right", a, t);
    multiply_bare("both", t, t);
    multiply_bare("columns", columns_t, a);
    multiply_bare("rows", rows, a);
    multiply_bare("columns on the right", a, columns);
    multiply_bare("an entry", one, one);
    multiply_bare("a batch", stack, turned);
    multiply_bare("a part of a batch", few, a);
    multiply_bare("a repeated matrix", same, a);
    multiply_bare("a vector", a, v);
    multiply_bare("a column", a, column);
    multiply_bare("a column on the left", column, a);
    multiply_bare("two vectors", column, v);
    multiply_bare("a batch and a vector", stack, v);
    nb_tensor *all[] = {a, t, stack, turned, v, columns, rows, one, column, same, few, columns_t};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* ---- Batches -------------------------------------------------------------------------------- */

static nb_tensor *counted(int dims, const int64_t *shape)
{
    nb_tensor *t = nb_tensor_new(ctx, NB_F64, dims, shape);
    int64_t index[NB_MAX_DIMS];
    assert_non_null(t);
    for (int64_t i = 0; i < nb_tensor_count(t); i++) {
        int64_t rest = i;
        for (int d = dims - 1; d >= 0; rest /= shape[d--]) index[d] = rest % shape[d];
        nb_tensor_set(t, index, (double)(i % 7 - 3));
    }
    return t;
}

/* Matrix by matrix and all at once give the same; whole numbers, so that order does not matter.
 * Catches rows of one entry that end up in another. */
static void check_batch(nb_tensor *a, nb_tensor *b)
{
    nb_tensor *all = nb_op2(ctx, NB_OP_matmul, a, b);
    assert_non_null(all);
    for (int64_t i = 0; i < a->shape[0]; i++) {
        nb_tensor *one = nb_tensor_select(ctx, a, 0, i), *part = nb_tensor_select(ctx, all, 0, i);
        nb_tensor *got = nb_op2(ctx, NB_OP_matmul, one, b);
        assert_true(near(got, part, 0, 0));
        nb_tensor_release(ctx, one);
        nb_tensor_release(ctx, part);
        nb_tensor_release(ctx, got);
    }
    nb_tensor_release(ctx, all);
}

static void test_batches(void **state)
{
    (void)state;
    nb_tensor *a = counted(SHAPE(5, 4, 3)), *b = counted(SHAPE(3, 2)), *v = counted(SHAPE(3));
    nb_tensor *single = counted(SHAPE(5, 1, 3)), *many = counted(SHAPE(2, 2, 4, 3));
    nb_tensor *turned = nb_tensor_transpose(ctx, a), *four = counted(SHAPE(4, 2));
    nb_tensor *second = nb_tensor_narrow(ctx, a, 0, 0, 3, 2);
    nb_tensor *part = nb_tensor_narrow(ctx, a, 1, 0, 3, 1);
    nb_tensor *backwards = nb_tensor_narrow(ctx, a, 0, 4, 5, -1);
    nb_tensor *alone = counted(SHAPE(1, 1, 3, 2));
    check_batch(a, b);
    check_batch(a, v);
    check_batch(single, b);
    check_batch(many, b);
    check_batch(turned, four);
    check_batch(second, b);
    check_batch(part, b);
    check_batch(backwards, b);
    nb_tensor *lone = nb_op2(ctx, NB_OP_matmul, a, alone);
    assert_int_equal(lone->dims, 4);
    nb_tensor *all[] = {a, b, v, single, many, turned, four, second, part, backwards, alone, lone};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* Ctrl-C between two products of a batch. */
static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 0;
    nb_tensor *a = counted(SHAPE(2, 2, 2));
    ctx->interrupt = &pressed;
    nb_call call = nb_call_make(nb_ops[NB_OP_matmul]);
    call.in[0] = call.in[1] = a;
    call.inputs = 2;
    pressed = 1;
    assert_null(call.op->forward(ctx, &call));
    assert_int_equal(ctx->status, NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_tensor_release(ctx, a);
}

/* ---- Gradients ------------------------------------------------------------------------------ */

/* Bytes that backward of sum(a b) asks for at most; the gradients stay with the leaves. */
static size_t backward_bytes(nb_tensor *a, nb_tensor *b)
{
    nb_tensor *y = nb_op2(ctx, NB_OP_matmul, a, b), *delta = nb_tensor_clone(ctx, y);
    assert_non_null(delta);
    nb_pool_trim(ctx);
    size_t before = ctx->memory.peak = ctx->memory.live;
    assert_int_equal(nb_backward(ctx, y, &(nb_backward_options){.delta = delta}), NB_OK);
    size_t most = ctx->memory.peak - before;
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, delta);
    return most;
}

/* The gradient of a parameter is computed where it will stay: nothing of its size is asked for
 * besides. Catches a product that is made first and copied then. */
static void test_in_place_gradients(void **state)
{
    (void)state;
    nb_tensor *w = counted(SHAPE(60, 50)), *x = counted(SHAPE(50, 3)), *v = counted(SHAPE(50));
    nb_tensor *left = counted(SHAPE(4, 5, 60)), *turned = nb_tensor_transpose(ctx, x);
    nb_tensor *tall = counted(SHAPE(3, 50));
    nb_tensor *tall_t = nb_tensor_transpose(ctx, tall);
    assert_int_equal(nb_require_grad(ctx, w, true), NB_OK);
    size_t once = 2 * live_bytes_of(SHAPE(60, 50)) - 1;
    assert_in_range(backward_bytes(w, x), 1, once);
    assert_in_range(backward_bytes(w, v), 1, once);
    assert_in_range(backward_bytes(w, tall_t), 1, once);
    assert_in_range(backward_bytes(left, w), 1, once);
    nb_tensor *all[] = {w, x, v, left, turned, tall, tall_t};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

/* A parameter on both sides: both contributions add up. Y = W W, sum: dW = 1 Wᵀ + Wᵀ 1. */
static void test_both_sides(void **state)
{
    (void)state;
    static const double want[] = {3 + 4, 7 + 4, 3 + 6, 7 + 6};
    nb_tensor *w = tensor_of(NB_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    assert_int_equal(nb_require_grad(ctx, w, true), NB_OK);
    nb_tensor *y = nb_op2(ctx, NB_OP_matmul, w, w), *sum = nb_op1(ctx, NB_OP_sum, y);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    nb_tensor *flat = nb_tensor_reshape(ctx, nb_leaf_of(w)->grad, 1, (const int64_t[]){4});
    for (int64_t i = 0; i < 4; i++) assert_true(nb_tensor_get(flat, &i) == want[i]);
    nb_tensor *all[] = {w, y, sum, flat};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bare), TEST(batches), TEST(interrupt), TEST(in_place_gradients), TEST(both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
