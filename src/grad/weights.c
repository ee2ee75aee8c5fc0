/* Products of rows and weights, and the weights' gradients. */
#include "grad/weights.h"

#include "base/arith.h"
#include "base/memory.h"
#include "grad/thinned.h"
#include "kernel/product.h"
#include "tensor/shape.h"

#include <string.h>

enum {
    FEW = 16,           /* non-zeros are kept where they are at most one number in so many, */
    NEURONS_ALL = 100,  /* in proportion fewer where there are fewer neurons than so many, */
    NEURONS_LEAST = 16, /* and never for fewer than so many, */
    ROWS_LEAST = 16,    /* in so many rows, for w is turned once for all of them, */
    WIDTH_LEAST = 32,   /* of so many columns */
    COLUMNS_FEW = 4     /* those that hold any are told where non-zeros are fewer than k / this */
};

/* ---- Looking --------------------------------------------------------------------------------- */

static int64_t rows_of(const nb_tensor *x)
{
    return nb_shape_count(x->dims - 1, x->shape);
}

/* How many of rows start … end - 1 are not 0, or -1 where they are too many; most rows show it at
 * once. */
static int64_t count_few(const nb_tensor *x, int64_t start, int64_t end, int64_t neurons)
{
    int64_t rows = end - start, k = x->shape[x->dims - 1];
    if (rows < ROWS_LEAST || k < WIDTH_LEAST || rows * k > INT32_MAX) return -1;
    if (neurons < NEURONS_LEAST) return -1;
    const nb_real_kernels *real = nb_real(x->dtype);
    int64_t count = 0, most = rows * k / FEW * nb_least_i64(neurons, NEURONS_ALL) / NEURONS_ALL,
            width = (int64_t)nb_dtype_size(x->dtype);
    const char *data = (const char *)nb_tensor_data(x) + start * k * width;
    if ((int64_t)real->count_nonzero((size_t)k, data) > k / FEW) return -1;
    for (int64_t i = 0; i < rows && count <= most; i++)
        count += (int64_t)real->count_nonzero((size_t)k, data + i * k * width);
    return count <= most ? count : -1;
}

static void list_nonzeros(const nb_tensor *x, int64_t rows, int64_t k, const nb_inputs *to)
{
    int64_t width = (int64_t)nb_dtype_size(x->dtype), at = 0;
    int32_t *start = nb_tensor_data(to->start), *index = nb_tensor_data(to->index);
    const char *data = nb_tensor_data(x);
    char *value = nb_tensor_data(to->value);
    for (int64_t i = 0; i < rows; i++) {
        start[i] = (int32_t)at;
        at += (int64_t)nb_real(x->dtype)->nonzeros((size_t)k, data + i * k * width, index + at,
                                                   value + at * width);
    }
    start[rows] = (int32_t)at;
}

/* Which columns hold non-zeros; their numbers in `index` become their places in that list. */
static nb_status list_columns(nb_ctx *ctx, nb_inputs *of, int64_t k)
{
    int32_t *index = nb_tensor_data(of->index);
    int64_t count = of->index->shape[0], columns = 0;
    nb_tensor *map = nb_tensor_zeros(ctx, NB_I32, 1, &k);
    int32_t *place = map ? nb_tensor_data(map) : NULL;
    for (int64_t i = 0; place && i < count; i++) columns += place[index[i]]++ == 0;
    of->column = place ? nb_tensor_new(ctx, NB_I32, 1, &columns) : NULL;
    int32_t *column = of->column ? nb_tensor_data(of->column) : NULL, at = 0;
    for (int32_t c = 0; column && c < k; c++) {
        if (place[c] == 0) continue;
        column[at] = c;
        place[c] = at++;
    }
    for (int64_t i = 0; column && i < count; i++) index[i] = place[index[i]];
    nb_tensor_release(ctx, map);
    return column ? NB_OK : ctx->status;
}

