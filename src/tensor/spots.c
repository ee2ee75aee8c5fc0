/* Elements found by tables of indices. Reading runs on the workers; writing and adding go in
 * row-major order on one thread, so that repeated places give the same bits always. */
#include "tensor/spots.h"

#include "kernel/kernel.h"
#include "tensor/shape.h"
#include "tensor/walk.h"

#include <math.h>
#include <string.h>

/* ---- Indices to places ---- */

/* Indices on the way to places; `bad`: some have none. */
typedef struct placing {
    int64_t size;
    int bad;
} placing;

static void note(placing *p, int32_t sign)
{
    if (sign < 0) __atomic_store_n(&p->bad, 1, __ATOMIC_RELAXED);
}

/* One index in WIDE (that holds every whole number of the dtype); -1 where it is none of the size.
 * Comparisons come first: a number outside is never converted. */
#define PLACES(dtype, T, WIDE)                                                                     \
    static void places_##dtype(void *arg, size_t n, char *const *at, const int64_t *stride)        \
    {                                                                                              \
        placing *p = arg;                                                                          \
        const WIDE size = (WIDE)p->size;                                                           \
        const T *x = (const T *)at[1];                                                             \
        int32_t *to = (int32_t *)at[0], sign = 0;                                                  \
        for (int64_t i = 0; i < (int64_t)n; i++) {                                                 \
            WIDE v = (WIDE)x[i * stride[1]];                                                       \
            WIDE place = v >= 1 ? v - 1 : v + size;                                                \
            bool inside = v != 0 && place >= 0 && place < size && (v <= -1 || v >= 1);             \
            int32_t whole = inside ? (int32_t)place : -1;                                          \
            to[i * stride[0]] = whole = (WIDE)whole == place ? whole : -1;                         \
            sign |= whole;                                                                         \
        }                                                                                          \
        note(p, sign);                                                                             \
    }

PLACES(f32, float, double)
PLACES(f64, double, double)
PLACES(u8, uint8_t, int32_t)

PLACES(strided_i32, int32_t, int64_t)

static void places_i32(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    placing *p = arg;
    const int32_t *x = (const int32_t *)at[1];
    int32_t *to = (int32_t *)at[0];
    if (stride[0] != 1 || stride[1] != 1)
        places_strided_i32(arg, n, at, stride);
    else if (!nb_kernels_get()->places(n, x, (int32_t)p->size, to))
        note(p, -1);
}

static nb_walk_fn *const places_loops[NB_DTYPES] = {
    [NB_F32] = places_f32, [NB_F64] = places_f64, [NB_U8] = places_u8, [NB_I32] = places_i32};

/* The first row-major element, of which there is one, whose place is outside. */
static int64_t find_misplaced(const nb_tensor *places, int64_t size)
{
    const int32_t *place = nb_tensor_data(places);
    int64_t at = 0;
    while (place[at] >= 0 && place[at] < size) at++;
    return at;
}

static double flat_get(const nb_tensor *x, int64_t at)
{
    int64_t index[NB_MAX_DIMS];
    for (int d = x->dims - 1; d >= 0; d--) {
        index[d] = at % x->shape[d];
        at /= x->shape[d];
    }
    return nb_tensor_get(x, index);
}

/* Says what is wrong with an index. */
static nb_status misplaced(nb_ctx *ctx, double index, int64_t size, int dim, const char *whose)
{
    nb_status status;
    if (isnan(index))
        status = nb_fail(ctx, NB_EARG, "index nan is no whole number");
    else if (index != trunc(index) || isinf(index))
        status = nb_fail(ctx, NB_EARG, "index %.7g is no whole number", index);
    else if (index == 0 && dim >= 0)
        status = nb_fail(ctx, NB_EARG,
                         "index 0 in dimension %d: counting starts at 1 (and at -1 from the end)",
                         dim + 1);
    else if (index == 0)
        status = nb_fail(ctx, NB_EARG, "index 0: counting starts at 1 (and at -1 from the end)");
    else if (dim >= 0)
        status = nb_fail(ctx, NB_EARG, "index %.15g is outside dimension %d, which has %lld", index,
                         dim + 1, (long long)size);
    else
        status = nb_fail(ctx, NB_EARG, "index %.15g is outside the tensor, which has %lld elements",
                         index, (long long)size);
    if (whose) nb_fail_in(ctx, "%s", whose);
    return status;
}

