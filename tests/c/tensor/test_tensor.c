/* Tensors and shapes: views, reshape, expand, copies, conversions, and where sizes end. */
#include "tensor/tensor.h"

#include "../support.h"

#include "base/random.h"
#include "tensor/shape.h"

#include <math.h>

/* The index of row-major element `at` of a shape. */
static void unravel(int dims, const int64_t *shape, int64_t at, int64_t *index)
{
    for (int i = dims - 1; i >= 0; i--) {
        index[i] = at % shape[i];
        at /= shape[i];
    }
}

/* The row-major element `i` by the definition of strides. */
static double element(const nb_tensor *t, int64_t i)
{
    int64_t index[NB_MAX_DIMS], offset = t->offset;
    unravel(t->dims, t->shape, i, index);
    for (int d = 0; d < t->dims; d++) offset += index[d] * t->stride[d];
    return ((const double *)t->storage->data)[offset];
}

/* A view of random shape and strides of numbers that count up. */
static nb_tensor *random_view(nb_stream *stream)
{
    int64_t shape[NB_MAX_DIMS];
    int dims = (int)nb_random_below(stream, 5), order[NB_MAX_DIMS];
    for (int i = 0; i < dims; i++) {
        shape[i] = (int64_t)nb_random_below(stream, 5) + (nb_random_below(stream, 9) != 0);
        order[i] = i;
    }
    nb_tensor *view = nb_tensor_new(ctx, NB_F64, dims, shape);
    for (int64_t i = 0; i < nb_tensor_count(view); i++)
        ((double *)nb_tensor_data(view))[i] = (double)i;
    for (int i = 0; i < dims; i++) {
        int64_t size = view->shape[i], step = 1 + (int64_t)nb_random_below(stream, 2);
        bool back = nb_random_below(stream, 4) == 0 && size > 0;
        int other = (int)nb_random_below(stream, (uint64_t)dims), was = order[i];
        nb_tensor *part = nb_tensor_narrow(ctx, view, i, back ? size - 1 : 0,
                                           (size + step - 1) / step, back ? -step : step);
        nb_tensor_release(ctx, view);
        view = part;
        if (nb_random_below(stream, 2)) continue;
        order[i] = order[other];
        order[other] = was;
    }
    nb_tensor *turned = nb_tensor_permute(ctx, view, order);
    nb_tensor_release(ctx, view);
    return turned;
}

/* The same count of elements in other sizes: factors moved about, some 1. */
static int random_shape(nb_stream *stream, int64_t count, int64_t *shape)
{
    int dims = 0;
    for (int64_t factor = 2; count > 1 && dims < NB_MAX_DIMS - 2; factor++)
        while (count % factor == 0 && dims < NB_MAX_DIMS - 2) {
            if (dims && nb_random_below(stream, 2))
                shape[dims - 1] *= factor;
            else
                shape[dims++] = factor;
            count /= factor;
        }
    if (count != 1) shape[dims++] = count;
    if (nb_random_below(stream, 3) == 0) shape[dims++] = 1;
    for (int i = dims - 1; i > 0; i--) {
        int other = (int)nb_random_below(stream, (uint64_t)i + 1);
        int64_t size = shape[i];
        shape[i] = shape[other];
        shape[other] = size;
    }
    return dims;
}

/* Whether row-major steps through `shape` move evenly in t's memory, which is when a view can
 * exist. */
static bool view_exists(const nb_tensor *t, int dims, const int64_t *shape)
{
    double *place = calloc((size_t)nb_tensor_count(t) + 1, sizeof *place);
    int64_t count = nb_tensor_count(t), stride[NB_MAX_DIMS] = {0}, at[NB_MAX_DIMS];
    bool exists = true;
    for (int64_t i = 0; i < count; i++) {
        unravel(t->dims, t->shape, i, at);
        for (int d = 0; d < t->dims; d++) place[i] += (double)(at[d] * t->stride[d]);
    }
    for (int d = dims - 1, step = 1; d >= 0 && count; step *= (int)shape[d--])
        if (shape[d] > 1) stride[d] = (int64_t)place[step];
    for (int64_t i = 0; i < count; i++) {
        int64_t want = 0;
        unravel(dims, shape, i, at);
        for (int d = 0; d < dims; d++) want += at[d] * stride[d];
        exists &= (double)want == place[i];
    }
    free(place);
    return exists;
}

/* Catches a reshape that shows the wrong elements, copies where a view would do, or shares where it
 * cannot. */
