/* Least squares of a network. Row i of the Jacobian is the gradient of one output for one example:
 * a forward pass for every example, and from it a backward pass for every output. */
#include "nn/train/squares.h"

#include "base/arith.h"
#include "kernel/kernel.h"
#include "nn/train/search/places.h"

#include <math.h>
#include <string.h>

nb_status nb_squares_check(nb_ctx *ctx, const nb_net *net, const char *who)
{
    if (net->cost.type->squares) return NB_OK;
    return nb_fail(ctx, NB_EARG,
                   "%s needs a cost that is a sum of squares, quadratic or mse; this network's is "
                   "%s",
                   who, net->cost.type->name);
}

/* ---- Residuals ------------------------------------------------------------------------------- */

/* The outputs of one example, or of one of its steps, weigh alike. */
typedef struct layout {
    int64_t each;  /* outputs of an example */
    int64_t steps; /* of it; 1 */
} layout;

static layout layout_of(const nb_whole *whole, const nb_tensor *y)
{
    int64_t n = y->shape[0], count = nb_tensor_count(y);
    bool steps = nb_net_out(whole->net)->reading == NB_STEPS;
    return (layout){n ? count / n : 0, steps ? y->shape[1] : 1};
}

/* √w of output k of example i; 0 for padding. */
static double root_of(const nb_portion *piece, const layout *l, int64_t i, int64_t k)
{
    const nb_tensor *w = piece->weights;
    int64_t at[2] = {i, k / (l->each / l->steps)};
    if (l->steps > 1 && piece->batch.lengths) {
        double real = nb_tensor_get(piece->batch.lengths, &i);
        if (!((double)at[1] < real)) return 0;
    }
    return w ? sqrt(nb_tensor_get(w, at)) : 1;
}

/* Residuals of examples first … of a piece, from their outputs; *counted grows. */
static nb_status compare(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, int64_t first,
                         nb_tensor *a, double *r)
{
    const layout l = layout_of(whole, piece->batch.y);
    nb_tensor *out = nb_tensor_contiguous(ctx, a);
    nb_tensor *y = out ? nb_tensor_contiguous(ctx, piece->batch.y) : NULL;
    int64_t n = y ? a->shape[0] : 0;
    nb_status status = y ? NB_OK : ctx->status;
    if (y && nb_tensor_count(out) != n * l.each)
        status = nb_fail(ctx, NB_ESHAPE, "the outputs and y have different sizes");
    for (int64_t i = 0; i < n && status == NB_OK; i++)
        for (int64_t k = 0; k < l.each; k++, r++) {
            int64_t at = (first + i) * l.each + k;
            double root = root_of(piece, &l, first + i, k);
            double d = nb_number_at(out->dtype, nb_tensor_data(out), i * l.each + k) -
                       nb_number_at(y->dtype, nb_tensor_data(y), at);
            *r = root > 0 ? root * d : 0;
        }
    nb_tensor_release(ctx, out);
    nb_tensor_release(ctx, y);
    return status;
}

static nb_status piece_residuals(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece,
                                 double *r)
{
    nb_mode mode = *whole->mode;
    nb_result pass;
    mode.lengths = piece->batch.lengths;
    mode.taped = false;
    nb_status status = nb_net_run(ctx, whole->net, piece->batch.x, NULL, &mode, NULL, &pass);
    if (status != NB_OK) return status;
    status = compare(ctx, whole, piece, 0, pass.output, r);
    nb_result_free(ctx, &pass);
    return status;
}

/* What is done with every piece in turn; `at` residuals stand before it. */
typedef nb_status piece_fn(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, int64_t at,
                           void *to);

static nb_status each_piece(nb_ctx *ctx, const nb_whole *whole, piece_fn *fn, void *to)
{
    int64_t count = nb_whole_count(whole), most = nb_whole_size(whole), at = 0;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < count && status == NB_OK; i += most) {
        nb_portion piece;
        status = nb_whole_take(ctx, whole, i, nb_least_i64(count - i, most), &piece);
        if (status != NB_OK) break;
        status = fn(ctx, whole, &piece, at, to);
        at += nb_tensor_count(piece.batch.y);
        nb_portion_free(ctx, &piece);
    }
    return status;
}

static nb_status put_residuals(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece,
                               int64_t at, void *r)
{
    return piece_residuals(ctx, whole, piece, (double *)r + at);
}

static nb_status residuals(nb_ctx *ctx, void *self, double *r)
{
    return each_piece(ctx, self, put_residuals, r);
}

/* ---- The Jacobian ---------------------------------------------------------------------------- */

typedef struct rows {
    const nb_row_taker *to;
    nb_tensor *gradient; /* flat, of the root's parameters */
    int64_t filled;      /* rows in the room */
    int64_t example;     /* from 0, for messages */
} rows;

static nb_status hand_over(nb_ctx *ctx, rows *r)
{
    nb_status status = r->filled ? r->to->take(ctx, r->to->self, r->filled) : NB_OK;
    r->filled = 0;
    return status;
}

/* One row: root times the gradient, and the residual. */
static nb_status put_row(nb_ctx *ctx, const nb_whole *whole, rows *r, int64_t k, double root,
                         double residual)
{
    const nb_row_taker *to = r->to;
    double *row = to->room + r->filled * (to->places + 1);
    int64_t offset = whole->net->values->offset - whole->net->whole->offset;
    const void *from = nb_tensor_data(r->gradient);
    for (int64_t j = 0; j < to->places; j++)
        row[j] = root * nb_number_at(r->gradient->dtype, from, offset + to->place[j]);
    row[to->places] = residual;
    if (!nb_real(NB_F64)->finite((size_t)to->places + 1, row))
        return nb_fail(ctx, NB_EVALUE, "output %lld of example %lld, or its slope, is not finite",
                       (long long)k + 1, (long long)r->example + 1);
    return ++r->filled == to->most ? hand_over(ctx, r) : NB_OK;
}

