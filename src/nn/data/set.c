/* Data sets: making them from what a user gives, their parts, and batches: one conversion a row,
 * while the rows of the batch to come are on their way into the cache. */
#include "nn/data/set.h"

#include "base/memory.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- Class numbers -------------------------------------------------------------------------- */

/* What the values of y are, in one look. */
typedef struct survey {
    double low, high;
    int64_t low_at, high_at; /* where they stand, from 0 */
    int64_t odd;             /* the first that is no whole number, or -1 */
    double odd_value;
} survey;

static survey look_at(const nb_tensor *y)
{
    survey seen = {.odd = -1};
    for (int64_t i = 0; i < y->shape[0]; i++) {
        double value = nb_tensor_get(y, &i);
        if (!(value == floor(value) && isfinite(value))) {
            if (seen.odd < 0) seen.odd_value = value;
            if (seen.odd < 0) seen.odd = i;
            continue;
        }
        if (i == 0 || value < seen.low) seen.low = value, seen.low_at = i;
        if (i == 0 || value > seen.high) seen.high = value, seen.high_at = i;
    }
    return seen;
}

/* NB_EARG where the numbers are no classes 1 … count; count 0: as many as the largest says. */
static nb_status check_classes(nb_ctx *ctx, const survey *seen, int64_t count)
{
    char text[NB_NUMBER_MAX];
    int64_t most = count ? count : NB_CLASSES_MAX;
    if (seen->odd >= 0) {
        return nb_fail(ctx, NB_EARG,
                       "y holds %s at example %" PRId64 "; classes are whole numbers from 1",
                       nb_number_text(seen->odd_value, text), seen->odd + 1);
    }
    if (seen->low == 0 && seen->high < (double)most) {
        return nb_fail(ctx, NB_EARG, "y holds class 0: classes count from 1; add 1 to y");
    }
    if (seen->low < 1) {
        return nb_fail(ctx, NB_EARG,
                       "y holds class %s at example %" PRId64 "; classes count from 1",
                       nb_number_text(seen->low, text), seen->low_at + 1);
    }
    if (seen->high > (double)most) {
        return nb_fail(ctx, NB_EARG,
                       "y holds class %s at example %" PRId64 "; %s %" PRId64 " classes",
                       nb_number_text(seen->high, text), seen->high_at + 1,
                       count ? "the names are those of" : "a set has at most", most);
    }
    return NB_OK;
}

/* Whether y without names is meant as classes: one whole number from 1 for every example. Bytes and
 * integers that are not are a mistake to be told; others are targets. */
static bool looks_like_classes(const nb_tensor *y, const survey *seen)
{
    return !nb_dtype_computes(y->dtype) || (seen->odd < 0 && seen->low >= 1);
}

/* ---- Making --------------------------------------------------------------------------------- */

/* Gives the set its y as class numbers. It is a copy, because gathering relies on its range. */
static nb_status take_classes(nb_ctx *ctx, nb_set *set, nb_tensor *y, const survey *seen,
                              const char *const *names, int64_t count)
{
    nb_status status = check_classes(ctx, seen, names ? count : 0);
    if (status != NB_OK) return status;
    set->classes = nb_classes_new(ctx, names, names ? count : (int64_t)seen->high);
    set->y = nb_tensor_new(ctx, NB_I32, 1, y->shape);
    return set->classes && set->y ? nb_tensor_copy(ctx, set->y, y) : ctx->status;
}

static nb_status take_y(nb_ctx *ctx, nb_set *set, nb_tensor *y, const char *const *names,
                        int64_t count)
{
    if (!y && names) return nb_fail(ctx, NB_EARG, "class names need class numbers: y is missing");
    if (!y) return NB_OK;
    if (y->dims == 0 || y->shape[0] != set->count) {
        return nb_fail(ctx, NB_ESHAPE, "x holds %" PRId64 " examples, y %" PRId64, set->count,
                       y->dims ? y->shape[0] : 1);
    }
    if (names && y->dims > 1) {
        char shape[NB_SHAPE_TEXT];
        return nb_fail(ctx, NB_ESHAPE, "with class names y holds one number an example, not %s",
                       nb_shape_text(y->dims - 1, y->shape + 1, shape));
    }
    if (y->dims == 1) {
        survey seen = look_at(y);
        if (names || looks_like_classes(y, &seen)) {
            return take_classes(ctx, set, y, &seen, names, count);
        }
    }
    set->y = nb_tensor_contiguous(ctx, y);
    return set->y ? NB_OK : ctx->status;
}