static void test_reshape(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(3, NB_FOR_TENSOR, 0);
    int views = 0, copies = 0;
    for (int round = 0; round < 300; round++) {
        int64_t shape[NB_MAX_DIMS];
        nb_tensor *t = random_view(&stream);
        int64_t count = nb_tensor_count(t);
        int dims = random_shape(&stream, count, shape);
        nb_tensor *out = nb_tensor_reshape(ctx, t, dims, shape);
        assert_non_null(out);
        assert_int_equal(out->dims, dims);
        assert_memory_equal(out->shape, shape, (size_t)dims * sizeof *shape);
        for (int64_t i = 0; i < count; i++) assert_true(element(out, i) == element(t, i));
        bool shares = out->storage == t->storage;
        assert_int_equal(shares, view_exists(t, dims, shape));
        views += shares;
        copies += !shares;
        nb_tensor *clone = nb_tensor_clone(ctx, t);
        assert_true(nb_tensor_is_contiguous(clone));
        for (int64_t i = 0; i < count; i++) assert_true(element(clone, i) == element(t, i));
        nb_tensor_release(ctx, clone);
        nb_tensor_release(ctx, out);
        nb_tensor_release(ctx, t);
    }
    assert_true(views > 50 && copies > 50);
}

static void test_reshape_refuses(void **state)
{
    (void)state;
    nb_tensor *t = nb_tensor_zeros(ctx, NB_F32, SHAPE(2, 3)),
              *none = nb_tensor_zeros(ctx, NB_F32, SHAPE(0, 3));
    nb_tensor *open = nb_tensor_reshape(ctx, t, SHAPE(3, -1));
    assert_int_equal(open->shape[1], 2);
    assert_null(nb_tensor_reshape(ctx, t, SHAPE(4, 2)));
    assert_failed(NB_ESHAPE, "cannot reshape 2x3 (6 elements) to 4x2");
    assert_null(nb_tensor_reshape(ctx, t, SHAPE(4, -1)));
    assert_failed(NB_ESHAPE, "to 4x-1");
    assert_null(nb_tensor_reshape(ctx, t, SHAPE(-1, -1)));
    assert_failed(NB_ESHAPE, "only one size");
    assert_null(nb_tensor_reshape(ctx, t, SHAPE(-2, -3)));
    assert_null(nb_tensor_reshape(ctx, none, SHAPE(0, -1)));
    assert_null(nb_tensor_reshape(ctx, t, SHAPE(6, 1, 1, 1, 1, 1, 1, 1, 1)));
    assert_failed(NB_ESHAPE, "at most 8 dimensions, not 9");
    nb_tensor *eight = nb_tensor_reshape(ctx, t, SHAPE(6, 1, 1, 1, 1, 1, 1, 1));
    assert_int_equal(eight->dims, 8);
    nb_tensor_release(ctx, t);
    nb_tensor_release(ctx, none);
    nb_tensor_release(ctx, open);
    nb_tensor_release(ctx, eight);
}

/* Both sides of every limit; catches a product of sizes that wraps around, beside a 0 too. */
static void test_limits(void **state)
{
    (void)state;
    int64_t half = (int64_t)1 << 24, big = (int64_t)1 << 62;
    assert_int_equal(nb_shape_count(SHAPE(half, half)), NB_MAX_ELEMENTS);
    assert_int_equal(nb_shape_count(SHAPE(half, half + 1)), -1);
    assert_int_equal(nb_shape_count(SHAPE(big, 4)), -1);
    assert_int_equal(nb_shape_count(SHAPE(0, big, 4)), -1);
    assert_int_equal(nb_shape_count(SHAPE(3, -1)), -1);
    assert_int_equal(nb_shape_count(0, NULL), 1);
    assert_null(nb_tensor_new(ctx, NB_U8, SHAPE(half, half + 1)));
    assert_failed(NB_ESHAPE, "a tensor of 16777216x16777217 has too many elements");
    assert_null(nb_tensor_new(ctx, NB_U8, SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)));
    assert_failed(NB_ESHAPE, "at most 8 dimensions, not 9");
    assert_null(nb_tensor_new(ctx, NB_U8, SHAPE(2, -1)));
    assert_failed(NB_ESHAPE, "a size must be 0 or more, not -1");
    nb_tensor *eight = nb_tensor_zeros(ctx, NB_U8, SHAPE(1, 2, 1, 2, 1, 2, 1, 0));
    assert_int_equal(nb_tensor_count(eight), 0);
    assert_true(nb_tensor_is_contiguous(eight));
    nb_tensor_release(ctx, eight);
    char text[NB_SHAPE_TEXT];
    assert_string_equal(nb_shape_text(SHAPE(2, 3, 4), text), "2x3x4");
    assert_string_equal(nb_shape_text(0, NULL, text), "a number");
}