nb_status nb_inputs_look(nb_ctx *ctx, nb_tensor *x, int64_t neurons, nb_inputs *inputs)
{
    int64_t k = x->shape[x->dims - 1], rows = rows_of(x), starts = rows + 1;
    int64_t count = nb_thinned_of(x) ? -1 : count_few(x, 0, rows, neurons);
    *inputs = (nb_inputs){.x = NULL};
    if (count < 0) {
        inputs->x = nb_tensor_retain(x);
        return NB_OK;
    }
    inputs->start = nb_tensor_new(ctx, NB_I32, 1, &starts);
    if (inputs->start) inputs->index = nb_tensor_new(ctx, NB_I32, 1, &count);
    if (inputs->index) inputs->value = nb_tensor_new(ctx, x->dtype, 1, &count);
    if (inputs->value) {
        list_nonzeros(x, rows, k, inputs);
        if (count >= k / COLUMNS_FEW || list_columns(ctx, inputs, k) == NB_OK) return NB_OK;
    }
    nb_inputs_free(ctx, inputs);
    return ctx->status;
}

nb_status nb_inputs_look_piled(nb_ctx *ctx, nb_tensor *x, int64_t neurons, const nb_piled *rows,
                               nb_inputs *inputs)
{
    *inputs = (nb_inputs){.x = NULL};
    bool given = nb_thinned_of(x), listed = !given && x->dims != 2;
    for (size_t i = 0; i < rows->pieces && !given && !listed; i++)
        listed = count_few(x, rows->start[i], rows->start[i + 1], neurons) >= 0;
    if (listed) return nb_fail(ctx, NB_EARG, "non-zeros of a piece are listed for itself");
    inputs->x = nb_tensor_retain(x);
    return NB_OK;
}

nb_status nb_inputs_look_again(nb_ctx *ctx, nb_tensor *x, int64_t neurons, nb_inputs *inputs)
{
    if (inputs->x == x && x->shape[0] < ROWS_LEAST && x->dims == 2) return NB_OK;
    nb_inputs_free(ctx, inputs);
    return nb_inputs_look(ctx, x, neurons, inputs);
}

void nb_inputs_free(nb_ctx *ctx, nb_inputs *inputs)
{
    if (inputs->x) nb_tensor_release(ctx, inputs->x);
    if (inputs->start) {
        nb_tensor_release(ctx, inputs->start);
        nb_tensor_release(ctx, inputs->index);
        nb_tensor_release(ctx, inputs->value);
        nb_tensor_release(ctx, inputs->column);
    }
    *inputs = (nb_inputs){.x = NULL};
}

void nb_inputs_save(const nb_inputs *inputs, nb_tensor **saved)
{
    nb_tensor *const list[NB_INPUTS_SAVED] = {inputs->x ? inputs->x : inputs->start, inputs->index,
                                              inputs->value, inputs->column};
    for (int i = 0; i < NB_INPUTS_SAVED; i++) saved[i] = list[i] ? nb_tensor_retain(list[i]) : NULL;
}

nb_inputs nb_inputs_saved(nb_tensor *const *saved)
{
    if (!saved[1]) return (nb_inputs){.x = saved[0]};
    return (nb_inputs){.start = saved[0], .index = saved[1], .value = saved[2], .column = saved[3]};
}

/* ---- Non-zeros and rows of the turned weights ------------------------------------------------ */

/* A turned w that is a tensor, (columns, m). */
static nb_turned_w compact(nb_tensor *turned)
{
    int64_t m = turned->shape[1];
    return (nb_turned_w){.data = nb_tensor_data(turned), .m = m, .ld = m};
}

/* The rows, of so many columns, as the kernels take them. */
static nb_thin thin_of(const nb_inputs *inputs, int64_t columns)
{
    return (nb_thin){.dtype = inputs->value->dtype,
                     .columns = columns,
                     .rows = inputs->start->shape[0] - 1,
                     .start = nb_tensor_data(inputs->start),
                     .index = nb_tensor_data(inputs->index),
                     .value = nb_tensor_data(inputs->value)};
}

/* The listed columns of w (m, k) become rows of `turned`, or those rows go back to their columns.
 */
static void move_columns(const nb_tensor *column, int64_t m, int64_t k, nb_tensor *w,
                         nb_tensor *turned, bool back)
{
    const int32_t *list = nb_tensor_data(column);
    size_t size = nb_dtype_size(w->dtype);
    char *from = nb_tensor_data(w), *to = nb_tensor_data(turned);
    for (int64_t o = 0; o < m; o++)
        for (int64_t j = 0; j < column->shape[0]; j++) {
            char *in_w = from + (size_t)(o * k + list[j]) * size;
            char *in_turned = to + (size_t)(j * m + o) * size;
            memcpy(back ? in_w : in_turned, back ? in_turned : in_w, size);
        }
}

