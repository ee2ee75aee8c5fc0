/* Ops that find elements by indices and masks, beyond their samples: dtypes that store, bounds on
 * both sides, many dimensions, repeated indices, any number of threads. */
#include "../samples.h"

#include "base/workers.h"
#include "tensor/shape.h"

/* Calls an op on up to three tensors; dimension dim, counted from 0, or that diagonal. */
static nb_tensor *call_op(nb_op_id op, int64_t dim, nb_tensor *a, nb_tensor *b, nb_tensor *c)
{
    nb_call call = nb_call_make(nb_ops[op]);
    nb_tensor *const in[] = {a, b, c};
    while (call.inputs < 3 && in[call.inputs]) {
        call.in[call.inputs] = in[call.inputs];
        call.inputs++;
    }
    if (op == NB_OP_diag)
        call.attr.diagonal = dim;
    else
        call.attr.dim = (int)dim;
    return nb_op_call(ctx, &call);
}

static nb_tensor *indices(int dims, const int64_t *shape, const double *values)
{
    return tensor_of(NB_I32, dims, shape, values);
}

/* Compares with row-major values, and gives x back. */
static void assert_values(nb_tensor *x, nb_dtype dtype, int dims, const int64_t *shape,
                          const double *values)
{
    if (!x) fail_msg("%s", ctx->message);
    nb_tensor *want = tensor_of(dtype, dims, shape, values);
    assert_int_equal(x->dtype, dtype);
    assert_true(near(x, want, 0, 0));
    nb_tensor_release(ctx, want);
    nb_tensor_release(ctx, x);
}

static void release(nb_tensor *const *list, int count)
{
    for (int i = 0; i < count; i++) nb_tensor_release(ctx, list[i]);
}

/* ---- Dtypes --------------------------------------------------------------------------------- */

/* Catches a loop for elements of another width, and an op that leaves the dtype of its input. */
static void test_dtypes(void **state)
{
    (void)state;
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
        nb_tensor *x = tensor_of(dtype, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
        nb_tensor *index = indices(SHAPE(2), VALUES(3, -3));
        nb_tensor *each = indices(SHAPE(2, 1), VALUES(2, -1));
        nb_tensor *mask = tensor_of(NB_U8, SHAPE(3), VALUES(1, 0, 255));
        nb_tensor *nine = nb_tensor_scalar(ctx, NB_F64, 9), *row = nb_tensor_select(ctx, x, 0, 0);
        assert_values(call_op(NB_OP_index_select, 1, x, index, NULL), dtype, SHAPE(2, 2),
                      VALUES(3, 1, 6, 4));
        assert_values(call_op(NB_OP_take, 0, x, index, NULL), dtype, SHAPE(2), VALUES(3, 4));
        assert_values(call_op(NB_OP_gather, 1, x, each, NULL), dtype, SHAPE(2, 1), VALUES(2, 6));
        assert_values(call_op(NB_OP_scatter_add, 1, x, each, nine), dtype, SHAPE(2, 3),
                      VALUES(1, 11, 3, 4, 5, 15));
        assert_values(call_op(NB_OP_masked_select, 0, x, mask, NULL), dtype, SHAPE(4),
                      VALUES(1, 3, 4, 6));
        assert_values(call_op(NB_OP_masked_fill, 0, x, mask, nine), dtype, SHAPE(2, 3),
                      VALUES(9, 2, 9, 9, 5, 9));
        assert_values(call_op(NB_OP_nonzero, 0, mask, NULL, NULL), NB_I32, SHAPE(2, 1),
                      VALUES(1, 3));
        assert_values(call_op(NB_OP_diag, 1, x, NULL, NULL), dtype, SHAPE(2), VALUES(2, 6));
        assert_values(call_op(NB_OP_diag, 0, row, NULL, NULL), dtype, SHAPE(3, 3),
                      VALUES(1, 0, 0, 0, 2, 0, 0, 0, 3));
        release((nb_tensor *const[]){x, index, each, mask, nine, row}, 6);
    }
}

/* Indices come in any dtype; what is no index says what is wrong with it, first of all in row-major
 * order. */
