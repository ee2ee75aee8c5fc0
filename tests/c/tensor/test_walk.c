/* Walking tensors in step, against a plain odometer. */
#include "tensor/walk.h"

#include "../support.h"

#include "base/random.h"
#include "base/workers.h"
#include "tensor/shape.h"

#include <stdatomic.h>

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
    assert_int_equal(nb_walk_in_order(ctx, &walk, follow, &v), NB_OK);
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
        ctx->interrupt = &pressed;
        status = nb_walk_in_order(ctx, &walk, count_calls, &seen);
        ctx->interrupt = NULL;
        assert_int_equal(status, i == 0 ? NB_OK : NB_EINTERRUPT);
        assert_true(i == 0 ? seen == 100 : seen > 0 && seen < (size_t)sizes[i]);
        nb_tensor_release(ctx, t);
    }
}

/* out = a + 3 b, of doubles that are small whole numbers. */
static void combine(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    (void)arg;
    for (int64_t k = 0; k < (int64_t)n; k++) {
        const double *a = (const double *)at[1], *b = (const double *)at[2];
        ((double *)at[0])[k * stride[0]] = a[k * stride[1]] + 3 * b[k * stride[2]];
    }
}

/* A view of this shape that lies anyhow over numbers of its own: its dimensions in another order,
 * every second or backwards; an input may have sizes of 1. */
static nb_tensor *view_of_numbers(nb_stream *stream, int dims, const int64_t *shape, bool broadcast)
{
    int64_t size[NB_MAX_DIMS];
    int order[NB_MAX_DIMS];
    for (int d = 0; d < dims; d++) {
        int other = (int)nb_random_below(stream, (uint64_t)d + 1);
        order[d] = order[other];
        order[other] = d;
    }
    bool ordered = nb_random_below(stream, 2) == 0;
    int64_t spread = 1 + (int64_t)nb_random_below(stream, 2);
    bool backwards = nb_random_below(stream, 4) == 0;
    for (int d = 0; d < dims; d++) {
        if (ordered) order[d] = d;
        bool one = broadcast && nb_random_below(stream, 4) == 0;
        size[order[d]] = (one ? 1 : shape[d]) * spread;
    }
    nb_tensor *base = nb_tensor_new(ctx, NB_F64, dims, size);
    double *number = nb_tensor_data(base);
    for (int64_t i = 0; i < nb_tensor_count(base); i++)
        number[i] = (double)nb_random_below(stream, 1000);
    nb_tensor *view = nb_tensor_permute(ctx, base, order);
    nb_tensor_release(ctx, base);
    for (int d = 0; d < dims; d++) {
        int64_t length = view->shape[d] / spread;
        if (spread == 1 && !backwards) continue;
        nb_tensor *part =
            nb_tensor_narrow(ctx, view, d, backwards && length ? (length - 1) * spread : 0, length,
                             backwards ? -spread : spread);
        nb_tensor_release(ctx, view);
        view = part;
    }
    return view;
}

/* The sum of all elements of the view's base, to see what was written beside the view. */
static double sum_of_base(const nb_tensor *view)
{
    const double *number = view->storage->data;
    double sum = 0;
    for (size_t i = 0; i < view->storage->bytes / sizeof *number; i++) sum += number[i];
    return sum;
}

static void check_elements(nb_stream *stream, int dims, const int64_t *shape)
{
    nb_walk walk;
    int64_t index[NB_MAX_DIMS] = {0}, count = nb_shape_count(dims, shape);
    nb_tensor *out = view_of_numbers(stream, dims, shape, false);
    nb_tensor *a = view_of_numbers(stream, dims, shape, true);
    nb_tensor *b = view_of_numbers(stream, dims, shape, true);
    nb_tensor *wide_a = nb_tensor_expand(ctx, a, dims, shape);
    nb_tensor *wide_b = nb_tensor_expand(ctx, b, dims, shape);
    double before = sum_of_base(out);
    for (int64_t i = 0; i < count; i++) {
        before -= nb_tensor_get(out, index);
        for (int d = dims - 1; d >= 0 && ++index[d] == shape[d]; d--) index[d] = 0;
    }
    nb_walk_make(&walk, dims, shape, 3, (const nb_tensor *const[]){out, a, b});
    assert_int_equal(nb_walk_elements(ctx, &walk, combine, NULL), NB_OK);
    for (int64_t i = 0; i < count; i++) {
        double got = nb_tensor_get(out, index);
        if (!(got == nb_tensor_get(wide_a, index) + 3 * nb_tensor_get(wide_b, index)))
            fail_msg("element %d of %d in %d dimensions", (int)i, (int)count, dims);
        before += got;
        for (int d = dims - 1; d >= 0 && ++index[d] == shape[d]; d--) index[d] = 0;
    }
    assert_true(sum_of_base(out) == before);
    nb_tensor *all[] = {out, a, b, wide_a, wide_b};
    for (int i = 0; i < 5; i++) nb_tensor_release(ctx, all[i]);
}

/* Catches tiles that overlap, leave a gap, or are copied to the wrong place, in all orders and with
 * workers; what is copied is kept for the next tile only where that reads the same. */