static nb_status check_x(nb_ctx *ctx, const nb_tensor *x, double scale)
{
    char shape[NB_SHAPE_TEXT];
    if (x->dims == 0)
        return nb_fail(ctx, NB_ESHAPE, "x must hold examples as rows, not one number");
    if (nb_tensor_count(x) == 0) {
        return nb_fail(ctx, NB_ESHAPE, "x holds nothing: its shape is %s",
                       nb_shape_text(x->dims, x->shape, shape));
    }
    if (x->shape[0] > NB_SET_ROWS_MAX) {
        return nb_fail(ctx, NB_ESHAPE, "a set has at most %" PRId64 " examples, not %" PRId64,
                       (int64_t)NB_SET_ROWS_MAX, x->shape[0]);
    }
    if (!isfinite(scale)) return nb_fail(ctx, NB_EARG, "scale must be a number, not %g", scale);
    return NB_OK;
}

static nb_set *alloc_set(nb_ctx *ctx)
{
    nb_set *set = nb_alloc(ctx, sizeof *set);
    if (set) *set = (nb_set){.refs = 1};
    return set;
}

static nb_status fill_set(nb_ctx *ctx, nb_set *set, nb_tensor *x, nb_tensor *y,
                          const char *const *names, int64_t count, const char *name)
{
    set->x = nb_tensor_contiguous(ctx, x);
    if (!set->x) return ctx->status;
    set->name = name ? nb_copy_string(ctx, name) : NULL;
    if (name && !set->name) return ctx->status;
    return take_y(ctx, set, y, names, count);
}

nb_set *nb_set_new(nb_ctx *ctx, nb_tensor *x, double scale, nb_tensor *y, const char *const *names,
                   int64_t count, const char *set_name)
{
    if (check_x(ctx, x, scale) != NB_OK) return NULL;
    nb_set *set = alloc_set(ctx);
    if (!set) return NULL;
    set->scale = scale;
    set->count = x->shape[0];
    if (fill_set(ctx, set, x, y, names, count, set_name) == NB_OK) return set;
    nb_set_release(ctx, set);
    return NULL;
}

nb_set *nb_set_retain(nb_set *set)
{
    set->refs++;
    return set;
}

/* Parts have no parts with names of their own, so this goes one level deep. */
void nb_set_release(nb_ctx *ctx, nb_set *set)
{
    if (!set || --set->refs > 0) return;
    nb_set_release(ctx, set->train);
    nb_set_release(ctx, set->valid);
    nb_set_release(ctx, set->test);
    nb_tensor_release(ctx, set->x);
    nb_tensor_release(ctx, set->y);
    nb_classes_release(ctx, set->classes);
    nb_storage_release(ctx, set->rows);
    nb_free_string(ctx, set->name);
    nb_free(ctx, set, sizeof *set);
}

/* ---- Parts ---------------------------------------------------------------------------------- */

static int32_t *rows_of(const nb_set *part)
{
    return part->rows->data;
}

/* A part with room for `count` row numbers, which the caller writes. */
static nb_set *start_part(nb_ctx *ctx, const nb_set *set, int64_t count)
{
    nb_set *part = alloc_set(ctx);
    if (!part) return NULL;
    part->x = nb_tensor_retain(set->x);
    part->scale = set->scale;
    part->y = set->y ? nb_tensor_retain(set->y) : NULL;
    part->classes = set->classes ? nb_classes_retain(set->classes) : NULL;
    part->count = count;
    part->rows = nb_storage_new(ctx, (size_t)count * sizeof(int32_t));
    if (part->rows) return part;
    nb_set_release(ctx, part);
    return NULL;
}

