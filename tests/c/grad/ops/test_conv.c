/* Convolutions and pools in shapes that chance draws, against loops over every number: strides,
 * dilations, groups, uneven padding, bands of large images, both dtypes; gradients as what a small
 * change along a direction makes of the output; the same bits at any number of threads. */
#include "../values_conv.h"

#include "base/workers.h"

enum {
    DRAWS = 300,
    CHECKED = 1500, /* elements of a large output */
    THIN = 6        /* one δ in so many is not 0 where most are */
};

static nb_stream stream;

static int below(int n)
{
    return (int)nb_random_below(&stream, (uint64_t)n);
}

static nb_tensor *drawn(nb_dtype dtype, int dims, const int64_t *shape)
{
    nb_tensor *t = nb_tensor_new(ctx, dtype, dims, shape);
    nb_tensor *flat = nb_tensor_reshape(ctx, t, 1, (const int64_t[]){-1});
    for (int64_t i = 0; i < flat->shape[0]; i++)
        nb_tensor_set(flat, &i, (double)(float)(2 * nb_random_unit(&stream) - 1));
    nb_tensor_release(ctx, flat);
    return t;
}

/* What is asked of an output: most of it nothing where `thin`, as behind a max_pool. */
static nb_tensor *asked_of(nb_dtype dtype, int dims, const int64_t *shape, bool thin)
{
    nb_tensor *t = drawn(dtype, dims, shape);
    nb_tensor *flat = nb_tensor_reshape(ctx, t, 1, (const int64_t[]){-1});
    for (int64_t i = 0; thin && i < flat->shape[0]; i++)
        if (below(THIN)) nb_tensor_set(flat, &i, 0);
    nb_tensor_release(ctx, flat);
    return t;
}

/* ---- A call that chance draws ---------------------------------------------------------------- */

/* Sizes of one extent under which at least one window stands. */
static void draw_extent(struct nb_attr_window *attr, int i, int64_t *size, int64_t *kernel,
                        bool large)
{
    *kernel = 1 + below(large ? 3 : 5);
    attr->kernel[i] = (int32_t)*kernel;
    attr->stride[i] = 1 + (below(2) ? 0 : below(4));
    attr->dilation[i] = 1 + (below(2) ? 0 : below(3));
    attr->low[i] = below(2) ? 0 : below(4);
    attr->high[i] = below(2) ? 0 : below(4);
    int64_t least = attr->dilation[i] * (*kernel - 1) + 1 - attr->low[i] - attr->high[i];
    *size = (least > 1 ? least : 1) + below(large ? 60 : 9);
}

/* x, w and b of a convolution, or x of a pool. */
static void draw_call(sample *s, nb_op_id op, nb_dtype dtype, bool large)
{
    bool turned = op == NB_OP_conv_transpose, pools = op == NB_OP_max_pool || op == NB_OP_avg_pool;
    int extents = 1 + below(2);
    int64_t x[4], w[4];
    *s = (sample){.call = nb_call_make(nb_ops[op])};
    struct nb_attr_window *attr = &s->call.attr.window;
    attr->groups = pools || below(3) ? 1 : 1 + below(3);
    bool deep = large && !pools && !below(2); /* many numbers under a window, many maps */
    int64_t channels = (1 + below(deep ? 60 : large ? 12 : 4)) * attr->groups;
    int64_t maps = (1 + below(deep ? 40 : below(3) ? 5 : 24)) * attr->groups;
    x[0] = 1 + below(large ? 9 : 3);
    x[1] = channels;
    w[0] = turned ? channels : maps;
    w[1] = (turned ? maps : channels) / attr->groups;
    for (int i = 0; i < extents; i++) {
        draw_extent(attr, i, &x[2 + i], &w[2 + i], large);
        if (pools && attr->low[i] >= attr->kernel[i]) attr->low[i] = 0;
        if (pools && attr->high[i] >= attr->kernel[i]) attr->high[i] = 0;
        if (pools) attr->dilation[i] = 1;
        if (pools) x[2 + i] += attr->kernel[i];
        attr->extra[i] = turned && attr->stride[i] > 1 ? below(attr->stride[i]) : 0;
        if (turned) x[2 + i] += 8;
    }
    s->call.in[s->call.inputs++] = drawn(dtype, 2 + extents, x);
    if (!pools) {
        s->call.in[s->call.inputs++] = drawn(dtype, 2 + extents, w);
        s->call.in[s->call.inputs++] = drawn(dtype, 1, &maps);
    }
    snprintf(s->text, sizeof s->text, "%s %d: %dx%dx%d, %d groups", nb_ops[op]->name, extents,
             (int)x[0], (int)x[1], (int)x[2], (int)attr->groups);
}