/* How many rows the turned w has. */
static int64_t turned_rows(const nb_inputs *inputs, const nb_tensor *w)
{
    return inputs->column ? inputs->column->shape[0] : w->shape[1];
}

nb_tensor *nb_inputs_turn(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w)
{
    const int64_t m = w->shape[0], k = w->shape[1], shape[] = {turned_rows(inputs, w), m};
    nb_tensor *turned = nb_tensor_new(ctx, w->dtype, 2, shape);
    if (turned && inputs->column)
        move_columns(inputs->column, m, k, (nb_tensor *)(uintptr_t)w, turned, false);
    else if (turned)
        nb_turn(w->dtype, k, m, nb_tensor_data(w), nb_tensor_data(turned));
    return turned;
}

void nb_inputs_add_row(const nb_inputs *inputs, int64_t i, const void *turned, int64_t m, void *z)
{
    nb_thin row = thin_of(inputs, 0); /* which matters to several rows alone */
    row.rows = 1;
    row.start += i;
    nb_kernels_get()->thin[row.dtype]->forward(&row, (size_t)m, turned, (size_t)m, false, true, z,
                                               (size_t)m);
}

/* Of given rows; w lies turned already, or is turned for them all. */
static nb_status given_product(nb_ctx *ctx, const nb_thinned *given, const nb_tensor *w, void *z)
{
    const int64_t shape[] = {w->shape[1], w->shape[0]};
    nb_tensor *turned = given->turned ? NULL : nb_tensor_new(ctx, w->dtype, 2, shape);
    if (!given->turned && !turned) return ctx->status;
    if (turned) nb_turn(w->dtype, shape[0], shape[1], nb_tensor_data(w), nb_tensor_data(turned));
    nb_thin_forward(ctx, &given->rows,
                    turned ? compact(turned) : nb_thinned_w(given, nb_tensor_data(w)), z);
    nb_tensor_release(ctx, turned);
    return nb_poll(ctx);
}

/* z += x wᵀ of rows that are neither given nor listed, as most are. */
static inline nb_status plain_product(nb_ctx *ctx, const nb_tensor *x, const nb_tensor *w,
                                      int64_t rows, void *z)
{
    size_t m = (size_t)w->shape[0], k = (size_t)w->shape[1], ld = k ? k : 1;
    return nb_product(ctx, w->dtype, (size_t)rows, m, k, 1,
                      (nb_matrix){nb_tensor_data(x), ld, false},
                      (nb_matrix){nb_tensor_data(w), ld, true}, 1, z, m ? m : 1);
}

nb_status nb_inputs_product(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w, void *z)
{
    if (inputs->x && nb_thinned_of(inputs->x))
        return given_product(ctx, nb_thinned_of(inputs->x), w, z);
    if (inputs->x) return plain_product(ctx, inputs->x, w, rows_of(inputs->x), z);
    nb_tensor *turned = nb_inputs_turn(ctx, inputs, w);
    if (!turned) return ctx->status;
    const nb_thin rows = thin_of(inputs, turned_rows(inputs, w));
    nb_thin_forward(ctx, &rows, compact(turned), z);
    nb_tensor_release(ctx, turned);
    return nb_poll(ctx);
}

/* Every one of `rows` rows of z = b. */
static nb_status fill_rows(nb_ctx *ctx, const nb_tensor *b, int64_t rows, char *z)
{
    const int64_t round = 1 << 20; /* rows between two looks for Ctrl-C */
    int64_t neurons = b->shape[0], bytes = neurons * (int64_t)nb_dtype_size(b->dtype);
    for (int64_t at = 0; at < rows; at += round) {
        if (at > 0 && nb_poll(ctx) != NB_OK) return ctx->status;
        int64_t n = rows - at < round ? rows - at : round;
        nb_real(b->dtype)->repeat_row((size_t)n, (size_t)neurons, nb_tensor_data(b), z + at * bytes,
                                      (ptrdiff_t)neurons);
    }
    return NB_OK;
}