/* Views show the same storage; what one writes the other reads. */
static void test_views(void **state)
{
    (void)state;
    nb_tensor *t = tensor_of(NB_F64, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *turned = nb_tensor_transpose(ctx, t), *row = nb_tensor_select(ctx, turned, 0, 2);
    nb_tensor *back = nb_tensor_narrow(ctx, t, 1, 2, 3, -1);
    assert_true(element(row, 0) == 3 && element(row, 1) == 6 && row->dims == 1);
    assert_true(element(back, 0) == 3 && element(back, 5) == 4);
    nb_tensor_set(row, (const int64_t[]){1}, 60);
    assert_true(nb_tensor_get(t, (const int64_t[]){1, 2}) == 60);
    assert_false(nb_tensor_is_contiguous(turned));
    nb_tensor *plain = nb_tensor_contiguous(ctx, turned), *same = nb_tensor_contiguous(ctx, t);
    assert_true(same == t && plain != turned && element(plain, 5) == 60);
    nb_tensor *all[] = {t, turned, row, back, plain, same};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

static void test_expand(void **state)
{
    (void)state;
    nb_tensor *t = tensor_of(NB_F64, SHAPE(2, 1), VALUES(7, 8));
    nb_tensor *wide = nb_tensor_expand(ctx, t, SHAPE(3, 2, 4)),
              *none = nb_tensor_expand(ctx, t, SHAPE(2, 0));
    for (int64_t i = 0; i < 24; i++) assert_true(element(wide, i) == (i / 4 % 2 ? 8 : 7));
    assert_ptr_equal(wide->storage, t->storage);
    assert_int_equal(nb_tensor_count(none), 0);
    assert_null(nb_tensor_expand(ctx, t, SHAPE(3, 4)));
    assert_failed(NB_ESHAPE, "cannot expand 2x1 to 3x4");
    assert_null(nb_tensor_expand(ctx, t, SHAPE(1)));
    nb_tensor_release(ctx, t);
    nb_tensor_release(ctx, wide);
    nb_tensor_release(ctx, none);
}

/* NumPy's rule, and copies by it: into gaps, converted, refused where it does not fit. */
static void test_copy(void **state)
{
    (void)state;
    int64_t shape[NB_MAX_DIMS];
    int dims;
    assert_true(nb_shape_broadcast(SHAPE(3, 1, 5), SHAPE(4, 1), &dims, shape));
    assert_int_equal(dims, 3);
    assert_true(shape[0] == 3 && shape[1] == 4 && shape[2] == 5);
    assert_true(nb_shape_broadcast(SHAPE(1, 0), SHAPE(4, 1), &dims, shape));
    assert_true(shape[0] == 4 && shape[1] == 0);
    assert_false(nb_shape_broadcast(SHAPE(3), SHAPE(4), &dims, shape));
    nb_tensor *to = nb_tensor_zeros(ctx, NB_F64, SHAPE(2, 3)),
              *turned = nb_tensor_transpose(ctx, to);
    nb_tensor *from = tensor_of(NB_I32, SHAPE(3, 1), VALUES(1, 2, 3)),
              *row = tensor_of(NB_F32, SHAPE(1, 2, 3), VALUES(0, 0, 0, 0, 0, 0));
    uint32_t version = to->storage->version;
    assert_int_equal(nb_tensor_copy(ctx, turned, from), NB_OK);
    for (int64_t i = 0; i < 6; i++) assert_true(element(to, i) == (double)(i % 3 + 1));
    assert_true(to->storage->version != version);
    assert_int_equal(nb_tensor_copy(ctx, to, from), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "cannot copy 3x1 into 2x3");
    assert_int_equal(nb_tensor_copy(ctx, to, row), NB_ESHAPE);
    assert_int_equal(nb_tensor_fill(ctx, turned, 9), NB_OK);
    assert_true(element(to, 5) == 9);
    nb_tensor_release(ctx, to);
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, row);
}

/* To integers towards zero, within their range, NaN as 0; and a scale on the way. */
static void test_convert(void **state)
{
    (void)state;
    nb_tensor *t = tensor_of(NB_F64, SHAPE(5), VALUES(1.9, -1.9, 300, NAN, 3e9));
    static const double want[2][5] = {{1, 0, 255, 0, 255}, {1, -1, 300, 0, 2147483647}};
    for (int d = 0; d < 2; d++) {
        nb_tensor *out = nb_tensor_convert(ctx, t, d ? NB_I32 : NB_U8, 1);
        for (int64_t i = 0; i < 5; i++) assert_true(nb_tensor_get(out, &i) == want[d][i]);
        nb_tensor_release(ctx, out);
    }
    nb_tensor *same = nb_tensor_convert(ctx, t, NB_F64, 1),
              *twice = nb_tensor_convert(ctx, t, NB_F64, 2);
    assert_ptr_equal(same, t);
    assert_true(element(twice, 0) == 3.8);
    nb_tensor *number = nb_tensor_scalar(ctx, NB_F32, 2.5);
    assert_true(nb_tensor_item(number) == 2.5 && number->dims == 0);
    nb_tensor_release(ctx, t);
    nb_tensor_release(ctx, same);
    nb_tensor_release(ctx, twice);
    nb_tensor_release(ctx, number);
}

static nb_status attempt(void *arg)
{
    nb_tensor *t = arg, *flat = nb_tensor_reshape(ctx, t, 1, (const int64_t[]){-1});
    nb_tensor *other = flat ? nb_tensor_convert(ctx, flat, NB_F32, 2) : NULL;
    nb_tensor *wide = other ? nb_tensor_expand(ctx, other, SHAPE(4, 6)) : NULL;
    nb_status status = wide ? nb_tensor_fill(ctx, other, 1) : ctx->status;
    nb_tensor_release(ctx, flat);
    nb_tensor_release(ctx, other);
    nb_tensor_release(ctx, wide);
    return status;
}

static void test_memory(void **state)
{
    (void)state;
    nb_tensor *t = tensor_of(NB_F64, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *turned = nb_tensor_transpose(ctx, t);
    sweep(attempt, turned);
    assert_true(element(t, 5) == 6);
    nb_tensor_release(ctx, t);
    nb_tensor_release(ctx, turned);
}

/* A block of zeros that takes long can be stopped; one that does not is whole all the same. */
static void test_zeros_interrupt(void **state)
{
    (void)state;
    const int64_t stretch = (int64_t)16 << 20; /* bytes */
    volatile sig_atomic_t pressed = 1;
    ctx->interrupt = &pressed;
    nb_tensor *whole = nb_tensor_zeros(ctx, NB_U8, 1, &stretch);
    assert_non_null(whole);
    assert_true(nb_tensor_get(whole, (int64_t[]){stretch - 1}) == 0);
    assert_null(nb_tensor_zeros(ctx, NB_U8, 1, (int64_t[]){stretch + 1}));
    assert_int_equal(ctx->status, NB_EINTERRUPT);
    ctx->interrupt = NULL;
    nb_tensor *both = nb_tensor_zeros(ctx, NB_U8, 1, (int64_t[]){stretch + 1});
    assert_true(nb_tensor_get(both, &stretch) == 0);
    nb_tensor_release(ctx, whole);
    nb_tensor_release(ctx, both);
}

/* Which tensors may be written to: those whose places do not share an element. */
static void test_check_write(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(2, 1), VALUES(1, 2));
    nb_tensor *turned = nb_tensor_transpose(ctx, x);
    nb_tensor *wide = nb_tensor_expand(ctx, x, 2, (int64_t[]){2, 3});
    nb_tensor *more = nb_tensor_expand(ctx, x, 3, (int64_t[]){1, 2, 1});
    assert_int_equal(nb_tensor_check_write(ctx, x), NB_OK);
    assert_int_equal(nb_tensor_check_write(ctx, turned), NB_OK);
    assert_int_equal(nb_tensor_check_write(ctx, more), NB_OK);
    assert_int_equal(nb_tensor_check_write(ctx, wide), NB_EARG);
    nb_tensor *all[] = {x, turned, wide, more};
    for (size_t i = 0; i < 4; i++) nb_tensor_release(ctx, all[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reshape),     TEST(reshape_refuses), TEST(limits),
        TEST(views),       TEST(expand),          TEST(copy),
        TEST(convert),     TEST(memory),          TEST(zeros_interrupt),
        TEST(check_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