static void drop_call(sample *s)
{
    for (int i = 0; i < s->call.inputs; i++) nb_tensor_release(ctx, s->call.in[i]);
    nb_call_drop(ctx, &s->call);
}

static double dot(const nb_tensor *a, const nb_tensor *b)
{
    double sum = 0;
    for (int64_t i = 0, n = nb_tensor_count(a); i < n; i++) sum += flat_at(a, i) * flat_at(b, i);
    return sum;
}

/* What the op gives with another tensor in place of input i, off the tape. */
static nb_tensor *given(const sample *s, int i, nb_tensor *instead)
{
    bool recording = ctx->recording;
    nb_call call = s->call;
    memset(call.saved, 0, sizeof call.saved);
    if (instead) call.in[i] = instead;
    ctx->recording = false;
    nb_tensor *out = nb_op_call(ctx, &call);
    if (!out) fail_msg("%s: %s", s->text, ctx->message);
    nb_call_drop(ctx, &call);
    ctx->recording = recording;
    return out;
}

/* ---- What holds ------------------------------------------------------------------------------ */

static void check_values(const sample *s, double (*value)(const place *p), double tolerance)
{
    nb_tensor *out = given(s, 0, NULL);
    int64_t count = nb_tensor_count(out), step = count / CHECKED + 1;
    for (int64_t i = 0; i < count; i += step) {
        place p = {.s = s, .out = out, .at = i};
        unravel(out->dims, out->shape, i, p.index);
        double got = flat_at(out, i), want = value(&p);
        if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
            fail_msg("%s: element %d is %.17g, not %.17g", s->text, (int)i, got, want);
    }
    nb_tensor_release(ctx, out);
}

/* δ · (f(x + d) - f(x)) = dx · d, for the op is linear in each input. */
static void check_gradients(const sample *s, bool thin)
{
    nb_tensor *leaf[3], *base = given(s, 0, NULL);
    sample taped = *s;
    for (int i = 0; i < s->call.inputs; i++) {
        leaf[i] = taped.call.in[i] = nb_tensor_alias(ctx, s->call.in[i]);
        assert_int_equal(nb_require_grad(ctx, leaf[i], true), NB_OK);
    }
    nb_tensor *delta = asked_of(NB_F64, base->dims, base->shape, thin);
    ctx->recording = true;
    nb_tensor *out = nb_op_call(ctx, &taped.call);
    const nb_backward_options options = {.delta = delta};
    assert_int_equal(nb_backward(ctx, out, &options), NB_OK);
    ctx->recording = false;
    for (int i = 0; i < s->call.inputs; i++) {
        nb_tensor *d = drawn(NB_F64, leaf[i]->dims, leaf[i]->shape);
        nb_tensor *moved = nb_op2(ctx, NB_OP_add, s->call.in[i], d);
        nb_tensor *there = given(s, i, moved);
        double got = dot(nb_leaf_of(leaf[i])->grad, d), want = dot(delta, there) - dot(delta, base);
        if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want) + (double)nb_tensor_count(d))))
            fail_msg("%s: gradient %d along a direction is %.17g, not %.17g", s->text, i, got,
                     want);
        nb_tensor_release(ctx, d);
        nb_tensor_release(ctx, moved);
        nb_tensor_release(ctx, there);
        nb_tensor_release(ctx, leaf[i]);
    }
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, delta);
    nb_tensor_release(ctx, base);
}

/* Catches a row, column or group that is one off, in any of the products, and sums that lose a
 * band or a piece. */