static void test_indices(void **state)
{
    (void)state;
    static const struct {
        double index;
        const char *words; /* of the message; NULL: allowed */
    } cases[] = {
        {1, NULL},
        {3, NULL},
        {-1, NULL},
        {-3, NULL},
        {4, "index 4 is"},
        {-4, "index -4 is outside dimension 1, which has 3"},
        {0, "index_select: index 0 in dimension 1: counting starts at 1"},
        {1.5, "index 1.5 is no whole"},
        {0.5, "index 0.5 is no whole"},
        {-0.5, "index -0.5 is no whole"},
        {NAN, "index nan is no whole"},
        {INFINITY, "inf is no whole"},
        {3e9, "index 3000000000 is outside"},
        {-2147483648.0, "index -2147483648 is outside"},
    };
    nb_tensor *x = tensor_of(NB_F32, SHAPE(3), VALUES(10, 20, 30));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
            double v = cases[i].index;
            if (!nb_dtype_holds(dtype, v)) continue;
            nb_tensor *index = tensor_of(dtype, SHAPE(3), VALUES(2, v, v));
            nb_tensor *out = call_op(NB_OP_index_select, 0, x, index, NULL);
            assert_int_equal(out != NULL, cases[i].words == NULL);
            if (!out) assert_failed(NB_EARG, cases[i].words);
            if (out) {
                double want = 10 * (v > 0 ? v : v + 4);
                assert_values(out, NB_F32, SHAPE(3), VALUES(20, want, want));
            }
            nb_tensor_release(ctx, index);
        }
    nb_tensor_release(ctx, x);
}

