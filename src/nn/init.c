/* The initialisers. Numbers are drawn in f64 on the calling thread, in the order of the elements,
 * and then converted, so that a seed gives the same weights in every dtype and at any number of
 * threads. */
#include "nn/init.h"

#include "base/arith.h"
#include "base/family.h"
#include "base/memory.h"
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

#define X(name) extern const nb_init_type nb_init_##name;
#include "nn/inits.def"
#undef X

const nb_init_type *const nb_inits[NB_INITS] = {
#define X(name) &nb_init_##name,
#include "nn/inits.def"
#undef X
};

NB_DEFINE_FAMILY(nb_init_type, nb_init, nb_inits, NB_INITS)
NB_DEFINE_CHOICES(nb_init_type, nb_init, "initialiser")

enum { CHUNK = 256 }; /* numbers drawn between two looks at Ctrl-C */

typedef double draw_fn(nb_stream *stream, double scale);

static double draw_normal(nb_stream *stream, double scale)
{
    return scale * nb_random_normal(stream);
}

/* Uniform between -scale and scale. */
static double draw_uniform(nb_stream *stream, double scale)
{
    return scale * (2 * nb_random_unit(stream) - 1);
}

/* Elements start … start + n - 1 of a contiguous tensor from f64 values. */
static void store(nb_tensor *w, int64_t start, const double *values, int64_t n)
{
    char *at = (char *)nb_tensor_data(w) + (size_t)start * nb_dtype_size(w->dtype);
    nb_kernels_get()->convert[NB_F64][w->dtype]((size_t)n, values, 1, at, 1, 1);
}

static nb_status fill_drawn(nb_ctx *ctx, nb_tensor *w, draw_fn *draw, double scale,
                            nb_stream *stream)
{
    double values[CHUNK];
    int64_t count = nb_tensor_count(w);
    for (int64_t start = 0; start < count; start += CHUNK) {
        int64_t n = count - start < CHUNK ? count - start : CHUNK;
        if (nb_poll(ctx) != NB_OK) return NB_EINTERRUPT;
        for (int64_t i = 0; i < n; i++) values[i] = draw(stream, scale);
        store(w, start, values, n);
    }
    nb_tensor_touch(w, "init");
    return NB_OK;
}

/* A layer without inputs has no weights to scale. */
static double inverse(int64_t fan)
{
    return 1 / (double)(fan > 0 ? fan : 1);
}

static nb_status fill_lecun(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    return fill_drawn(ctx, w, draw_normal, sqrt(inverse(fans->in)), stream);
}

static nb_status fill_he(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    return fill_drawn(ctx, w, draw_normal, sqrt(2 * inverse(fans->in)), stream);
}

static nb_status fill_glorot(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    return fill_drawn(ctx, w, draw_uniform, sqrt(6 * inverse(fans->in + fans->out)), stream);
}

static nb_status fill_normal(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    return fill_drawn(ctx, w, draw_normal, fans->number[0], stream);
}

static nb_status fill_uniform(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    return fill_drawn(ctx, w, draw_uniform, sqrt(inverse(fans->in)), stream);
}

static nb_status fill_zeros(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    (void)fans, (void)stream;
    return nb_tensor_fill(ctx, w, 0);
}

static nb_status fill_ones(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    (void)fans, (void)stream;
    return nb_tensor_fill(ctx, w, 1);
}

static nb_status fill_constant(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    (void)stream;
    return nb_tensor_fill(ctx, w, fans->number[0]);
}

/* ---- Orthogonal ----------------------------------------------------------------------------- */

/* `count` vectors of `length` numbers each, count <= length, one behind the other. */
typedef struct basis {
    double *data;
    size_t count, length;
} basis;

/* Takes from vector k what it has in common with those before it. */
static void subtract_earlier(const basis *b, size_t k)
{
    const nb_real_kernels *real = nb_real(NB_F64);
    double *v = b->data + k * b->length;
    for (size_t i = 0; i < k; i++) {
        const double *earlier = b->data + i * b->length;
        real->axpy(b->length, -real->dot(b->length, earlier, 1, v, 1), earlier, v);
    }
}

/* Scales vector k to length 1; false where nothing is left of it to scale. */
static bool normalise(const basis *b, size_t k, double before)
{
    const double lost = 1e-8; /* a remainder this small is rounding */
    double *v = b->data + k * b->length;
    double norm = sqrt(nb_real(NB_F64)->sum_squares(b->length, v, 1));
    if (!(norm > lost * before)) return false;
    for (size_t i = 0; i < b->length; i++) v[i] /= norm;
    return true;
}