static void check_op(nb_op_id op, double (*value)(const place *p))
{
    bool pools = op == NB_OP_max_pool;
    stream = nb_stream_make(5, NB_FOR_TENSOR, (uint64_t)op);
    for (int i = 0; i < DRAWS; i++) {
        sample s;
        bool large = i % 20 == 0;
        nb_dtype dtype = i % 3 == 1 ? NB_F32 : NB_F64;
        draw_call(&s, op, dtype, large);
        check_values(&s, value, dtype == NB_F32 ? 2e-5 : 1e-12);
        if (dtype == NB_F64 && !pools) check_gradients(&s, false);
        if (dtype == NB_F64 && op == NB_OP_conv) check_gradients(&s, true);
        drop_call(&s);
    }
}

static void test_conv(void **state)
{
    (void)state;
    check_op(NB_OP_conv, conv_value);
}

static void test_conv_transpose(void **state)
{
    (void)state;
    check_op(NB_OP_conv_transpose, conv_transpose_value);
}

static void test_avg_pool(void **state)
{
    (void)state;
    check_op(NB_OP_avg_pool, avg_pool_value);
}

static void test_max_pool(void **state)
{
    (void)state;
    check_op(NB_OP_max_pool, max_pool_value);
}

/* Every δ goes to the first of the largest: the sum of x times dx is that of y times δ, and dx is 0
 * where no δ goes. Catches places that are counted otherwise than they are read. */
static void test_max_pool_gradient(void **state)
{
    (void)state;
    stream = nb_stream_make(6, NB_FOR_TENSOR, 1);
    for (int i = 0; i < DRAWS / 4; i++) {
        sample s;
        draw_call(&s, NB_OP_max_pool, NB_F64, false);
        nb_tensor *x = s.call.in[0];
        assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
        ctx->recording = true;
        nb_tensor *y = nb_op_call(ctx, &s.call);
        nb_tensor *delta = drawn(NB_F64, y->dims, y->shape);
        const nb_backward_options options = {.delta = delta};
        assert_int_equal(nb_backward(ctx, y, &options), NB_OK);
        ctx->recording = false;
        double got = dot(nb_leaf_of(x)->grad, x), want = dot(delta, y);
        if (!(fabs(got - want) <= 1e-10)) fail_msg("%s: %.17g, not %.17g", s.text, got, want);
        nb_tensor_release(ctx, y);
        nb_tensor_release(ctx, delta);
        drop_call(&s);
    }
}

/* The first of equals, whatever the stride; a NaN is not lost. */
static void test_max_pool_ties(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_F64, SHAPE(1, 1, 6), VALUES(2, 2, NAN, 1, 3, 3));
    nb_call call = nb_call_make(nb_ops[NB_OP_max_pool]);
    call.in[0] = x;
    call.inputs = 1;
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    ctx->recording = true;
    nb_tensor *y = nb_op_call(ctx, &call), *sum = nb_op1(ctx, NB_OP_sum, y);
    assert_true(flat_at(y, 0) == 2 && isnan(flat_at(y, 1)) && flat_at(y, 2) == 3);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    const double wanted[] = {1, 0, 1, 0, 1, 0};
    for (int i = 0; i < 6; i++) assert_true(flat_at(nb_leaf_of(x)->grad, i) == wanted[i]);
    nb_call_drop(ctx, &call);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, y);
    nb_tensor_release(ctx, x);
}

/* Windows of two by two, or two along a sequence, that stand side by side have loops of their own:
 * every width, what is left over, equals, NaN. Catches a place that is one off, a NaN that a later
 * number hides, leftover numbers that keep what was there. */
static int64_t best_of_pair(const nb_tensor *x, int64_t first, int64_t rows, int64_t width)
{
    int64_t best = first;
    for (int64_t k = 1; k < 2 * rows; k++) {
        int64_t at = first + k / 2 * width + k % 2;
        double v = flat_at(x, at);
        if (v > flat_at(x, best) || isnan(v)) best = at;
    }
    return best;
}