nb_tensor *nb_places(nb_ctx *ctx, const nb_tensor *index, int64_t size, int dim, const char *whose)
{
    nb_walk walk;
    placing p = {.size = size};
    if (size > INT32_MAX)
        return nb_fail_null(ctx, NB_ESHAPE, "%lld entries are too many for indices",
                            (long long)size);
    nb_tensor *places = nb_tensor_new(ctx, NB_I32, index->dims, index->shape);
    if (!places) return NULL;
    nb_walk_make(&walk, index->dims, index->shape, 2, (const nb_tensor *const[]){places, index});
    nb_status status = nb_walk_run(ctx, &walk, places_loops[index->dtype], &p);
    if (status == NB_OK && p.bad) {
        double wrong = flat_get(index, find_misplaced(places, size));
        status = misplaced(ctx, wrong, size, dim, whose);
    }
    if (status == NB_OK) return places;
    nb_tensor_release(ctx, places);
    return NULL;
}

static void count_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    placing *p = arg;
    const int32_t *x = (const int32_t *)at[0];
    bool row = stride[0] == 1 || n == 1; /* as of all that is contiguous */
    if (!row || !nb_kernels_get()->counts(n, x, (int32_t)p->size)) note(p, -1);
}

nb_tensor *nb_places_as_they_are(nb_ctx *ctx, nb_tensor *index, int64_t size)
{
    nb_walk walk;
    placing p = {.size = size};
    if (index->dtype != NB_I32 || size > INT32_MAX || !nb_tensor_is_contiguous(index)) return NULL;
    nb_walk_make(&walk, index->dims, index->shape, 1, (const nb_tensor *const[]){index});
    if (nb_walk_run(ctx, &walk, count_loop, &p) != NB_OK) return NULL;
    return p.bad ? NULL : nb_tensor_retain(index);
}

static void join_loop(void *arg, size_t n, char *const *at, const int64_t *stride)
{
    const int32_t size = (int32_t) * (const int64_t *)arg;
    const int32_t *a = (const int32_t *)at[1], *b = (const int32_t *)at[2];
    int32_t *to = (int32_t *)at[0];
    for (int64_t i = 0; i < (int64_t)n; i++)
        to[i * stride[0]] = a[i * stride[1]] * size + b[i * stride[2]];
}