int64_t nb_set_row(const nb_set *set, int64_t i)
{
    return set->rows ? rows_of(set)[i] : i;
}

nb_set *nb_set_range(nb_ctx *ctx, const nb_set *set, int64_t start, int64_t count)
{
    if (start < 0 || count < 1 || start > set->count || count > set->count - start) {
        return nb_fail_null(ctx, NB_EARG,
                            "the set has %" PRId64 " examples; it cannot give %" PRId64
                            " behind the first %" PRId64,
                            set->count, count, start);
    }
    nb_set *part = start_part(ctx, set, count);
    if (!part) return NULL;
    for (int64_t i = 0; i < count; i++) rows_of(part)[i] = (int32_t)nb_set_row(set, start + i);
    return part;
}

nb_set *nb_set_take(nb_ctx *ctx, const nb_set *set, int64_t n)
{
    if (n == 0 || n > set->count || n < -set->count) {
        return nb_fail_null(ctx, NB_EARG,
                            "take needs a number from 1 to %" PRId64 ", or negative for the last "
                            "ones, not %" PRId64,
                            set->count, n);
    }
    return n > 0 ? nb_set_range(ctx, set, 0, n) : nb_set_range(ctx, set, set->count + n, -n);
}

static nb_set *shuffled(nb_ctx *ctx, const nb_set *set, uint64_t seed, nb_purpose purpose)
{
    nb_stream stream = nb_stream_make(seed, purpose, 0);
    nb_set *part = nb_set_range(ctx, set, 0, set->count);
    if (part) nb_random_shuffle(&stream, rows_of(part), (size_t)part->count);
    return part;
}

nb_set *nb_set_shuffle(nb_ctx *ctx, const nb_set *set, uint64_t seed)
{
    return shuffled(ctx, set, seed, NB_FOR_SHUFFLE);
}

/* ---- Splitting ------------------------------------------------------------------------------ */

/* How many examples of one class the first part gets. */
typedef struct quota {
    int64_t members, first;
    double rest;   /* what rounding down took from the exact share */
    int64_t class; /* from 0 */
} quota;

static int64_t class_of(const nb_set *set, int64_t row)
{
    return set->classes ? ((const int32_t *)nb_tensor_data(set->y))[row] - 1 : 0;
}

/* The share of n, rounded down; a product that misses a whole number by its rounding counts as
 * whole. */
static int64_t share_of(int64_t n, double share)
{
    return (int64_t)floor((double)n * share + 1e-6);
}

static bool goes_before(const quota *a, const quota *b)
{
    return a->rest > b->rest || (a->rest == b->rest && a->class < b->class);
}

/* Shell's sort with Ciura's gaps, largest remainder first: K is small and qsort may allocate. */
static void sort_quotas(quota *list, int64_t count)
{
    static const int gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        for (int64_t i = gaps[g]; i < count; i++) {
            quota moved = list[i];
            int64_t j = i;
            for (; j >= gaps[g] && goes_before(&moved, &list[j - gaps[g]]); j -= gaps[g]) {
                list[j] = list[j - gaps[g]];
            }
            list[j] = moved;
        }
    }
}

/* Largest remainders: every class gets its share rounded down, and those that lost most by it one
 * more until the share of all is reached. Returns how many that is; list[c] is again the quota of
 * class c. */
static int64_t apportion(quota *list, quota *sorted, int64_t classes, int64_t total, double share)
{
    int64_t given = 0;
    for (int64_t c = 0; c < classes; c++) {
        list[c].class = c;
        list[c].first = share_of(list[c].members, share);
        list[c].rest = (double)list[c].members * share - (double)list[c].first;
        given += list[c].first;
        sorted[c] = list[c];
    }
    sort_quotas(sorted, classes);
    for (int64_t i = 0; i < classes && given < total; i++) {
        quota *q = &list[sorted[i].class];
        if (q->first == q->members) continue;
        q->first++;
        given++;
    }
    return given;
}

