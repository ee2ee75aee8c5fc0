/* x[key]: random keys of every kind against their meaning written out element by element, for
 * reading, writing and the gradient; and what is refused. */
#include "grad/key.h"

#include "values.h"

#include "tensor/shape.h"

/* ---- What a key means ----------------------------------------------------------------------- */

enum { MOST = 4, KEYS = 3000 }; /* dimensions of the tensors tried; how many */

/* What a key says of one dimension of x. */
typedef struct saying {
    nb_place_kind kind;
    const nb_place *entry;
    nb_tensor *counted; /* indices: places from 0, of the indices' own shape; f64 */
} saying;

typedef struct meaning {
    int dims; /* of x */
    saying says[MOST];
    int advanced_dims; /* of all indices together */
    int64_t advanced[NB_MAX_DIMS];
    int result_dims, at; /* where in the result the indices' dimensions stand */
    int64_t result[NB_MAX_DIMS];
    int range_at[MOST]; /* the dimension of the result that belongs to a range */
} meaning;

/* The d-th column of the indices where a mask says yes. */
static nb_tensor *column_of_mask(const nb_tensor *mask, int d)
{
    double found[64];
    int64_t n = 0;
    for (int64_t i = 0; i < nb_tensor_count(mask); i++) {
        int64_t index[NB_MAX_DIMS];
        unravel(mask->dims, mask->shape, i, index);
        if (nb_tensor_get(mask, index) != 0) found[n++] = (double)index[d];
    }
    return tensor_of(NB_F64, 1, &n, found);
}

static nb_tensor *column_of_indices(const nb_tensor *tensor, int64_t size)
{
    nb_tensor *out = nb_tensor_new(ctx, NB_F64, tensor->dims, tensor->shape);
    for (int64_t i = 0; i < nb_tensor_count(tensor); i++) {
        int64_t index[NB_MAX_DIMS];
        unravel(tensor->dims, tensor->shape, i, index);
        double v = nb_tensor_get(tensor, index);
        nb_tensor_set(out, index, v > 0 ? v - 1 : v + (double)size);
    }
    return out;
}

/* NumPy's rule: a mask is the indices where it says yes; all indices are broadcast together; what
 * they give stands in their place when they are neighbours, else first. False where they do not
 * fit together. */
static bool mean(const nb_tensor *x, const nb_key *key, meaning *m)
{
    bool fits = true;
    *m = (meaning){.dims = x->dims};
    int dim = 0;
    for (int i = 0; i < key->count; i++) {
        const nb_place *entry = &key->at[i];
        int span = entry->kind == NB_PLACE_MASK ? entry->tensor->dims : 1;
        for (int k = 0; k < span; k++, dim++) {
            saying *s = &m->says[dim];
            *s = (saying){entry->kind, entry, NULL};
            if (entry->kind == NB_PLACE_MASK) s->counted = column_of_mask(entry->tensor, k);
            if (entry->kind == NB_PLACE_INDICES)
                s->counted = column_of_indices(entry->tensor, x->shape[dim]);
            if (s->counted)
                fits &= nb_shape_broadcast(m->advanced_dims, m->advanced, s->counted->dims,
                                           s->counted->shape, &m->advanced_dims, m->advanced);
        }
    }
    static const nb_place all = {.kind = NB_PLACE_RANGE, .length = -1, .step = 1};
    for (; dim < x->dims; dim++) m->says[dim] = (saying){NB_PLACE_RANGE, &all, NULL};
    return fits;
}

static int64_t range_length(const nb_tensor *x, const meaning *m, int d)
{
    int64_t length = m->says[d].entry->length;
    return length < 0 ? x->shape[d] : length;
}

/* Lays the dimensions of the result out. */
static void lay_out(const nb_tensor *x, meaning *m)
{
    int ranges = 0, runs = 0;
    bool last = false;
    for (int d = 0; d < m->dims; d++) {
        if (m->says[d].kind == NB_PLACE_ENTRY) continue;
        bool advanced = m->says[d].counted != NULL;
        if (advanced && !last && runs++ == 0) m->at = ranges;
        if (!advanced) m->range_at[d] = ranges++;
        last = advanced;
    }
    bool any = runs > 0;
    if (runs > 1) m->at = 0;
    m->result_dims = ranges + (any ? m->advanced_dims : 0);
    for (int d = 0; d < m->dims; d++) {
        if (m->says[d].kind != NB_PLACE_RANGE) continue;
        if (any && m->range_at[d] >= m->at) m->range_at[d] += m->advanced_dims;
        m->result[m->range_at[d]] = range_length(x, m, d);
    }
    for (int i = 0; any && i < m->advanced_dims; i++) m->result[m->at + i] = m->advanced[i];
}