/* y, and dx of ones at y. */
static void check_pairs_of(const sample *s, const nb_tensor *x, const nb_tensor *y)
{
    int64_t width = x->shape[x->dims - 1], rows = x->dims == 4 ? 2 : 1;
    int64_t height = x->dims == 4 ? x->shape[2] : 1, of_plane = height / rows * (width / 2);
    nb_tensor *dx = nb_tensor_zeros(ctx, NB_F64, x->dims, x->shape);
    for (int64_t i = 0; i < nb_tensor_count(y); i++) {
        int64_t plane = i / of_plane, in = i % of_plane;
        int64_t row = plane * height + in / (width / 2) * rows;
        int64_t best = best_of_pair(x, row * width + in % (width / 2) * 2, rows, width);
        double got = flat_at(y, i), want = flat_at(x, best);
        ((double *)nb_tensor_data(dx))[best] += 1;
        if (!(got == want || (isnan(got) && isnan(want))))
            fail_msg("%s: %d is %g, not %g", s->text, (int)i, got, want);
    }
    for (int64_t i = 0; i < nb_tensor_count(dx); i++) {
        double got = flat_at(nb_leaf_of(x)->grad, i);
        if (!(got == flat_at(dx, i)))
            fail_msg("%s: the gradient at %d is %g", s->text, (int)i, got);
    }
    nb_tensor_release(ctx, dx);
}

/* Numbers 0, 1, 2 and, of four kinds, NaN. */
static void check_pairs(nb_dtype dtype, int dims, const int64_t *shape, int kinds)
{
    sample s = {.call = nb_call_make(nb_ops[NB_OP_max_pool])};
    nb_tensor *x = s.call.in[0] = drawn(dtype, dims, shape);
    nb_tensor *flat = nb_tensor_reshape(ctx, x, 1, (const int64_t[]){-1});
    for (int64_t i = 0; i < flat->shape[0]; i++) {
        int kind = below(kinds);
        nb_tensor_set(flat, &i, kind == 3 ? (double)NAN : (double)kind);
    }
    s.call.inputs = 1;
    snprintf(s.text, sizeof s.text, "pairs of %dx%d", (int)shape[dims - 2], (int)shape[dims - 1]);
    assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
    ctx->recording = true;
    nb_tensor *y = nb_op_call(ctx, &s.call), *sum = nb_op1(ctx, NB_OP_sum, y);
    assert_int_equal(nb_backward(ctx, sum, NULL), NB_OK);
    ctx->recording = false;
    check_pairs_of(&s, x, y);
    nb_tensor_release(ctx, flat);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, y);
    drop_call(&s);
}

static void test_max_pool_pairs(void **state)
{
    (void)state;
    stream = nb_stream_make(9, NB_FOR_TENSOR, 1);
    for (int64_t width = 2; width <= 21; width++) {
        for (int kinds = 1; kinds <= 4; kinds++) {
            nb_dtype dtype = (width + kinds) % 2 ? NB_F32 : NB_F64;
            check_pairs(dtype, SHAPE(2, 2, 2 + width % 5, width), kinds);
            check_pairs(dtype, SHAPE(3, 2, width), kinds);
        }
    }
}

/* ---- Pieces --------------------------------------------------------------------------------- */

enum { MANY = 42, FEW = 7 }; /* images that are worth several pieces, and only one */

/* The gradient of w from images first … first + n - 1 and what is asked of their outputs. */
static nb_tensor *weights_of(nb_tensor *x, nb_tensor *w, nb_tensor *b, nb_tensor *delta,
                             int64_t first, int64_t n)
{
    nb_tensor *some = nb_tensor_narrow(ctx, x, 0, first, n, 1);
    nb_tensor *asked = nb_tensor_narrow(ctx, delta, 0, first, n, 1);
    const nb_backward_options options = {.delta = asked};
    nb_call call = nb_call_make(nb_ops[NB_OP_conv]);
    call.inputs = 3;
    call.in[0] = some;
    call.in[1] = w;
    call.in[2] = b;
    ctx->recording = true;
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_int_equal(nb_backward(ctx, out, &options), NB_OK);
    ctx->recording = false;
    nb_tensor *dw = nb_tensor_clone(ctx, nb_leaf_of(w)->grad);
    nb_call_drop(ctx, &call);
    nb_tensor_release(ctx, some);
    nb_tensor_release(ctx, asked);
    nb_tensor_release(ctx, out);
    return dw;
}