/* Modified Gram-Schmidt over normal deviates. Each vector goes through twice, which leaves it
 * orthogonal to rounding ("twice is enough", Kahan and Parlett). */
static nb_status orthogonalise(nb_ctx *ctx, const basis *b, nb_stream *stream)
{
    for (size_t k = 0; k < b->count;) {
        double *v = b->data + k * b->length;
        if (nb_poll(ctx) != NB_OK) return NB_EINTERRUPT;
        for (size_t i = 0; i < b->length; i++) v[i] = nb_random_normal(stream);
        double before = sqrt(nb_real(NB_F64)->sum_squares(b->length, v, 1));
        subtract_earlier(b, k);
        if (!normalise(b, k, before)) continue; /* drawn anew */
        subtract_earlier(b, k);
        if (normalise(b, k, 1)) k++;
    }
    return NB_OK;
}

/* The vectors become the rows of w, or its columns where w is taller than wide. */
static void store_basis(nb_tensor *w, const basis *b, bool tall)
{
    if (!tall) {
        store(w, 0, b->data, (int64_t)(b->count * b->length));
        return;
    }
    double values[CHUNK];
    for (size_t row = 0; row < b->length; row++) {
        for (size_t start = 0; start < b->count; start += CHUNK) {
            size_t n = b->count - start < CHUNK ? b->count - start : CHUNK;
            for (size_t i = 0; i < n; i++) values[i] = b->data[(start + i) * b->length + row];
            store(w, (int64_t)(row * b->count + start), values, (int64_t)n);
        }
    }
}

static nb_status fill_orthogonal(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans, nb_stream *stream)
{
    (void)fans;
    size_t count = (size_t)nb_tensor_count(w), bytes;
    if (count == 0) return NB_OK;
    size_t rows = w->dims > 1 ? (size_t)w->shape[0] : 1, columns = count / rows;
    bool tall = rows > columns;
    basis b = {.count = tall ? columns : rows, .length = tall ? rows : columns};
    if (!nb_mul_size(count, sizeof *b.data, &bytes)) bytes = SIZE_MAX;
    b.data = nb_alloc(ctx, bytes);
    if (!b.data) return NB_EMEMORY;
    nb_status status = orthogonalise(ctx, &b, stream);
    if (status == NB_OK) {
        store_basis(w, &b, tall);
        nb_tensor_touch(w, "init");
    }
    nb_free(ctx, b.data, bytes);
    return status;
}

/* ---- Nguyen and Widrow ---------------------------------------------------------------------- */

/* A row of weights in a direction drawn by uniform numbers, as long as `length`. */
static void draw_row(double *row, size_t n, double length, nb_stream *stream)
{
    for (size_t i = 0; i < n; i++) row[i] = draw_uniform(stream, 1);
    double norm = sqrt(nb_real(NB_F64)->sum_squares(n, row, 1));
    for (size_t i = 0; i < n && norm > 0; i++) row[i] *= length / norm;
}

static nb_status fill_rows(nb_ctx *ctx, nb_tensor *w, size_t n, double length, nb_stream *stream)
{
    nb_status status = NB_OK;
    double *row = nb_alloc_zero(ctx, n, sizeof *row);
    if (!row) return ctx->status;
    for (int64_t k = 0; k < w->shape[0] && status == NB_OK; k++) {
        status = nb_poll(ctx);
        draw_row(row, n, length, stream);
        if (status == NB_OK) store(w, k * (int64_t)n, row, (int64_t)n);
    }
    nb_free(ctx, row, n * sizeof *row);
    nb_tensor_touch(w, "init");
    return status;
}

/* The H neurons' slopes shall lie evenly over n inputs between -1 and 1: each row of weights has
 * the length β = 0.7 H^(1/n), biases lie between -β and β. */
static nb_status fill_nguyen_widrow(nb_ctx *ctx, nb_tensor *w, const nb_fans *fans,
                                    nb_stream *stream)
{
    double neurons = w->dims ? (double)w->shape[0] : 1;
    double beta = 0.7 * pow(neurons, inverse(fans->in));
    size_t count = (size_t)nb_tensor_count(w);
    if (count == 0) return NB_OK;
    if (w->dims < 2) return fill_drawn(ctx, w, draw_uniform, beta, stream);
    return fill_rows(ctx, w, count / (size_t)w->shape[0], beta, stream);
}

/* ---- How large what they draw is --------------------------------------------------------------
 */

static double spread_lecun(const nb_fans *fans, int64_t rows, int64_t columns)
{
    (void)rows, (void)columns;
    return sqrt(inverse(fans->in));
}