/* Deals the rows of `mixed` out in their order: to `first` while the class has a place there. */
static void deal(const nb_set *mixed, quota *list, nb_set *first, nb_set *rest)
{
    int64_t a = 0, b = 0;
    for (int64_t i = 0; i < mixed->count; i++) {
        int32_t row = rows_of(mixed)[i];
        quota *q = &list[class_of(mixed, row)];
        if (q->first > 0)
            rows_of(first)[a++] = row;
        else
            rows_of(rest)[b++] = row;
        if (q->first > 0) q->first--;
    }
}

/* Splits `mixed`, which is shuffled, with room for two quotas a class in `list`. */
static nb_status split_mixed(nb_ctx *ctx, const nb_set *mixed, double share, quota *list,
                             int64_t classes, nb_set **first, nb_set **rest)
{
    for (int64_t i = 0; i < mixed->count; i++) list[class_of(mixed, rows_of(mixed)[i])].members++;
    int64_t total = share_of(mixed->count, share);
    int64_t given = apportion(list, list + classes, classes, total, share);
    if (given == 0 || given == mixed->count) {
        return nb_fail(ctx, NB_EARG, "a share of %g of %" PRId64 " examples leaves one part empty",
                       share, mixed->count);
    }
    *first = start_part(ctx, mixed, given);
    *rest = *first ? start_part(ctx, mixed, mixed->count - given) : NULL;
    if (*rest) {
        deal(mixed, list, *first, *rest);
        return NB_OK;
    }
    nb_set_release(ctx, *first);
    *first = NULL;
    return ctx->status;
}

nb_status nb_set_split(nb_ctx *ctx, const nb_set *set, double share, uint64_t seed, nb_set **first,
                       nb_set **rest)
{
    if (!(share > 0 && share < 1)) {
        return nb_fail(ctx, NB_EARG, "share must be a number between 0 and 1, not %g", share);
    }
    int64_t classes = set->classes ? set->classes->count : 1;
    size_t bytes = 2 * (size_t)classes * sizeof(quota);
    quota *list = nb_alloc_zero(ctx, 2 * (size_t)classes, sizeof *list);
    nb_set *mixed = list ? shuffled(ctx, set, seed, NB_FOR_SPLIT) : NULL;
    nb_status status = ctx->status;
    if (mixed) status = split_mixed(ctx, mixed, share, list, classes, first, rest);
    nb_set_release(ctx, mixed);
    nb_free(ctx, list, bytes);
    return status;
}

/* ---- Batches ------------------------------------------------------------------------------- */

enum {
    LINE = 64,          /* bytes of a cache line */
    PREFETCH_MAX = 2048 /* bytes of a row; what follows the processor finds itself */
};

/* Which examples: positions in the set. */
typedef struct batch {
    const nb_set *set;
    const int32_t *order; /* NULL: start, start + 1, … */
    int64_t start, n;
} batch;

static int64_t position(const batch *b, int64_t i)
{
    return b->order ? b->order[i] : b->start + i;
}

static int64_t row_at(const batch *b, int64_t i)
{
    int64_t at = position(b, i);
    return b->set->rows ? rows_of(b->set)[at] : at;
}

/* Elements of one row. */
static int64_t width_of(const nb_tensor *tensor)
{
    return nb_shape_count(tensor->dims - 1, tensor->shape + 1);
}

/* Always inlined, and its caller too: gcc takes a function that only prefetches for one without
 * effect, and drops the call. */
static inline __attribute__((always_inline)) void prefetch_row(const nb_tensor *from, size_t bytes,
                                                               int64_t row)
{
    const char *at = (const char *)nb_tensor_data(from) + (size_t)row * bytes;
    for (size_t i = 0; i < bytes && i < PREFETCH_MAX; i += LINE) __builtin_prefetch(at + i, 0, 2);
}