/* The sums of several pieces are those of images a few at a time, which are one piece each. */
static void check_pieces(bool thin)
{
    stream = nb_stream_make(8, NB_FOR_TENSOR, 1);
    nb_tensor *x = drawn(NB_F64, SHAPE(MANY, 6, 40, 37)), *w = drawn(NB_F64, SHAPE(6, 6, 5, 5));
    nb_tensor *b = drawn(NB_F64, SHAPE(6));
    nb_tensor *delta = asked_of(NB_F64, SHAPE(MANY, 6, 36, 33), thin);
    assert_int_equal(nb_require_grad(ctx, w, true), NB_OK);
    nb_tensor *whole = weights_of(x, w, b, delta, 0, MANY), *sum = NULL;
    for (int64_t first = 0; first < MANY; first += FEW) {
        nb_tensor *part = weights_of(x, w, b, delta, first, FEW);
        sum = sum ? nb_then2(ctx, NB_OP_add, sum, part) : nb_tensor_retain(part);
        nb_tensor_release(ctx, part);
    }
    for (int64_t i = 0; i < nb_tensor_count(whole); i++)
        assert_true(fabs(flat_at(whole, i) - flat_at(sum, i)) < 1e-9);
    nb_tensor_release(ctx, whole);
    nb_tensor_release(ctx, sum);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, w);
    nb_tensor_release(ctx, b);
    nb_tensor_release(ctx, delta);
}

static void test_pieces(void **state)
{
    (void)state;
    check_pieces(false);
    check_pieces(true);
}

/* Output and gradients of a convolution that is worth several pieces, one after the other. */
static nb_tensor *all_numbers(nb_op_id op, int64_t threads, bool thin)
{
    sample s;
    assert_int_equal(nb_set_threads(ctx, threads), NB_OK);
    stream = nb_stream_make(7, NB_FOR_TENSOR, 1);
    s.call = nb_call_make(nb_ops[op]);
    s.call.inputs = 3;
    s.call.in[0] = drawn(NB_F32, SHAPE(MANY, 6, 40, 37));
    s.call.in[1] = drawn(NB_F32, SHAPE(6, 6, 5, 5));
    s.call.in[2] = drawn(NB_F32, SHAPE(6));
    nb_tensor *list[5];
    for (int i = 0; i < 3; i++) assert_int_equal(nb_require_grad(ctx, s.call.in[i], true), NB_OK);
    ctx->recording = true;
    nb_tensor *out = nb_op_call(ctx, &s.call);
    nb_tensor *delta = asked_of(NB_F32, out->dims, out->shape, thin);
    const nb_backward_options options = {.delta = delta};
    assert_int_equal(nb_backward(ctx, out, &options), NB_OK);
    ctx->recording = false;
    for (int i = 0; i < 4; i++) {
        nb_tensor *t = i < 3 ? nb_leaf_of(s.call.in[i])->grad : out;
        list[i] = nb_tensor_reshape(ctx, t, 1, (const int64_t[]){-1});
    }
    nb_tensor *all = nb_op_cat(ctx, list, 4, 0);
    for (int i = 0; i < 4; i++) nb_tensor_release(ctx, list[i]);
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, delta);
    drop_call(&s);
    return all;
}

static void test_threads(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        nb_op_id op = k == 1 ? NB_OP_conv_transpose : NB_OP_conv;
        nb_tensor *one = all_numbers(op, 1, k == 2);
        for (int64_t threads = 2; threads <= 5; threads += 3) {
            nb_tensor *several = all_numbers(op, threads, k == 2);
            size_t bytes = (size_t)nb_tensor_count(one) * sizeof(float);
            assert_memory_equal(nb_tensor_data(one), nb_tensor_data(several), bytes);
            nb_tensor_release(ctx, several);
        }
        nb_tensor_release(ctx, one);
    }
    nb_workers_stop(ctx);
}

/* ---- Mostly zeros ---------------------------------------------------------------------------- */