/* Sums of whole numbers are exact to the bounds of their dtype, and an error beyond. */
static void test_scatter_bounds(void **state)
{
    (void)state;
    static const struct {
        nb_dtype dtype;
        double begin, add;
        bool fits;
    } cases[] = {{NB_U8, 253, 1, true},
                 {NB_U8, 254, 1, false},
                 {NB_U8, 2, -1, true},
                 {NB_U8, 1, -1, false},
                 {NB_U8, 1, 0.5, true},
                 {NB_U8, 1, 0.25, false},
                 {NB_I32, 2147483645, 1, true},
                 {NB_I32, 2147483646, 1, false},
                 {NB_I32, -2147483646, -1, true},
                 {NB_I32, -2147483647, -1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nb_tensor *x = tensor_of(cases[i].dtype, SHAPE(1), VALUES(cases[i].begin));
        nb_tensor *index = indices(SHAPE(2), VALUES(1, 1));
        nb_tensor *add = nb_tensor_scalar(ctx, NB_F64, cases[i].add);
        nb_tensor *out = call_op(NB_OP_scatter_add, 0, x, index, add);
        if (cases[i].fits)
            assert_values(out, cases[i].dtype, SHAPE(1), VALUES(cases[i].begin + 2 * cases[i].add));
        else
            assert_failed(NB_EVALUE, "scatter_add: ");
        assert_int_equal(out != NULL, cases[i].fits);
        release((nb_tensor *const[]){x, index, add}, 3);
    }
}

/* ---- Sums ----------------------------------------------------------------------------------- */

/* 2^24 + 5 ones counted in f32: a sum in f32 itself stops at 2^24. */
static void test_long_sums(void **state)
{
    (void)state;
    const int64_t n = (1 << 24) + 5;
    nb_tensor *x = nb_tensor_zeros(ctx, NB_F32, 1, (const int64_t[]){2});
    nb_tensor *two = indices(SHAPE(1), VALUES(2)), *one = nb_tensor_scalar(ctx, NB_F32, 1);
    nb_tensor *index = nb_tensor_expand(ctx, two, 1, &n);
    nb_tensor *out = call_op(NB_OP_scatter_add, 0, x, index, one);
    assert_values(out, NB_F32, SHAPE(2), VALUES(0, (double)(float)n));
    release((nb_tensor *const[]){x, two, one, index}, 4);
}

/* A matrix of numbers that do not add up exactly. */
static nb_tensor *uneven(int64_t rows, int64_t columns)
{
    nb_tensor *x = nb_tensor_new(ctx, NB_F32, 2, (const int64_t[]){rows, columns});
    float *number = nb_tensor_data(x);
    for (int64_t i = 0; i < rows * columns; i++) number[i] = 0.1F * (float)(i % 1013) + 0.3F;
    return x;
}

/* Everything that a large index gives, forward and backward, with so many threads. */
static void run_large(int64_t threads, outcome *o)
{
    enum { ROWS = 300, COLUMNS = 40, TAKEN = 20000 };
    nb_tensor *x = uneven(ROWS, COLUMNS);
    nb_tensor *index = nb_tensor_new(ctx, NB_I32, 1, (const int64_t[]){TAKEN});
    int32_t *at = nb_tensor_data(index);
    for (int32_t i = 0; i < TAKEN; i++) at[i] = (int32_t)((uint32_t)i * 2654435761U % ROWS) + 1;
    nb_call call = {.in = {x, index}, .inputs = 2};
    *o = (outcome){.out = NULL};
    assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    ctx->recording = true;
    o->out = call_op(NB_OP_index_select, 0, x, index, NULL);
    assert_int_equal(run_back(&call, false, o), NB_OK);
    release((nb_tensor *const[]){x, index}, 2);
}

/* Catches sums of repeated indices whose order depends on the number of threads. */
static void test_threads(void **state)
{
    (void)state;
    outcome one, four;
    run_large(1, &one);
    run_large(4, &four);
    assert_memory_equal(nb_tensor_data(one.out), nb_tensor_data(four.out), one.out->storage->bytes);
    assert_memory_equal(nb_tensor_data(one.grad[0]), nb_tensor_data(four.grad[0]),
                        one.grad[0]->storage->bytes);
    free_outcome(&one);
    free_outcome(&four);
}

/* ---- Shapes --------------------------------------------------------------------------------- */

/* Eight dimensions work; a ninth is refused. */
static void test_many_dimensions(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(1, 1, 2, 1, 1, 1, 3, 1), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *index = indices(SHAPE(2), VALUES(3, 1));
    nb_tensor *places = indices(SHAPE(1, 2), VALUES(2, 0));
    nb_tensor *each = indices(SHAPE(1, 1, 2, 1, 1, 1, 1, 1), VALUES(3, 1));
    nb_tensor *flat = nb_tensor_reshape(ctx, x, 2, (const int64_t[]){2, 3});
    nb_tensor *seven = nb_tensor_select(ctx, x, 0, 0);
    assert_values(call_op(NB_OP_index_select, 6, x, index, NULL), NB_F64,
                  SHAPE(1, 1, 2, 1, 1, 1, 2, 1), VALUES(3, 1, 6, 4));
    assert_values(call_op(NB_OP_gather, 6, x, each, NULL), NB_F64, SHAPE(1, 1, 2, 1, 1, 1, 1, 1),
                  VALUES(3, 4));
    assert_values(call_op(NB_OP_pick, 5, seven, places, NULL), NB_F64,
                  SHAPE(1, 2, 1, 1, 1, 1, 2, 1), VALUES(3, 1, 6, 4));
    assert_null(call_op(NB_OP_pick, 6, x, places, NULL));
    assert_failed(NB_ESHAPE, "at most 8 dimensions, not 9");
    nb_tensor *where = call_op(NB_OP_nonzero, 0, x, NULL, NULL);
    assert_true(where->dims == 2 && where->shape[0] == 6 && where->shape[1] == 8);
    assert_true(nb_tensor_get(where, (const int64_t[]){4, 6}) == 2);
    release((nb_tensor *const[]){x, index, places, each, flat, seven, where}, 7);
}

/* No elements, no indices, and both. */
static void test_empty(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(2), VALUES(1, 2));
    nb_tensor *nothing = nb_tensor_zeros(ctx, NB_F32, 1, (const int64_t[]){0});
    nb_tensor *none = nb_tensor_zeros(ctx, NB_I32, 1, (const int64_t[]){0});
    nb_tensor *mask = tensor_of(NB_U8, SHAPE(2), VALUES(0, 0));
    nb_tensor *first = indices(SHAPE(1), VALUES(1)), *zero = nb_tensor_scalar(ctx, NB_F32, 0);
    nb_tensor *const from[] = {x, nothing};
    for (int i = 0; i < 2; i++) {
        assert_values(call_op(NB_OP_index_select, 0, from[i], none, NULL), NB_F32, SHAPE(0), NULL);
        assert_values(call_op(NB_OP_take, 0, from[i], none, NULL), NB_F32, SHAPE(0), NULL);
        assert_values(call_op(NB_OP_gather, 0, from[i], none, NULL), NB_F32, SHAPE(0), NULL);
        assert_null(call_op(NB_OP_take, 0, nothing, first, NULL));
        assert_failed(NB_EARG, "take: index 1 is outside the tensor, which has 0 elements");
    }
    assert_values(call_op(NB_OP_masked_select, 0, x, mask, NULL), NB_F32, SHAPE(0), NULL);
    assert_values(call_op(NB_OP_scatter_add, 0, x, none, zero), NB_F32, SHAPE(2), VALUES(1, 2));
    assert_values(call_op(NB_OP_nonzero, 0, zero, NULL, NULL), NB_I32, SHAPE(0, 0), NULL);
    assert_values(call_op(NB_OP_diag, 3, nothing, NULL, NULL), NB_F32, SHAPE(3, 3),
                  VALUES(0, 0, 0, 0, 0, 0, 0, 0, 0));
    release((nb_tensor *const[]){x, nothing, none, mask, first, zero}, 6);
}