/* The index in x of an element of the result. */
static void find(const meaning *m, const int64_t *of_result, int64_t *of_x)
{
    for (int d = 0; d < m->dims; d++) {
        const saying *s = &m->says[d];
        if (s->kind == NB_PLACE_ENTRY)
            of_x[d] = s->entry->start;
        else if (s->counted)
            of_x[d] = (int64_t)spread_at(s->counted, m->advanced_dims, of_result + m->at);
        else
            of_x[d] = s->entry->start + s->entry->step * of_result[m->range_at[d]];
    }
}

static void forget(meaning *m)
{
    for (int d = 0; d < m->dims; d++) nb_tensor_release(ctx, m->says[d].counted);
}

/* ---- Random keys ---------------------------------------------------------------------------- */

static int64_t below(nb_stream *stream, int64_t n)
{
    return (int64_t)nb_random_below(stream, (uint64_t)n);
}

/* Numbers 1, 2, … in one of several layouts. */
static nb_tensor *random_tensor(nb_stream *stream, nb_dtype dtype)
{
    int64_t shape[MOST];
    int dims = 1 + (int)below(stream, MOST);
    for (int d = 0; d < dims; d++) shape[d] = 1 + below(stream, 3);
    nb_tensor *x = nb_tensor_new(ctx, dtype, dims, shape);
    for (int64_t i = 0; i < nb_tensor_count(x); i++) {
        int64_t index[NB_MAX_DIMS];
        unravel(dims, shape, i, index);
        nb_tensor_set(x, index, (double)i + 1);
    }
    nb_tensor *out = below(stream, 2) ? strided(x) : nb_tensor_retain(x);
    nb_tensor_release(ctx, x);
    return out;
}

static nb_tensor *random_indices(nb_stream *stream, int64_t size)
{
    static const nb_dtype dtypes[] = {NB_I32, NB_F32, NB_F64};
    int64_t shape[2];
    int dims = (int)below(stream, 3);
    for (int d = 0; d < dims; d++) shape[d] = below(stream, 3) ? 2 : below(stream, 2);
    nb_tensor *out = nb_tensor_new(ctx, dtypes[below(stream, 3)], dims, shape);
    for (int64_t i = 0; i < nb_tensor_count(out); i++) {
        int64_t index[NB_MAX_DIMS], entry = below(stream, size);
        unravel(dims, shape, i, index);
        nb_tensor_set(out, index, (double)(below(stream, 2) ? entry + 1 : entry - size));
    }
    return out;
}

static nb_tensor *random_mask(nb_stream *stream, int dims, const int64_t *shape)
{
    nb_tensor *out = nb_tensor_new(ctx, NB_U8, dims, shape);
    uint8_t *yes = nb_tensor_data(out);
    for (int64_t i = 0; i < nb_tensor_count(out); i++) yes[i] = below(stream, 2) ? 255 : 0;
    return out;
}

static nb_place random_range(nb_stream *stream, int64_t size)
{
    int64_t a = below(stream, size), b = below(stream, size);
    int64_t width = a < b ? b - a : a - b, step = 1 + below(stream, 2);
    return (nb_place){.kind = NB_PLACE_RANGE,
                      .start = a,
                      .length = width / step + 1,
                      .step = a <= b ? step : -step};
}

static nb_key random_key(nb_stream *stream, const nb_tensor *x)
{
    nb_key key = {.count = 0};
    for (int dim = 0; dim < x->dims && below(stream, 6);) {
        nb_place *entry = &key.at[key.count++];
        int span = 1;
        *entry = (nb_place){.kind = (nb_place_kind)below(stream, 4)};
        if (entry->kind == NB_PLACE_ENTRY) entry->start = below(stream, x->shape[dim]);
        if (entry->kind == NB_PLACE_RANGE) *entry = random_range(stream, x->shape[dim]);
        if (entry->kind == NB_PLACE_INDICES) entry->tensor = random_indices(stream, x->shape[dim]);
        if (entry->kind == NB_PLACE_MASK) {
            span = 1 + (int)below(stream, x->dims - dim);
            entry->tensor = random_mask(stream, span, x->shape + dim);
        }
        dim += span;
    }
    return key;
}

static void free_key(nb_key *key)
{
    for (int i = 0; i < key->count; i++) nb_tensor_release(ctx, key->at[i].tensor);
}

/* ---- Reading and writing -------------------------------------------------------------------- */