nb_status nb_affine_rows(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w,
                         const nb_tensor *b, int64_t rows, void *z)
{
    size_t m = (size_t)w->shape[0], k = (size_t)w->shape[1];
    if (inputs->x && k > 0 && !nb_thinned_of(inputs->x))
        return nb_product_onto(ctx, w->dtype, (size_t)rows, m, k,
                               (nb_matrix){nb_tensor_data(inputs->x), k, false},
                               (nb_matrix){nb_tensor_data(w), k, true}, nb_tensor_data(b), z, m);
    nb_status status = fill_rows(ctx, b, rows, z);
    return status == NB_OK ? nb_inputs_product(ctx, inputs, w, z) : status;
}

nb_status nb_affine(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w, const nb_tensor *b,
                    nb_tensor *z)
{
    return nb_affine_rows(ctx, inputs, w, b, rows_of(z), nb_tensor_data(z));
}

nb_status nb_affine_piled(nb_ctx *ctx, const nb_inputs *inputs, const nb_tensor *w,
                          const nb_tensor *b, const nb_piled *rows, nb_tensor *z)
{
    size_t m = (size_t)w->shape[0], k = (size_t)w->shape[1];
    if (nb_thinned_of(inputs->x)) return nb_affine(ctx, inputs, w, b, z);
    const nb_matrix x = {nb_tensor_data(inputs->x), k, false};
    return nb_product_piled(ctx, w->dtype, rows, m, k, x, (nb_matrix){nb_tensor_data(w), k, true},
                            nb_tensor_data(b), nb_tensor_data(z), m);
}

nb_status nb_delta_before(nb_ctx *ctx, const nb_tensor *delta, nb_tensor *w, const nb_piled *rows,
                          nb_tensor *out)
{
    size_t neurons = (size_t)w->shape[0], k = (size_t)w->shape[1], ld = k ? k : 1;
    nb_tensor *plain = nb_tensor_contiguous(ctx, w);
    if (!plain) return ctx->status;
    const nb_matrix d = {nb_tensor_data(delta), neurons ? neurons : 1, false};
    const nb_matrix by = {nb_tensor_data(plain), ld, false};
    nb_status status = rows ? nb_product_piled(ctx, delta->dtype, rows, k, neurons, d, by, NULL,
                                               nb_tensor_data(out), ld)
                            : nb_product(ctx, delta->dtype, (size_t)rows_of(delta), k, neurons, 1,
                                         d, by, 0, nb_tensor_data(out), ld);
    nb_tensor_release(ctx, plain);
    return status;
}

/* ---- Gradients ------------------------------------------------------------------------------- */

/* A tensor (n, m) of what may have another number of dimensions before the last. */
static nb_tensor *folded(nb_ctx *ctx, nb_tensor *t)
{
    const int64_t shape[2] = {rows_of(t), t->shape[t->dims - 1]};
    return t->dims == 2 ? nb_tensor_retain(t) : nb_tensor_reshape(ctx, t, 2, shape);
}

nb_status nb_weight_gradient(nb_ctx *ctx, nb_record *record, int input, nb_tensor *delta,
                             nb_tensor *x, nb_tensor **grad)
{
    nb_tensor *d = folded(ctx, delta), *a = d ? folded(ctx, x) : NULL;
    nb_status status = a ? NB_OK : ctx->status;
    if (a && nb_leaf_of(record->in[input])) {
        status = nb_tape_product(ctx, record, input, d, a);
    } else if (a) {
        nb_tensor *turned = nb_tensor_transpose(ctx, d);
        grad[input] = turned ? nb_op2(ctx, NB_OP_matmul, turned, a) : NULL;
        nb_tensor_release(ctx, turned);
        status = grad[input] ? NB_OK : ctx->status;
    }
    nb_tensor_release(ctx, d);
    nb_tensor_release(ctx, a);
    return status;
}