nb_tensor *nb_places_join(nb_ctx *ctx, const nb_tensor *a, int64_t size, const nb_tensor *b)
{
    char ta[NB_SHAPE_TEXT], tb[NB_SHAPE_TEXT];
    int64_t shape[NB_MAX_DIMS];
    int dims;
    nb_walk walk;
    if (!nb_shape_broadcast(a->dims, a->shape, b->dims, b->shape, &dims, shape))
        return nb_fail_null(ctx, NB_ESHAPE, "indices of %s and of %s do not fit together",
                            nb_shape_text(a->dims, a->shape, ta),
                            nb_shape_text(b->dims, b->shape, tb));
    nb_tensor *out = nb_tensor_new(ctx, NB_I32, dims, shape);
    if (!out) return NULL;
    nb_walk_make(&walk, dims, shape, 3, (const nb_tensor *const[]){out, a, b});
    if (nb_walk_run(ctx, &walk, join_loop, &size) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

/* ---- Spots ---- */

/* Dimension i of a head, taken from dimension `from` of x; from -1: size 1, so that it repeats. */
static void set_dimension(nb_tensor *head, int i, const nb_tensor *x, int from)
{
    head->shape[i] = from < 0 ? 1 : x->shape[from];
    head->stride[i] = from < 0 ? 0 : x->stride[from];
}

nb_status nb_spots_pick(nb_ctx *ctx, nb_spots *spots, const nb_tensor *x, int dim,
                        const nb_tensor *places)
{
    int inner = x->dims - dim - 1, dims = dim + places->dims + inner;
    if (dims > NB_MAX_DIMS)
        return nb_fail(ctx, NB_ESHAPE, "a tensor has at most %d dimensions, not %d", NB_MAX_DIMS,
                       dims);
    *spots = (nb_spots){.dims = dims, .x = *x, .places = *places, .step = x->stride[dim]};
    spots->x.dims = dims;
    spots->places.dims = places->dims + inner;
    for (int i = 0; i < dims; i++) {
        int place = i - dim, after = i - dim - places->dims;
        bool indexed = place >= 0 && after < 0;
        set_dimension(&spots->x, i, x, indexed ? -1 : after >= 0 ? dim + 1 + after : i);
        if (place >= 0) set_dimension(&spots->places, place, places, indexed ? place : -1);
        spots->shape[i] = indexed ? places->shape[place] : spots->x.shape[i];
    }
    return NB_OK;
}

void nb_spots_gather(nb_spots *spots, const nb_tensor *x, int dim, const nb_tensor *places)
{
    *spots = (nb_spots){.dims = places->dims, .x = *x, .places = *places, .step = x->stride[dim]};
    memcpy(spots->shape, places->shape, sizeof spots->shape);
    memcpy(spots->x.shape, places->shape, sizeof spots->x.shape);
    spots->x.shape[dim] = 1;
}

void nb_spots_from_one(nb_spots *spots)
{
    spots->x.offset -= spots->step;
}

/* ---- Loops over them ---- */

/* What the loops are told: the step of a place and, where the innermost dimension is so short that
 * each of their elements stands for a whole row, its length and the operands' strides along it. */
typedef struct strip {
    int64_t step, length; /* length 0: elements are elements */
    int64_t stride[3];
} strip;

enum {
    SHORT = 64, /* elements of a row that is one element of a walk */
    FEW = 16,   /* elements of a row that is taken by columns */
    FLAT = 4,   /* elements of a row with a place for each from which on it is taken as it lies */
    TILE = 32   /* rows of a tile: its FEW columns stay in a cache */
};

/* Bytes of a row from one storage into another. What is too short to be worth a call goes in the
 * widest parts that it holds, of which the last may write again what the one before it wrote. */
static inline void copy_row(size_t bytes, const void *from, void *to)
{
    const char *x = from;
    char *y = to;
#define PARTS(width)                                                                               \
    if (bytes >= width) {                                                                          \
        for (size_t at = 0; at + width < bytes; at += width) memcpy(y + at, x + at, width);        \
        memcpy(y + bytes - width, x + bytes - width, width);                                       \
        return;                                                                                    \
    }
    if (bytes > SHORT * sizeof(double)) {
        memcpy(y, x, bytes);
        return;
    }
    PARTS(16)
    PARTS(8)
    PARTS(4)
    PARTS(1)
#undef PARTS
}

/* The operands are what is written and what is read, then the places: one for the whole row (stride
 * 0), or one for each element. The side that stands in x is moved by its place. Four elements are
 * read before they are written, so that their reads need not wait for writes to what may be the
 * same. */
#define SPOTS(width, T)                                                                            \
    static void read_row_##width(int64_t step, int64_t n, T *y, const T *x, const int32_t *place,  \
                                 const int64_t *stride)                                            \
    {                                                                                              \
        const int64_t sy = stride[0], sx = stride[1], sp = stride[2];                              \
        int64_t i = 0;                                                                             \
        if (sp == 0 && sx == 1 && sy == 1) {                                                       \
            copy_row((size_t)n * sizeof *y, x + *place * step, y);                                 \
            return;                                                                                \
        }                                                                                          \
        for (; sp == 1 && sy == 1 && sx == 0 && step == 1 && i + 4 <= n; i += 4) {                 \
            T a = x[place[i]], b = x[place[i + 1]], c = x[place[i + 2]], d = x[place[i + 3]];      \
            y[i] = a, y[i + 1] = b, y[i + 2] = c, y[i + 3] = d;                                    \
        }                                                                                          \
        for (; i < n; i++) y[i * sy] = x[i * sx + place[i * sp] * step];                           \
    }                                                                                              \
    static void write_row_##width(int64_t step, int64_t n, T *x, const T *from,                    \
                                  const int32_t *place, const int64_t *stride)                     \
    {                                                                                              \
        const int64_t sx = stride[0], sy = stride[1], sp = stride[2];                              \
        int64_t i = 0;                                                                             \
        if (sp == 0 && sx == 1 && sy == 1) {                                                       \
            copy_row((size_t)n * sizeof *x, from, x + *place * step);                              \
            return;                                                                                \
        }                                                                                          \
        for (; sp == 1 && sy == 1 && sx == 0 && step == 1 && i + 4 <= n; i += 4) {                 \
            T a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];                      \
            x[place[i]] = a, x[place[i + 1]] = b, x[place[i + 2]] = c, x[place[i + 3]] = d;        \
        }                                                                                          \
        for (; i < n; i++) x[i * sx + place[i * sp] * step] = from[i * sy];                        \
    }                                                                                              \
    ROWS(read_##width, read_row_##width, T, SOURCE_MOVED, false, STORE)                            \
    ROWS(write_##width, write_row_##width, T, TARGET_MOVED, true, STORE)

/* Rows of a few elements are taken column by column, a tile of rows at a time: the loops are as
 * long as the tile, not as the row. Repeated places keep their order where no two rows of a call
 * share elements that are written. */
static bool goes_across(const strip *s, const int64_t *stride, bool written)
{
    bool copied = s->stride[0] == 1 && s->stride[1] == 1 && s->stride[2] == 0;
    return s->length < FEW && !copied && (!written || stride[0] != 0);
}

/* Rows that lie one after the other, each element with a place of its own in a row of x whose
 * elements are neighbours, as gather along the last dimension reads them. Written to, a row is so
 * short that sums would wait for those just before them: those that may go across. */
static bool goes_flat(const strip *s, const int64_t *stride, bool written)
{
    return s->length >= FLAT && s->length < FEW && s->step == 1 && s->stride[2] == 1 &&
           s->stride[0] == (written ? 0 : 1) && s->stride[1] == (written ? 1 : 0) &&
           (!written || stride[0] == 0);
}

#define UNROLL _Pragma("GCC unroll 4")

/* The loop of a walk from one over rows, and one over columns: `set` sets *to by *from, of which
 * `moved` is moved by the place. */
#define ROWS(name, row, T, moved, written, set)                                                    \
    static void name##_column(int64_t step, int64_t n, T *to, const T *from, const int32_t *place, \
                              const int64_t *stride)                                               \
    {                                                                                              \
        const int64_t st = stride[0], sf = stride[1], sp = stride[2];                              \
        const int64_t all = *place * step;                                                         \
        int64_t i = 0;                                                                             \
        if (sp == 0)                                                                               \
            UNROLL for (; i < n; i++) set(i *st + moved(0, all), i * sf + moved(1, all));          \
        else if (step == 1)                                                                        \
            UNROLL for (; i < n; i++)                                                              \
                set(i *st + moved(0, place[i * sp]), i * sf + moved(1, place[i * sp]));            \
        else                                                                                       \
            for (; i < n; i++)                                                                     \
                set(i *st + moved(0, place[i * sp] * step),                                        \
                    i * sf + moved(1, place[i * sp] * step));                                      \
    }                                                                                              \
    static void name##_across(const strip *s, int64_t n, T *to, const T *from,                     \
                              const int32_t *place, const int64_t *stride)                         \
    {                                                                                              \
        for (int64_t at = 0; at < n; at += TILE) {                                                 \
            int64_t m = n - at < TILE ? n - at : TILE;                                             \
            for (int64_t j = 0; j < s->length; j++)                                                \
                name##_column(s->step, m, to + at * stride[0] + j * s->stride[0],                  \
                              from + at * stride[1] + j * s->stride[1],                            \
                              place + at * stride[2] + j * s->stride[2], stride);                  \
        }                                                                                          \
    }                                                                                              \
    static void name##_flat(const strip *s, int64_t n, T *restrict to, const T *from,              \
                            const int32_t *place, const int64_t *stride)                           \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++, to += stride[0], from += stride[1], place += stride[2])    \
            for (int64_t j = 0; j < s->length; j++)                                                \
                set((written ? 0 : j) + moved(0, place[j]),                                        \
                    (written ? j : 0) + moved(1, place[j]));                                       \
    }                                                                                              \
    static void name(void *arg, size_t n, char *const *at, const int64_t *stride)                  \
    {                                                                                              \
        const strip *s = arg;                                                                      \
        T *to = (T *)at[0];                                                                        \
        const T *from = (const T *)at[1];                                                          \
        const int32_t *place = (const int32_t *)at[2];                                             \
        if (s->length == 0)                                                                        \
            row(s->step, (int64_t)n, to, from, place, stride);                                     \
        else if (goes_flat(s, stride, written))                                                    \
            name##_flat(s, (int64_t)n, to, from, place, stride);                                   \
        else if (goes_across(s, stride, written))                                                  \
            name##_across(s, (int64_t)n, to, from, place, stride);                                 \
        else                                                                                       \
            for (int64_t i = 0; i < (int64_t)n; i++)                                               \
                row(s->step, s->length, to + i * stride[0], from + i * stride[1],                  \
                    place + i * stride[2], s->stride);                                             \
    }