static void test_elements(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(5, NB_FOR_TENSOR, 0);
    static const int64_t edges[][2] = {{63, 65},   {64, 64},   {65, 63}, {16, 256}, {17, 257},
                                       {15, 255},  {3, 700},   {700, 3}, {1025, 1}, {2000, 2},
                                       {600, 513}, {90000, 3}, {0, 5},   {5, 0}};
    for (int threads = 1; threads <= 3; threads += 2) {
        assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
            for (int round = 0; round < 8; round++) check_elements(&stream, 2, edges[i]);
    }
    for (int round = 0; round < 400; round++) {
        int64_t shape[NB_MAX_DIMS];
        int dims = (int)nb_random_below(&stream, 5);
        for (int d = 0; d < dims; d++) shape[d] = (int64_t)nb_random_below(&stream, 20);
        if (dims > 1) shape[nb_random_below(&stream, 2)] = 70;
        check_elements(&stream, dims, shape);
    }
}

/* ---- Past the caches ---- */

enum { LARGE = (16 << 20) / sizeof(float) }; /* numbers of a result that is streamed */

/* What a loop saw of the result: whether it ever was given the result's own memory. */
typedef struct glimpse {
    const char *begin, *end;
    atomic_bool direct;
} glimpse;

/* out = a + 2 b, of floats that are small whole numbers. */
static void combine_floats(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    glimpse *seen = arg;
    const float *a = (const float *)at[1], *b = (const float *)at[2];
    float *out = (float *)at[0];
    if (at[0] >= seen->begin && at[0] < seen->end) atomic_store(&seen->direct, true);
    for (int64_t k = 0; k < (int64_t)n; k++)
        out[k * stride[0]] = a[k * stride[1]] + 2 * b[k * stride[2]];
}

/* A tensor of this shape behind `before` other numbers, all numbers -1; a view of it. */
static nb_tensor *view_behind(int64_t before, int64_t rows, int64_t columns)
{
    int64_t all = before + rows * columns + 1, step[] = {columns, 1};
    nb_tensor *base = nb_tensor_new(ctx, NB_F32, 1, &all);
    assert_non_null(base);
    for (int64_t i = 0; i < all; i++) ((float *)nb_tensor_data(base))[i] = -1;
    nb_tensor *view = nb_tensor_view(ctx, base, 2, (const int64_t[]){rows, columns}, step, before);
    nb_tensor_release(ctx, base);
    return view;
}

static void number(nb_tensor *t, int64_t period)
{
    float *x = nb_tensor_data(t);
    for (int64_t i = 0; i < nb_tensor_count(t); i++) x[i] = (float)(i % period);
}

typedef enum sharing { NONE, ROW, COLUMN } sharing;

/* out = a + 2 b, with b perhaps one row or column for all, out perhaps a; whether the loop wrote to
 * the result. */
static bool runs_direct(int64_t before, int64_t rows, int64_t columns, sharing shared, bool over)
{
    nb_tensor *out = view_behind(before, rows, columns), *a = view_behind(1, rows, columns);
    nb_tensor *b = view_behind(0, shared == ROW ? 1 : rows, shared == COLUMN ? 1 : columns);
    number(a, 1009);
    number(b, 13);
    if (over) number(out, 1009);
    const nb_tensor *operand[] = {out, over ? out : a, b};
    const char *to = nb_tensor_data(out);
    int64_t count = rows * columns, wrong = 0;
    glimpse seen = {.begin = to, .end = to + (size_t)count * sizeof(float)};
    nb_walk walk;
    nb_walk_make(&walk, 2, out->shape, 3, operand);
    assert_int_equal(nb_walk_elements(ctx, &walk, combine_floats, &seen), NB_OK);
    const float *y = nb_tensor_data(out);
    for (int64_t i = 0; i < count; i++) {
        int64_t of_b = shared == ROW ? i % columns : shared == COLUMN ? i / columns : i;
        wrong += y[i] != (float)(i % 1009 + 2 * (of_b % 13));
    }
    assert_int_equal(wrong, 0);
    for (int64_t i = 1; i <= before; i++) assert_true(y[-i] == -1);
    assert_true(y[count] == -1);
    nb_tensor *all[] = {out, a, b};
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, all[i]);
    return atomic_load(&seen.direct);
}

/* Large results go past the caches and hold the same numbers, wherever their lines begin, by rows
 * of any length and on workers; what is smaller, or written over an input, does not. */
static void test_large_results(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
        assert_true(runs_direct(0, 1, LARGE - 1, NONE, false));
        assert_false(runs_direct(0, 1, LARGE, NONE, false));
        assert_false(runs_direct(5, 1, LARGE + 77, NONE, false));
        assert_true(runs_direct(0, 1, LARGE, NONE, true));
        assert_false(runs_direct(3, 4201, 1001, ROW, false));
        assert_false(runs_direct(3, 1001, 4201, COLUMN, false));
        assert_false(runs_direct(1, 600000, 7, ROW, false));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(order),     TEST(folds),    TEST(threads),
                                       TEST(interrupt), TEST(elements), TEST(large_results)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