/* Compares what is read, and adds δ to where it came from. */
static void check_read(nb_tensor *x, const nb_key *key, const meaning *m, nb_tensor *want_grad)
{
    nb_tensor *out = nb_key_read(ctx, x, key);
    if (!out) fail_msg("%s", ctx->message);
    assert_int_equal(out->dims, m->result_dims);
    for (int d = 0; d < out->dims; d++) assert_int_equal(out->shape[d], m->result[d]);
    for (int64_t i = 0; i < nb_tensor_count(out); i++) {
        int64_t index[NB_MAX_DIMS], from[NB_MAX_DIMS];
        unravel(out->dims, out->shape, i, index);
        find(m, index, from);
        assert_true(nb_tensor_get(out, index) == nb_tensor_get(x, from));
        if (!want_grad) continue;
        double delta = 1 - 0.375 * (double)(i % 5); /* as run_back has it */
        nb_tensor_set(want_grad, from, nb_tensor_get(want_grad, from) + delta);
    }
    if (want_grad && out != x) {
        outcome o = {.out = out};
        nb_call call = {.in = {x}, .inputs = 1};
        assert_int_equal(run_back(&call, false, &o), NB_OK);
        assert_true(near(o.grad[0], want_grad, 0, 0));
        nb_tensor_release(ctx, o.grad[0]);
    }
    nb_tensor_release(ctx, out);
}

/* Writes numbers of its own to every element that a key names, or one number to all of them. The
 * last of several for one element counts. */
static void check_write(nb_tensor *x, const nb_key *key, const meaning *m, bool one)
{
    nb_tensor *want = nb_tensor_clone(ctx, x);
    nb_tensor *value = nb_tensor_new(ctx, NB_F64, one ? 0 : m->result_dims, m->result);
    int64_t count = nb_shape_count(m->result_dims, m->result);
    if (one) nb_tensor_set(value, NULL, 200);
    for (int64_t i = 0; i < count; i++) {
        int64_t index[NB_MAX_DIMS], to[NB_MAX_DIMS];
        unravel(m->result_dims, m->result, i, index);
        find(m, index, to);
        nb_tensor_set(want, to, one ? 200 : (double)(100 + i));
        if (!one) nb_tensor_set(value, index, (double)(100 + i));
    }
    if (nb_key_write(ctx, x, key, value) != NB_OK) fail_msg("%s", ctx->message);
    assert_true(near(x, want, 0, 0));
    nb_tensor_release(ctx, want);
    nb_tensor_release(ctx, value);
}

static void check_key(nb_stream *stream, nb_dtype dtype)
{
    nb_tensor *x = random_tensor(stream, dtype), *grad = NULL;
    nb_key key = random_key(stream, x);
    meaning m;
    if (mean(x, &key, &m)) {
        lay_out(x, &m);
        if (nb_dtype_computes(dtype)) {
            grad = nb_tensor_zeros(ctx, dtype, x->dims, x->shape);
            assert_int_equal(nb_require_grad(ctx, x, true), NB_OK);
        }
        check_read(x, &key, &m, grad);
        if (grad) assert_int_equal(nb_require_grad(ctx, x, false), NB_OK);
        check_write(x, &key, &m, false);
        check_write(x, &key, &m, true);
    } else {
        assert_null(nb_key_read(ctx, x, &key));
        assert_failed(NB_ESHAPE, "do not fit together");
    }
    forget(&m);
    free_key(&key);
    nb_tensor_release(ctx, grad);
    nb_tensor_release(ctx, x);
}

/* Catches a dimension that is counted wrongly anywhere, a write that goes into a copy, and a
 * gradient that goes elsewhere than what was read came from. */
static void test_meaning(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(7, NB_FOR_TENSOR, 0);
    ctx->recording = true;
    for (int i = 0; i < KEYS; i++) check_key(&stream, (nb_dtype)(i % NB_DTYPES));
}

/* ---- One by one ----------------------------------------------------------------------------- */

static nb_key key_of(nb_place_kind kind, nb_tensor *tensor)
{
    return (nb_key){.count = 1, .at = {{.kind = kind, .tensor = tensor}}};
}