/* What does not fit says so with both shapes. */
static void test_misfits(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *zero = nb_tensor_scalar(ctx, NB_F32, 0), *row = nb_tensor_select(ctx, x, 0, 0);
    nb_tensor *index = indices(SHAPE(3, 3), VALUES(1, 1, 1, 1, 1, 1, 1, 1, 1));
    nb_tensor *mask = tensor_of(NB_U8, SHAPE(2), VALUES(0, 1));
    nb_tensor *deep = nb_tensor_reshape(ctx, x, 3, (const int64_t[]){1, 2, 3});
    assert_null(call_op(NB_OP_index_select, 0, x, index, NULL));
    assert_failed(NB_ESHAPE, "index_select: the indices must have one dimension, not 3x3");
    assert_null(call_op(NB_OP_index_select, 0, zero, index, NULL));
    assert_failed(NB_ESHAPE, "index_select: a tensor without dimensions");
    assert_null(call_op(NB_OP_gather, 1, x, index, NULL));
    assert_failed(NB_ESHAPE, "gather: an index of 3x3 does not fit 2x3");
    assert_null(call_op(NB_OP_scatter_add, 0, x, index, mask));
    assert_failed(NB_ESHAPE, "scatter_add: 3x3 and 2 do not fit");
    assert_null(call_op(NB_OP_masked_select, 0, x, mask, NULL));
    assert_failed(NB_ESHAPE, "masked_select: a mask of 2 does not broadcast to 2x3");
    assert_null(call_op(NB_OP_masked_select, 0, mask, x, NULL));
    assert_failed(NB_EARG, "masked_select: the mask must be u8, as :gt gives it, not f32");
    assert_null(call_op(NB_OP_masked_fill, 0, mask, mask, row));
    assert_failed(NB_ESHAPE, "masked_fill: the value must be a number, not 3");
    assert_null(call_op(NB_OP_diag, 0, deep, NULL, NULL));
    assert_failed(NB_ESHAPE, "diag takes a vector or a matrix, not 1x2x3");
    release((nb_tensor *const[]){x, zero, row, index, mask, deep}, 6);
}

/* Both sides of the last diagonal that has an element; far beyond is none, or an error. */
static void test_diagonals(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *row = nb_tensor_select(ctx, x, 0, 0);
    assert_values(call_op(NB_OP_diag, 2, x, NULL, NULL), NB_F32, SHAPE(1), VALUES(3));
    assert_values(call_op(NB_OP_diag, 3, x, NULL, NULL), NB_F32, SHAPE(0), NULL);
    assert_values(call_op(NB_OP_diag, -1, x, NULL, NULL), NB_F32, SHAPE(1), VALUES(4));
    assert_values(call_op(NB_OP_diag, -2, x, NULL, NULL), NB_F32, SHAPE(0), NULL);
    assert_null(call_op(NB_OP_diag, INT64_MIN, x, NULL, NULL));
    assert_failed(NB_EARG, "diag: there is no diagonal");
    assert_null(call_op(NB_OP_diag, NB_MAX_ELEMENTS, row, NULL, NULL));
    assert_failed(NB_ESHAPE, "too many elements");
    nb_tensor *view = call_op(NB_OP_diag, 0, x, NULL, NULL);
    nb_tensor_set(view, (const int64_t[]){1}, 50);
    assert_true(nb_tensor_get(x, (const int64_t[]){1, 1}) == 50);
    release((nb_tensor *const[]){x, row, view}, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(dtypes),    TEST(indices), TEST(scatter_bounds),
                                       TEST(long_sums), TEST(threads), TEST(many_dimensions),
                                       TEST(empty),     TEST(misfits), TEST(diagonals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