/* The gradient of output k, where it depends on what learns. */
static nb_status backward(nb_ctx *ctx, const nb_whole *whole, rows *r, nb_tensor *out,
                          nb_tensor *delta, int64_t k, bool last)
{
    const nb_sink sink = {
        .from = whole->net->whole->storage, .into = r->gradient, .alpha = 1, .beta = 1};
    const nb_backward_options options = {
        .keep = !last, .delta = delta, .sinks = &sink, .sink_count = 1};
    size_t bytes = (size_t)nb_tensor_count(r->gradient) * nb_dtype_size(r->gradient->dtype);
    memset(nb_tensor_data(r->gradient), 0, bytes);
    if (!out->link) return NB_OK;
    nb_number_put(delta->dtype, nb_tensor_data(delta), k, 1);
    nb_status status = nb_backward(ctx, out, &options);
    nb_number_put(delta->dtype, nb_tensor_data(delta), k, 0);
    return status;
}

static nb_status put_outputs(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, int64_t i,
                             rows *r, nb_tensor *out, const double *residual)
{
    const layout l = layout_of(whole, piece->batch.y);
    nb_tensor *delta = nb_tensor_zeros(ctx, out->dtype, out->dims, out->shape);
    nb_status status = delta ? NB_OK : ctx->status;
    for (int64_t k = 0; k < l.each && status == NB_OK; k++) {
        double root = root_of(piece, &l, i, k);
        status = backward(ctx, whole, r, out, delta, k, k == l.each - 1);
        if (status == NB_OK) status = put_row(ctx, whole, r, k, root, residual[k]);
    }
    nb_tensor_release(ctx, delta);
    return status;
}

/* The rows of example i of a piece. */
static nb_status put_example(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, int64_t i,
                             rows *r)
{
    nb_mode mode = *whole->mode;
    nb_result pass;
    const nb_batch *batch = &piece->batch;
    nb_tensor *x = nb_tensor_narrow(ctx, batch->x, 0, i, 1, 1);
    if (!x) return ctx->status;
    if (batch->lengths) mode.lengths = nb_tensor_narrow(ctx, batch->lengths, 0, i, 1, 1);
    mode.taped = true;
    nb_status status = batch->lengths && !mode.lengths ? ctx->status : NB_OK;
    if (status == NB_OK) status = nb_net_run(ctx, whole->net, x, NULL, &mode, NULL, &pass);
    if (status == NB_OK) {
        size_t each = (size_t)(nb_tensor_count(batch->y) / batch->y->shape[0]);
        double *residual = nb_alloc(ctx, each * sizeof *residual);
        status = residual ? compare(ctx, whole, piece, i, pass.output, residual) : ctx->status;
        if (status == NB_OK) status = put_outputs(ctx, whole, piece, i, r, pass.output, residual);
        nb_free(ctx, residual, each * sizeof *residual);
        nb_result_free(ctx, &pass);
    }
    nb_tensor_release(ctx, mode.lengths);
    nb_tensor_release(ctx, x);
    return status;
}

static nb_status put_piece(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, int64_t at,
                           void *to)
{
    rows *r = to;
    nb_status status = NB_OK;
    (void)at;
    for (int64_t i = 0; i < piece->batch.x->shape[0] && status == NB_OK; i++, r->example++)
        status = put_example(ctx, whole, piece, i, r);
    return status;
}

static nb_status jacobian(nb_ctx *ctx, void *self, const nb_row_taker *to)
{
    const nb_whole *whole = self;
    rows r = {.to = to};
    r.gradient = nb_tensor_zeros(ctx, whole->net->dtype, 1, whole->net->whole->shape);
    if (!r.gradient) return ctx->status;
    nb_status status = each_piece(ctx, whole, put_piece, &r);
    if (status == NB_OK) status = hand_over(ctx, &r);
    nb_tensor_release(ctx, r.gradient);
    return status;
}

/* ---- The sum --------------------------------------------------------------------------------- */

typedef struct sums {
    int64_t residuals, counted;
    double weight;
    double outputs; /* that the cost of an example averages over */
} sums;

static nb_status count_piece(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece,
                             int64_t at, void *to)
{
    sums *s = to;
    const layout l = layout_of(whole, piece->batch.y);
    (void)ctx;
    (void)at;
    for (int64_t i = 0; i < piece->batch.y->shape[0]; i++)
        for (int64_t k = 0; k < l.each; k++) s->counted += root_of(piece, &l, i, k) > 0;
    s->residuals += nb_tensor_count(piece->batch.y);
    s->weight += piece->weight;
    s->outputs = (double)(l.each / l.steps);
    return NB_OK;
}

nb_status nb_squares_of(nb_ctx *ctx, const nb_whole *whole, nb_squares *squares, int64_t *counted)
{
    sums s = {.residuals = 0};
    const nb_cost *cost = &whole->net->cost;
    nb_status status = each_piece(ctx, whole, count_piece, &s);
    if (status != NB_OK) return status;
    *squares = (nb_squares){.count = s.residuals,
                            .share = cost->type->squares(cost, s.outputs) / s.weight,
                            .residuals = residuals,
                            .rows = jacobian,
                            .self = (void *)(uintptr_t)whole};
    if (counted) *counted = s.counted;
    return NB_OK;
}