/* The tensor, its mask and its value may be one. */
static void test_overlap(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_U8, SHAPE(2, 2), VALUES(1, 0, 0, 1));
    nb_tensor *column = nb_tensor_select(ctx, x, 1, 0), *seven = nb_tensor_scalar(ctx, NB_U8, 0);
    nb_key rows = key_of(NB_PLACE_MASK, column), all = key_of(NB_PLACE_MASK, x);
    assert_int_equal(nb_key_write(ctx, x, &rows, seven), NB_OK);
    nb_tensor *want = tensor_of(NB_U8, SHAPE(2, 2), VALUES(0, 0, 0, 1));
    assert_true(near(x, want, 0, 0));
    assert_int_equal(nb_key_write(ctx, x, &all, seven), NB_OK);
    nb_tensor *turn = tensor_of(NB_I32, SHAPE(3), VALUES(3, 1, 2));
    nb_key by = key_of(NB_PLACE_INDICES, turn);
    assert_int_equal(nb_key_write(ctx, turn, &by, turn), NB_OK);
    nb_tensor *wanted = tensor_of(NB_I32, SHAPE(3), VALUES(1, 2, 3));
    assert_true(nb_tensor_get(x, (const int64_t[]){1, 1}) == 0);
    assert_true(near(turn, wanted, 0, 0));
    nb_tensor *const all_of[] = {x, column, seven, want, turn, wanted};
    for (int i = 0; i < 6; i++) nb_tensor_release(ctx, all_of[i]);
}

/* What is refused changes nothing and says why. */
static void test_refusals(void **state)
{
    (void)state;
    nb_tensor *x = tensor_of(NB_U8, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    nb_tensor *before = nb_tensor_clone(ctx, x), *three = nb_tensor_select(ctx, x, 0, 0);
    nb_tensor *mask = tensor_of(NB_U8, SHAPE(3), VALUES(1, 1, 1));
    nb_tensor *index = tensor_of(NB_I32, SHAPE(2), VALUES(1, 3));
    nb_tensor *large = nb_tensor_scalar(ctx, NB_F32, 256), *fits = nb_tensor_scalar(ctx, NB_F32, 7);
    nb_key by_mask = key_of(NB_PLACE_MASK, mask), by_index = key_of(NB_PLACE_INDICES, index);
    assert_null(nb_key_read(ctx, x, &by_mask));
    assert_failed(NB_ESHAPE, "a mask of 3 does not fit 2x3 from dimension 1 on");
    assert_int_equal(nb_key_write(ctx, x, &by_index, fits), NB_EARG);
    assert_failed(NB_EARG, "index 3 is outside dimension 1, which has 2");
    nb_key behind = {.count = 2, .at = {{.kind = NB_PLACE_ENTRY}, by_index.at[0]}};
    assert_int_equal(nb_key_write(ctx, x, &behind, large), NB_EVALUE);
    assert_failed(NB_EVALUE, "256 does not fit into u8, which holds whole numbers from 0 to 255");
    assert_int_equal(nb_key_write(ctx, x, &behind, three), NB_ESHAPE);
    assert_failed(NB_ESHAPE, "cannot write 3 into 2");
    assert_true(near(x, before, 0, 0));
    nb_tensor *const all[] = {x, before, three, mask, index, large, fits};
    for (int i = 0; i < 7; i++) nb_tensor_release(ctx, all[i]);
}

typedef struct attempt {
    nb_tensor *x, *value;
    nb_key key;
} attempt;

static nb_status read_and_write(void *arg)
{
    const attempt *a = arg;
    nb_tensor *out = nb_key_read(ctx, a->x, &a->key);
    if (!out) return ctx->status;
    nb_tensor_release(ctx, out);
    return nb_key_write(ctx, a->x, &a->key, a->value);
}

/* Catches a request whose failure is not seen, on the longest way: places apart in a view. */
static void test_memory(void **state)
{
    (void)state;
    nb_tensor *base = tensor_of(NB_F32, SHAPE(2, 2, 2), VALUES(1, 2, 3, 4, 5, 6, 7, 8));
    nb_tensor *mask = tensor_of(NB_U8, SHAPE(2), VALUES(1, 1));
    nb_tensor *index = tensor_of(NB_I32, SHAPE(2), VALUES(1, 2));
    attempt a = {.x = strided(base), .value = nb_tensor_scalar(ctx, NB_F64, 3)};
    a.key = (nb_key){.count = 3,
                     .at = {{.kind = NB_PLACE_MASK, .tensor = mask},
                            {.kind = NB_PLACE_RANGE, .length = 2, .step = 1},
                            {.kind = NB_PLACE_INDICES, .tensor = index}}};
    sweep(read_and_write, &a);
    nb_tensor *const all[] = {base, mask, index, a.x, a.value};
    for (int i = 0; i < 5; i++) nb_tensor_release(ctx, all[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(meaning), TEST(overlap), TEST(refusals), TEST(memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