#define SOURCE_MOVED(side, by) (side ? (by) : 0)
#define TARGET_MOVED(side, by) (side ? 0 : (by))
#define STORE(t, f)            to[t] = from[f]
#define ADD_TO(t, f)           to[t] += from[f]

SPOTS(1, uint8_t)
SPOTS(4, uint32_t)
SPOTS(8, uint64_t)

static nb_walk_fn *const read_loops[NB_DTYPES] = {
    [NB_F32] = read_4, [NB_F64] = read_8, [NB_U8] = read_1, [NB_I32] = read_4};
static nb_walk_fn *const write_loops[NB_DTYPES] = {
    [NB_F32] = write_4, [NB_F64] = write_8, [NB_U8] = write_1, [NB_I32] = write_4};

#define ADD(dtype, DTYPE, T)                                                                       \
    static void add_row_##dtype(int64_t step, int64_t n, T *x, const T *from,                      \
                                const int32_t *place, const int64_t *stride)                       \
    {                                                                                              \
        const int64_t sx = stride[0], sy = stride[1], sp = stride[2];                              \
        if (sp == 0 && sy == 1 && sx == 1 && n > SHORT)                                            \
            nb_real(DTYPE)->axpy((size_t)n, 1, from, x + *place * step);                           \
        else if (sp == 1 && sy == 1 && sx == 0 && step == 1)                                       \
            for (int64_t i = 0; i < n; i++) x[place[i]] += from[i];                                \
        else                                                                                       \
            for (int64_t i = 0; i < n; i++, x += sx, from += sy, place += sp)                      \
                x[*place * step] += *from;                                                         \
    }                                                                                              \
    ROWS(add_##dtype, add_row_##dtype, T, TARGET_MOVED, true, ADD_TO)

ADD(f32, NB_F32, float)
ADD(f64, NB_F64, double)

static int64_t last_stride(const nb_tensor *t)
{
    return t->dims && t->shape[t->dims - 1] != 1 ? t->stride[t->dims - 1] : 0;
}

/* Runs a loop over all spots; `in_order` where they are written to. */
static nb_status run(nb_ctx *ctx, const nb_spots *spots, const nb_tensor *to, const nb_tensor *from,
                     nb_walk_fn *loop, bool in_order)
{
    nb_tensor head[3] = {*to, *from, spots->places};
    int64_t shape[NB_MAX_DIMS], last = spots->dims - 1;
    strip s = {.step = spots->step};
    nb_walk walk;
    memcpy(shape, spots->shape, sizeof shape);
    if (last > 0 && shape[last] > 1 && shape[last] <= SHORT) {
        s.length = shape[last];
        shape[last] = 1;
        for (int i = 0; i < 3; i++) {
            s.stride[i] = last_stride(&head[i]);
            if (head[i].dims) head[i].shape[head[i].dims - 1] = 1;
        }
    }
    nb_walk_make(&walk, spots->dims, shape, 3,
                 (const nb_tensor *const[]){&head[0], &head[1], &head[2]});
    if (in_order) return nb_walk_in_order(ctx, &walk, loop, &s);
    return nb_walk_rows(ctx, &walk, s.length ? s.length : 1, loop, &s);
}

nb_tensor *nb_spots_read(nb_ctx *ctx, const nb_spots *spots)
{
    nb_tensor *out = nb_tensor_new(ctx, spots->x.dtype, spots->dims, spots->shape);
    if (!out) return NULL;
    if (run(ctx, spots, out, &spots->x, read_loops[out->dtype], false) == NB_OK) return out;
    nb_tensor_release(ctx, out);
    return NULL;
}

nb_status nb_spots_write(nb_ctx *ctx, const nb_spots *spots, const nb_tensor *from)
{
    return run(ctx, spots, &spots->x, from, write_loops[from->dtype], true);
}

nb_status nb_spots_add(nb_ctx *ctx, const nb_spots *spots, const nb_tensor *from)
{
    return run(ctx, spots, &spots->x, from, from->dtype == NB_F32 ? add_f32 : add_f64, true);
}