/* The rows of `from` times scale, one below the other in `to`. */
static void copy_rows(const batch *b, const nb_tensor *from, double scale, nb_tensor *to)
{
    size_t width = (size_t)width_of(from);
    size_t row_bytes = width * nb_dtype_size(from->dtype);
    size_t out_bytes = width * nb_dtype_size(to->dtype);
    const char *in = nb_tensor_data(from);
    char *out = nb_tensor_data(to);
    nb_convert_fn *convert = nb_kernels_get()->convert[from->dtype][to->dtype];
    if (!b->order && !b->set->rows) {
        convert((size_t)b->n * width, in + (size_t)b->start * row_bytes, 1, out, 1, scale);
        return;
    }
    for (int64_t i = 0; i < b->n; i++, out += out_bytes) {
        convert(width, in + (size_t)row_at(b, i) * row_bytes, 1, out, 1, scale);
    }
}

/* Rows of zeros with 1 at the class. */
static void copy_one_hot(const batch *b, nb_tensor *to)
{
    const int32_t *class = nb_tensor_data(b->set->y);
    int64_t columns = width_of(to);
    memset(nb_tensor_data(to), 0, (size_t)(b->n * columns) * nb_dtype_size(to->dtype));
    for (int64_t i = 0; i < b->n; i++) {
        int64_t place = i * columns + class[row_at(b, i)] - 1;
        if (to->dtype == NB_F32)
            ((float *)nb_tensor_data(to))[place] = 1;
        else
            ((double *)nb_tensor_data(to))[place] = 1;
    }
}

/* The first of the elements of `to` that is NaN or infinite; there is one. */
static int64_t first_bad(const nb_tensor *to)
{
    const nb_real_kernels *real = nb_real(to->dtype);
    const char *at = nb_tensor_data(to);
    int64_t i = 0;
    while (real->finite(1, at + (size_t)i * nb_dtype_size(to->dtype))) i++;
    return i;
}

/* NB_EVALUE where a number of the gathered rows is none; names the example by its place in the set
 * and the value as it stands there. Bytes and integers cannot be at fault. */
static nb_status check_finite(nb_ctx *ctx, const batch *b, const char *what, const nb_tensor *from,
                              const nb_tensor *to)
{
    size_t width = (size_t)width_of(from);
    if (!nb_dtype_computes(from->dtype)) return NB_OK;
    if (nb_real(to->dtype)->finite((size_t)b->n * width, nb_tensor_data(to))) return NB_OK;
    char text[NB_NUMBER_MAX];
    double value;
    size_t bad = (size_t)first_bad(to);
    int64_t i = (int64_t)(bad / width);
    size_t place = (size_t)row_at(b, i) * width + bad % width;
    const char *at = (const char *)nb_tensor_data(from) + place * nb_dtype_size(from->dtype);
    nb_kernels_get()->convert[from->dtype][NB_F64](1, at, 1, &value, 1, 1);
    return nb_fail(ctx, NB_EVALUE,
                   "%s holds %s in example %" PRId64 "; it needs numbers that fit %s", what,
                   nb_number_text(value, text), position(b, i) + 1, nb_dtype_name(to->dtype));
}

/* NB_ESHAPE unless `to` takes n rows like those of `from`. */
static nb_status check_room(nb_ctx *ctx, const char *what, const nb_tensor *from, int64_t n,
                            const nb_tensor *to)
{
    int64_t wanted = to->dims && to->shape[0] == n ? width_of(to) : -1;
    if (wanted == width_of(from)) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s has %" PRId64 " values an example; %" PRId64 " are wanted",
                   what, width_of(from), wanted);
}

static inline __attribute__((always_inline)) void prefetch_rows(const batch *b,
                                                                const nb_tensor *from)
{
    size_t bytes = (size_t)width_of(from) * nb_dtype_size(from->dtype);
    for (int64_t i = 0; i < b->n; i++) prefetch_row(from, bytes, row_at(b, i));
}