static double spread_he(const nb_fans *fans, int64_t rows, int64_t columns)
{
    (void)rows, (void)columns;
    return sqrt(2 * inverse(fans->in));
}

/* Uniform numbers up to r have the mean square r²/3. */
static double spread_glorot(const nb_fans *fans, int64_t rows, int64_t columns)
{
    (void)rows, (void)columns;
    return sqrt(2 * inverse(fans->in + fans->out));
}

static double spread_normal(const nb_fans *fans, int64_t rows, int64_t columns)
{
    (void)rows, (void)columns;
    return fabs(fans->number[0]);
}

static double spread_uniform(const nb_fans *fans, int64_t rows, int64_t columns)
{
    (void)rows, (void)columns;
    return sqrt(inverse(fans->in) / 3);
}

static double spread_orthogonal(const nb_fans *fans, int64_t rows, int64_t columns)
{
    (void)fans;
    return sqrt(inverse(rows > columns ? rows : columns));
}

static double spread_nguyen_widrow(const nb_fans *fans, int64_t rows, int64_t columns)
{
    return 0.7 * pow((double)rows, inverse(fans->in)) * sqrt(inverse(columns));
}

double nb_init_spread(nb_init init, const nb_tensor *w, int64_t fan_in, int64_t fan_out)
{
    nb_fans fans = {fan_in, fan_out, init.number};
    int64_t count = nb_tensor_count(w), rows = w->dims > 1 ? w->shape[0] : 1;
    if (!init.type || !init.type->spread || count == 0) return 0;
    return init.type->spread(&fans, rows, count / rows);
}

/* ---- The descriptors ------------------------------------------------------------------------ */

#define INIT(NAME, HELP, ...)                                                                      \
    NB_DESCRIPTOR(nb_init_type, nb_init_##NAME) = {                                                \
        .name = #NAME,                                                                             \
        .help = HELP,                                                                              \
        .example = "net = nn.net \"4 - 3 init=" #NAME " - 1\"",                                    \
        .fill = fill_##NAME,                                                                       \
        __VA_ARGS__,                                                                               \
    }

#define NUMBER(NAME, HELP, VALUE)                                                                  \
    {                                                                                              \
        .name = NAME, .help = HELP, .value = VALUE, .kind = NB_NUMBER,                             \
        .offset = offsetof(nb_chosen, number[0])                                                   \
    }

static const nb_option deviation_options[] = {NUMBER("deviation", "of the numbers", 1),
                                              NB_OPTIONS_END};
static const nb_option value_options[] = {NUMBER("value", "of every element", 0), NB_OPTIONS_END};

INIT(lecun, "normal, variance 1/inputs (LeCun et al. 1998; the book's choice)",
     .spread = spread_lecun);
INIT(he, "normal, variance 2/inputs, for relu (He et al. 2015)", .spread = spread_he);
INIT(glorot, "uniform up to sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010)",
     .spread = spread_glorot);
INIT(normal, "normal, variance 1 (the book's first choice), or of another deviation",
     .options = deviation_options, .spread = spread_normal);
INIT(uniform, "uniform up to 1 / sqrt(inputs)", .spread = spread_uniform);
INIT(orthogonal, "orthonormal rows, or columns where there are fewer (Saxe et al. 2014)",
     .spread = spread_orthogonal);
INIT(nguyen_widrow,
     "for tanh: rows of length β = 0.7 neurons^(1/inputs), biases uniform up to β, so that inputs "
     "within -1 … 1 meet the slopes of all neurons (Nguyen and Widrow 1990)",
     .biases = true, .spread = spread_nguyen_widrow);
INIT(zeros, "all 0; neurons of a layer then stay alike", .options = NULL);
INIT(ones, "all 1; neurons of a layer then stay alike", .options = NULL);
INIT(constant, "all one value; neurons of a layer then stay alike", .options = value_options);

/* ---- Values --------------------------------------------------------------------------------- */

nb_init nb_init_of(const nb_init_type *type)
{
    nb_init init = {.type = type};
    nb_chosen_defaults(type->options, init.number);
    return init;
}

bool nb_init_same(nb_init a, nb_init b)
{
    return a.type == b.type && memcmp(a.number, b.number, sizeof a.number) == 0;
}

nb_status nb_init_fill(nb_ctx *ctx, nb_init init, nb_tensor *w, int64_t fan_in, int64_t fan_out,
                       nb_stream *stream)
{
    nb_fans fans = {fan_in, fan_out, init.number};
    return init.type->fill(ctx, w, &fans, stream);
}