/* The gradients of x and w together, for that δ. */
static nb_tensor *both_gradients(nb_tensor *const in[3], nb_tensor *delta)
{
    nb_call call = nb_call_make(nb_ops[NB_OP_conv]);
    const nb_backward_options options = {.delta = delta};
    nb_tensor *list[2];
    call.inputs = 3;
    memcpy(call.in, in, 3 * sizeof *in);
    for (int i = 0; i < 2; i++) assert_int_equal(nb_require_grad(ctx, in[i], true), NB_OK);
    ctx->recording = true;
    nb_tensor *out = nb_op_call(ctx, &call);
    assert_int_equal(nb_backward(ctx, out, &options), NB_OK);
    ctx->recording = false;
    for (int i = 0; i < 2; i++)
        list[i] = nb_tensor_reshape(ctx, nb_leaf_of(in[i])->grad, 1, (const int64_t[]){-1});
    nb_tensor *both = nb_op_cat(ctx, list, 2, 0);
    for (int i = 0; i < 2; i++) nb_tensor_release(ctx, list[i]);
    nb_call_drop(ctx, &call);
    nb_tensor_release(ctx, out);
    return both;
}

/* A gradient is linear in δ: what few δ give is what they add to that of many. Both dtypes, windows
 * of few and of many numbers. */
static void check_few(nb_dtype dtype, int64_t channels, int64_t kernel)
{
    int64_t out = 13 - kernel;
    nb_tensor *in[3] = {drawn(dtype, SHAPE(3, channels, 12, 12)),
                        drawn(dtype, SHAPE(9, channels, kernel, kernel)), drawn(dtype, SHAPE(9))};
    nb_tensor *few = asked_of(dtype, SHAPE(3, 9, out, out), true);
    nb_tensor *many = drawn(dtype, SHAPE(3, 9, out, out));
    nb_tensor *sum = nb_op2(ctx, NB_OP_add, few, many);
    nb_tensor *of_few = both_gradients(in, few), *of_many = both_gradients(in, many);
    nb_tensor *of_sum = both_gradients(in, sum);
    double tolerance = dtype == NB_F32 ? 2e-4 : 1e-11;
    for (int64_t i = 0; i < nb_tensor_count(of_few); i++) {
        double got = flat_at(of_few, i), want = flat_at(of_sum, i) - flat_at(of_many, i);
        if (!(fabs(got - want) <= tolerance))
            fail_msg("%d channels under %d: %d is %g, not %g", (int)channels, (int)kernel, (int)i,
                     got, want);
    }
    nb_tensor *const all[] = {in[0], in[1], in[2], few, many, sum, of_few, of_many, of_sum};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nb_tensor_release(ctx, all[i]);
}

static void test_few(void **state)
{
    (void)state;
    stream = nb_stream_make(10, NB_FOR_TENSOR, 1);
    for (int64_t channels = 1; channels <= 20; channels += channels < 5 ? 1 : 5)
        for (int64_t kernel = 1; kernel <= 5; kernel += 2) {
            check_few(NB_F32, channels, kernel);
            check_few(NB_F64, channels, kernel);
        }
}

/* What is not finite is not left out where δ is 0: 0 ∞ is NaN, in one number of w or x, and all
 * others stay what they are. */
static void test_few_not_finite(void **state)
{
    (void)state;
    const int64_t first[4] = {0};
    for (int i = 0; i < 2; i++) {
        nb_tensor *in[3] = {nb_tensor_zeros(ctx, NB_F64, SHAPE(1, 2, 4, 4)),
                            nb_tensor_zeros(ctx, NB_F64, SHAPE(4, 2, 1, 1)),
                            nb_tensor_zeros(ctx, NB_F64, SHAPE(4))};
        nb_tensor *delta = nb_tensor_zeros(ctx, NB_F64, SHAPE(1, 4, 4, 4));
        nb_tensor_set(delta, (const int64_t[]){0, 3, 3, 3}, 1);
        nb_tensor_set(in[i], first, INFINITY);
        nb_tensor *both = both_gradients(in, delta);
        int64_t nans = 0;
        for (int64_t k = 0; k < nb_tensor_count(both); k++) nans += isnan(flat_at(both, k)) != 0;
        assert_int_equal(nans, i ? 16 : 4);
        for (int k = 0; k < 3; k++) nb_tensor_release(ctx, in[k]);
        nb_tensor_release(ctx, delta);
        nb_tensor_release(ctx, both);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(conv),
        TEST(conv_transpose),
        TEST(avg_pool),
        TEST(max_pool),
        TEST(max_pool_gradient),
        TEST(max_pool_ties),
        TEST(max_pool_pairs),
        TEST(threads),
        TEST(pieces),
        TEST(few),
        TEST(few_not_finite),
    };
    return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}
