/* Rows of a Jacobian: a forward pass for every example, and from it a backward pass for every
 * row. */
#include "nn/train/rows.h"

#include "kernel/kernel.h"
#include "nn/train/search/places.h"

#include <string.h>

typedef struct making {
    const nb_whole *whole;
    const nb_row_source *source;
    const nb_row_taker *to;
    nb_tensor *gradient; /* flat, of the root's parameters */
    int64_t filled;      /* rows in the room */
    int64_t example;     /* from 0, for messages */
} making;

static void clear(nb_tensor *t)
{
    memset(nb_tensor_data(t), 0, (size_t)nb_tensor_count(t) * nb_dtype_size(t->dtype));
}

static nb_status hand_over(nb_ctx *ctx, making *m)
{
    nb_status status = m->filled ? m->to->take(ctx, m->to->self, m->filled) : NB_OK;
    m->filled = 0;
    return status;
}

/* The gradient, as far as it has columns, times the row's factor. */
static nb_status put_row(nb_ctx *ctx, making *m, int64_t k, const nb_row *of)
{
    const nb_row_taker *to = m->to;
    const nb_net *net = m->whole->net;
    double *row = to->room + m->filled * (to->places + 1);
    int64_t offset = net->values->offset - net->whole->offset;
    const void *from = nb_tensor_data(m->gradient);
    for (int64_t j = 0; j < to->places; j++)
        row[j] = of->factor * nb_number_at(m->gradient->dtype, from, offset + to->place[j]);
    row[to->places] = of->beside;
    if (!nb_real(NB_F64)->finite((size_t)to->places + 1, row))
        return nb_fail(ctx, NB_EVALUE, "output %lld of example %lld, or its slope, is not finite",
                       (long long)k + 1, (long long)m->example + 1);
    return ++m->filled == to->most ? hand_over(ctx, m) : NB_OK;
}

/* The gradient of the outputs times delta, where they depend on what learns. */
static nb_status backward(nb_ctx *ctx, making *m, nb_tensor *out, nb_tensor *delta, bool last)
{
    const nb_sink sink = {
        .from = m->whole->net->whole->storage, .into = m->gradient, .alpha = 1, .beta = 1};
    const nb_backward_options options = {
        .keep = !last, .delta = delta, .sinks = &sink, .sink_count = 1};
    clear(m->gradient);
    return out->link ? nb_backward(ctx, out, &options) : NB_OK;
}

static nb_status put_rows(nb_ctx *ctx, making *m, nb_tensor *out, int64_t rows)
{
    const nb_row_source *source = m->source;
    nb_tensor *delta = nb_tensor_zeros(ctx, out->dtype, out->dims, out->shape);
    nb_status status = delta ? NB_OK : ctx->status;
    for (int64_t k = 0; k < rows && status == NB_OK; k++) {
        nb_row row = {.factor = 1};
        if (k) clear(delta);
        source->row(source->self, k, delta, &row);
        status = backward(ctx, m, out, delta, k == rows - 1);
        if (status == NB_OK) status = put_row(ctx, m, k, &row);
    }
    nb_tensor_release(ctx, delta);
    return status;
}

/* A pass of one example that leaves records. */
static nb_status run(nb_ctx *ctx, making *m, const nb_row_example *example, nb_result *pass)
{
    nb_mode mode = *m->whole->mode;
    const nb_batch *batch = &example->piece->batch;
    bool to_cost = m->source->to_cost;
    nb_tensor *x = nb_tensor_narrow(ctx, batch->x, 0, example->at, 1, 1);
    nb_tensor *y = x && to_cost ? nb_tensor_narrow(ctx, batch->y, 0, example->at, 1, 1) : NULL;
    mode.lengths =
        x && batch->lengths ? nb_tensor_narrow(ctx, batch->lengths, 0, example->at, 1, 1) : NULL;
    mode.taped = true;
    bool whole = x && !to_cost == !y && !batch->lengths == !mode.lengths;
    nb_status status = whole ? NB_OK : ctx->status;
    if (whole) status = nb_net_run(ctx, m->whole->net, x, y, &mode, NULL, pass);
    nb_tensor_release(ctx, mode.lengths);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    return status;
}

static nb_status put_example(nb_ctx *ctx, making *m, const nb_row_example *example)
{
    nb_result pass;
    int64_t rows = 0;
    nb_status status = run(ctx, m, example, &pass);
    if (status != NB_OK) return status;
    status = m->source->begin(ctx, m->source->self, example, &pass, &rows);
    if (status == NB_OK) status = put_rows(ctx, m, pass.output, rows);
    nb_result_free(ctx, &pass);
    return status;
}

static nb_status put_piece(nb_ctx *ctx, const nb_whole *whole, const nb_portion *piece, void *self)
{
    making *m = self;
    nb_row_example example = {.piece = piece};
    nb_status status = NB_OK;
    (void)whole;
    for (; example.at < piece->batch.x->shape[0] && status == NB_OK; example.at++, m->example++)
        status = put_example(ctx, m, &example);
    return status;
}

nb_status nb_rows_make(nb_ctx *ctx, const nb_whole *whole, const nb_row_source *source,
                       const nb_row_taker *to)
{
    making m = {.whole = whole, .source = source, .to = to};
    m.gradient = nb_tensor_zeros(ctx, whole->net->dtype, 1, whole->net->whole->shape);
    if (!m.gradient) return ctx->status;
    nb_status status = nb_whole_each(ctx, whole, put_piece, &m);
    if (status == NB_OK) status = hand_over(ctx, &m);
    nb_tensor_release(ctx, m.gradient);
    return status;
}
