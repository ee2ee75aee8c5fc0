/* Walking tensors in step, against a plain odometer. */
#include "tensor/walk.h"

#include "../support.h"

#include "base/random.h"
#include "base/workers.h"
#include "tensor/shape.h"

enum { OPERANDS = 3 };

typedef struct visits {
    const int64_t *const *want; /* per operand: offsets in elements, in row-major order */
    const nb_tensor *const *tensor;
    int operands;
    int64_t at;
    bool wrong;
} visits;

/* Compares each element that is visited with the odometer's. */
static void follow(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    visits *v = arg;
    for (size_t k = 0; k < n; k++, v->at++)
        for (int i = 0; i < v->operands; i++) {
            const nb_tensor *t = v->tensor[i];
            int64_t width = (int64_t)nb_dtype_size(t->dtype);
            int64_t bytes = at[i] - (char *)nb_tensor_data(t) + (int64_t)k * stride[i] * width;
            v->wrong |= bytes != v->want[i][v->at] * width;
        }
}

/* The offset of each element of t expanded to `shape`, by an odometer. */
static int64_t *odometer(const nb_tensor *t, int dims, const int64_t *shape, int64_t count)
{
    int64_t index[NB_MAX_DIMS] = {0};
    int64_t *offset = calloc((size_t)count + 1, sizeof *offset);
    assert_non_null(offset);
    for (int64_t i = 0; i < count; i++) {
        for (int d = 0; d < t->dims; d++) {
            int from = d + dims - t->dims;
            if (t->shape[d] != 1) offset[i] += index[from] * t->stride[d];
        }
        for (int d = dims - 1; d >= 0 && ++index[d] == shape[d]; d--) index[d] = 0;
    }
    return offset;
}

/* A tensor that broadcasts to `shape`: some leading dimensions cut, some sizes 1, any strides.
 * Nothing reads its elements. */
static nb_tensor *random_operand(nb_stream *stream, int dims, const int64_t *shape)
{
    int own = dims - (int)nb_random_below(stream, (uint64_t)dims + 1);
    int64_t size[NB_MAX_DIMS], step[NB_MAX_DIMS];
    nb_dtype dtype = (nb_dtype)nb_random_below(stream, NB_DTYPES);
    for (int d = 0; d < own; d++) size[d] = nb_random_below(stream, 4) ? shape[d + dims - own] : 1;
    nb_shape_strides(own, size, step);
    for (int d = 0; d < own && nb_random_below(stream, 2); d++)
        step[d] = (int64_t)nb_random_below(stream, 9) - 4;
    nb_tensor *base = nb_tensor_scalar(ctx, dtype, 0);
    nb_tensor *view = nb_tensor_view(ctx, base, own, size, step, 0);
    nb_tensor_release(ctx, base);
    return view;
}

static void check_walk(nb_stream *stream, int dims, const int64_t *shape)
{
    nb_tensor *tensor[OPERANDS];
    int64_t *want[OPERANDS], count = nb_shape_count(dims, shape);
    nb_walk walk;
    for (int i = 0; i < OPERANDS; i++) {
        tensor[i] = random_operand(stream, dims, shape);
        want[i] = odometer(tensor[i], dims, shape, count);
    }
    visits v = {(const int64_t *const *)want, (const nb_tensor *const *)tensor, OPERANDS, 0, false};
    nb_walk_make(&walk, dims, shape, OPERANDS, (const nb_tensor *const *)tensor);
    assert_true(walk.dims >= 1 && walk.dims <= NB_MAX_DIMS);
    nb_walk_each(&walk, follow, &v);
    assert_int_equal(v.at, count);
    assert_false(v.wrong);
    /* So few elements are one piece, which nb_walk_run too does in order. */
    v.at = 0;
    assert_int_equal(nb_walk_run(ctx, &walk, follow, &v), NB_OK);
    assert_int_equal(v.at, count);
    assert_false(v.wrong);
    for (int i = 0; i < OPERANDS; i++) {
        nb_tensor_release(ctx, tensor[i]);
        free(want[i]);
    }
}

/* Catches dimensions folded that do not follow each other, and an odometer that carries wrongly. */
static void test_order(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(2, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 1000; round++) {
        int64_t shape[NB_MAX_DIMS];
        int dims = (int)nb_random_below(&stream, NB_MAX_DIMS + 1);
        for (int d = 0; d < dims; d++)
            shape[d] = (int64_t)nb_random_below(&stream, dims > 5 ? 3 : 5) +
                       (nb_random_below(&stream, 8) != 0);
        check_walk(&stream, dims, shape);
    }
}