static nb_status gather_y(nb_ctx *ctx, const batch *b, nb_tensor *y)
{
    const nb_set *set = b->set;
    if (!set->y) return nb_fail(ctx, NB_EARG, "the set holds no y");
    if (set->classes) {
        if (y->dims < 1 || y->shape[0] != b->n || width_of(y) < set->classes->count) {
            return nb_fail(ctx, NB_ESHAPE,
                           "y holds %" PRId64 " classes; the network has %" PRId64 " outputs",
                           set->classes->count, y->dims ? width_of(y) : 1);
        }
        copy_one_hot(b, y);
        return NB_OK;
    }
    if (check_room(ctx, "y", set->y, b->n, y) != NB_OK) return NB_ESHAPE;
    copy_rows(b, set->y, 1, y);
    return check_finite(ctx, b, "y", set->y, y);
}

nb_status nb_set_gather(nb_ctx *ctx, const nb_set *set, const int32_t *order, int64_t start,
                        int64_t n, int64_t ahead, nb_tensor *x, nb_tensor *y)
{
    batch b = {.set = set, .order = order, .start = start, .n = n};
    if (check_room(ctx, "x", set->x, n, x) != NB_OK) return NB_ESHAPE;
    copy_rows(&b, set->x, set->scale, x);
    nb_status status = y ? gather_y(ctx, &b, y) : NB_OK;
    if (status != NB_OK) return status;
    batch next = {.set = set, .order = order ? order + n : NULL, .start = start + n, .n = ahead};
    prefetch_rows(&next, set->x);
    if (y && !set->classes) prefetch_rows(&next, set->y);
    return check_finite(ctx, &b, "x", set->x, x);
}

/* All rows of one tensor of the set, whatever they hold. */
static nb_tensor *copy_all(nb_ctx *ctx, const nb_set *set, const nb_tensor *from, double scale,
                           nb_dtype dtype)
{
    batch b = {.set = set, .n = set->count};
    int64_t shape[NB_MAX_DIMS];
    memcpy(shape, from->shape, sizeof shape);
    shape[0] = set->count;
    nb_tensor *to = nb_tensor_new(ctx, dtype, from->dims, shape);
    if (to) copy_rows(&b, from, scale, to);
    return to;
}

nb_tensor *nb_set_x(nb_ctx *ctx, const nb_set *set, nb_dtype dtype)
{
    return copy_all(ctx, set, set->x, set->scale, dtype);
}

nb_tensor *nb_set_y(nb_ctx *ctx, const nb_set *set, nb_dtype dtype)
{
    if (!set->y) return nb_fail_null(ctx, NB_EARG, "the set holds no y");
    return copy_all(ctx, set, set->y, 1, set->classes ? NB_I32 : dtype);
}

/* ---- For people ----------------------------------------------------------------------------- */

/* " · x 1x28x28": the shape of one example. */
static void describe_part(nb_text *text, const char *what, const nb_tensor *tensor)
{
    char shape[NB_SHAPE_TEXT];
    bool scalar = tensor->dims == 1;
    nb_text_add(text, " · %s %s", what,
                scalar ? "1" : nb_shape_text(tensor->dims - 1, tensor->shape + 1, shape));
}

static void describe_count(nb_text *text, const char *what, const nb_set *part)
{
    if (!part) return;
    nb_text_add(text, " · %s ", what);
    nb_text_add_grouped(text, part->count);
}

void nb_set_describe(nb_text *text, const nb_set *set)
{
    if (set->name) nb_text_add(text, "%s: ", set->name);
    nb_text_add_grouped(text, set->count);
    nb_text_add(text, set->count == 1 ? " example" : " examples");
    describe_part(text, "x", set->x);
    if (set->classes) {
        nb_text_add(text, " · ");
        nb_classes_describe(text, set->classes);
    } else if (set->y) {
        describe_part(text, "y", set->y);
    }
    describe_count(text, "train", set->train);
    describe_count(text, "valid", set->valid);
    describe_count(text, "test", set->test);
}