/* x (n, k) again. */
static nb_tensor *with_zeros(nb_ctx *ctx, const nb_inputs *inputs, int64_t k)
{
    const int32_t *start = nb_tensor_data(inputs->start), *index = nb_tensor_data(inputs->index);
    const int32_t *column = inputs->column ? nb_tensor_data(inputs->column) : NULL;
    const int64_t shape[] = {inputs->start->shape[0] - 1, k};
    size_t size = nb_dtype_size(inputs->value->dtype);
    nb_tensor *x = nb_tensor_zeros(ctx, inputs->value->dtype, 2, shape);
    char *to = x ? nb_tensor_data(x) : NULL;
    for (int64_t i = 0; x && i < shape[0]; i++, to += (size_t)k * size)
        for (int32_t at = start[i]; at < start[i + 1]; at++)
            memcpy(to + (size_t)(column ? column[index[at]] : index[at]) * size,
                   (const char *)nb_tensor_data(inputs->value) + (size_t)at * size, size);
    return x;
}

nb_status nb_inputs_gradient(nb_ctx *ctx, nb_record *record, int input, nb_tensor *delta,
                             const nb_inputs *inputs, nb_tensor **grad)
{
    if (inputs->x) return nb_weight_gradient(ctx, record, input, delta, inputs->x, grad);
    if (nb_tape_is_observed(record)) {
        nb_tensor *x = with_zeros(ctx, inputs, record->in[input]->shape[1]);
        nb_status seen = x ? nb_weight_gradient(ctx, record, input, delta, x, grad) : ctx->status;
        nb_tensor_release(ctx, x);
        return seen;
    }
    const nb_tensor *w = record->in[input];
    const int64_t m = w->shape[0], k = w->shape[1], shape[] = {turned_rows(inputs, w), m};
    nb_tensor *turned = nb_tensor_zeros(ctx, w->dtype, 2, shape), *out = NULL;
    if (turned && inputs->column)
        out = nb_tensor_zeros(ctx, w->dtype, 2, w->shape);
    else if (turned)
        out = nb_tensor_new(ctx, w->dtype, 2, w->shape);
    const nb_thin rows = thin_of(inputs, turned_rows(inputs, w));
    nb_status status = ctx->status;
    if (out) status = nb_thin_back(ctx, &rows, 1, nb_tensor_data(delta), compact(turned));
    if (out && inputs->column)
        move_columns(inputs->column, m, k, out, turned, true);
    else if (out)
        nb_turn(w->dtype, m, k, nb_tensor_data(turned), nb_tensor_data(out));
    nb_tensor_release(ctx, turned);
    grad[input] = nb_tensor_settle(ctx, out, status == NB_OK ? nb_poll(ctx) : status);
    return grad[input] ? NB_OK : ctx->status;
}

void nb_add_columns(nb_dtype dtype, int64_t rows, int64_t columns, int64_t ld, const void *data,
                    double *room, void *out)
{
    const nb_kernels *kernels = nb_kernels_get();
    memset(room, 0, (size_t)columns * sizeof *room);
    kernels->folds[dtype]->columns[NB_FOLD_sum]((size_t)rows, (size_t)columns, data, (ptrdiff_t)ld,
                                                1, NULL, room);
    kernels->convert[NB_F64][dtype]((size_t)columns, room, 1, out, 1, 1.0);
}

nb_tensor *nb_sum_columns(nb_ctx *ctx, nb_dtype dtype, int64_t rows, int64_t columns, int64_t ld,
                          const void *data)
{
    double *sums = nb_alloc(ctx, (size_t)columns * sizeof *sums);
    nb_tensor *out = sums ? nb_tensor_new(ctx, dtype, 1, &columns) : NULL;
    if (out) nb_add_columns(dtype, rows, columns, ld, data, sums, nb_tensor_data(out));
    nb_free(ctx, sums, (size_t)columns * sizeof *sums);
    return out;
}

nb_status nb_sum_gradient(nb_ctx *ctx, nb_record *record, int input, nb_tensor *rows,
                          nb_tensor **grad)
{
    const nb_tensor *in = record->in[input];
    int64_t columns = nb_tensor_count(in);
    nb_status status = nb_tape_share(ctx, record, input, rows, NULL);
    if (status != NB_OK || !nb_tape_wants(record, input)) return status;
    nb_tensor *sum =
        nb_sum_columns(ctx, rows->dtype, nb_tensor_count(rows) / (columns ? columns : 1), columns,
                       columns, nb_tensor_data(rows));
    grad[input] = sum ? nb_tensor_reshape(ctx, sum, in->dims, in->shape) : NULL;
    nb_tensor_release(ctx, sum);
    return grad[input] ? NB_OK : ctx->status;
}