/* Catches a contiguous operand that is not one loop: the speed of everything rests on it. */
static void test_folds(void **state)
{
    (void)state;
    nb_walk walk;
    nb_tensor *a = nb_tensor_zeros(ctx, NB_F32, SHAPE(3, 1, 4, 5)),
              *t = nb_tensor_transpose(ctx, a);
    nb_walk_make(&walk, 4, a->shape, 1, (const nb_tensor *const[]){a});
    assert_int_equal(walk.dims, 1);
    assert_int_equal(walk.size[0], 60);
    nb_walk_make(&walk, 4, t->shape, 1, (const nb_tensor *const[]){t});
    assert_int_equal(walk.dims, 3);
    nb_walk_make(&walk, 0, NULL, 0, NULL);
    assert_int_equal(walk.dims, 1);
    assert_int_equal(walk.size[0], 1);
    nb_tensor_release(ctx, a);
    nb_tensor_release(ctx, t);
}

/* Counts visits and makes numbers that depend on nothing but the element. */
static void mark(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    (void)arg;
    for (size_t k = 0; k < n; k++) {
        float *out = (float *)at[0] + (int64_t)k * stride[0];
        *out = *out * 3 + ((const float *)at[1])[(int64_t)k * stride[1]];
    }
}

/* Marks every element of a shape with so many threads, from the same begin. */
static nb_tensor *marked(int64_t threads, int dims, const int64_t *shape, bool turned)
{
    nb_walk walk;
    nb_tensor *base = nb_tensor_zeros(ctx, NB_F32, dims, shape);
    nb_tensor *out = turned ? nb_tensor_transpose(ctx, base) : nb_tensor_retain(base);
    nb_tensor *in = nb_tensor_new(ctx, NB_F32, out->dims, out->shape);
    float *number = nb_tensor_data(in);
    for (int64_t i = 0; i < nb_tensor_count(in); i++) number[i] = 0.1F * (float)(i % 1013);
    assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
    nb_walk_make(&walk, out->dims, out->shape, 2, (const nb_tensor *const[]){out, in});
    for (int times = 0; times < 2; times++)
        assert_int_equal(nb_walk_run(ctx, &walk, mark, NULL), NB_OK);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, in);
    return base;
}

/* Catches pieces that overlap or leave a gap (every element is 4 times its number after two
 * rounds), and results that depend on the number of threads. Sizes on both sides of where workers
 * are asked, and of where an inner loop is cut. */
static void test_threads(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{1, 262143}, {1, 262144}, {1, 300001}, {517, 613},
                                        {3, 131073}, {9001, 31},  {70000, 4},  {2, 65536}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int turned = 0; turned < 2; turned++) {
            nb_tensor *one = marked(1, 2, shapes[i], turned),
                      *three = marked(3, 2, shapes[i], turned);
            const float *number = nb_tensor_data(one);
            assert_memory_equal(number, nb_tensor_data(three), one->storage->bytes);
            for (int64_t k = 0; k < nb_tensor_count(one) && !turned; k++) {
                float x = 0.1F * (float)(k % 1013);
                if (number[k] != x * 3 + x) fail_msg("element %d of shape %d", (int)k, (int)i);
            }
            nb_tensor_release(ctx, one);
            nb_tensor_release(ctx, three);
        }
}

static void count_calls(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    (void)at;
    (void)stride;
    *(size_t *)arg += n;
}

/* Catches a long walk that Ctrl-C cannot stop, and a short one that is left out and said to be
 * done. */
static void test_interrupt(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 1;
    const int64_t sizes[2] = {100, 1 << 17};
    for (int i = 0; i < 2; i++) {
        size_t seen = 0;
        nb_walk walk;
        nb_tensor *t = nb_tensor_new(ctx, NB_U8, 1, &sizes[i]);
        nb_walk_make(&walk, 1, &sizes[i], 1, (const nb_tensor *const[]){t});
        ctx->interrupt = &pressed;
        nb_status status = nb_walk_run(ctx, &walk, count_calls, &seen);
        ctx->interrupt = NULL;
        assert_int_equal(status, i == 0 ? NB_OK : NB_EINTERRUPT);
        assert_int_equal(seen, i == 0 ? sizes[i] : 0);
        seen = 0;
        nb_walk_each(&walk, count_calls, &seen);
        assert_int_equal(seen, sizes[i]);
        seen = 0;
        ctx->interrupt = &pressed;
        status = nb_walk_in_order(ctx, &walk, count_calls, &seen);
        ctx->interrupt = NULL;
        assert_int_equal(status, i == 0 ? NB_OK : NB_EINTERRUPT);
        assert_true(i == 0 ? seen == 100 : seen > 0 && seen < (size_t)sizes[i]);
        nb_tensor_release(ctx, t);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(order), TEST(folds), TEST(threads), TEST(interrupt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
