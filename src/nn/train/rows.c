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

/* The example alone, as a pass takes it: new references, to be dropped whatever comes. */
typedef struct single {
    nb_tensor *x, *y, *lengths;
} single;

static nb_status take_single(nb_ctx *ctx, const nb_row_example *example, single *one)
{
    const nb_batch *batch = &example->piece->batch;
    int64_t at = example->at;
    *one = (single){.x = nb_tensor_narrow(ctx, batch->x, 0, at, 1, 1)};
    if (one->x) one->y = nb_tensor_narrow(ctx, batch->y, 0, at, 1, 1);
    if (one->y && batch->lengths) one->lengths = nb_tensor_narrow(ctx, batch->lengths, 0, at, 1, 1);
    return one->y && !batch->lengths == !one->lengths ? NB_OK : ctx->status;
}

static void drop_single(nb_ctx *ctx, single *one)
{
    nb_tensor_release(ctx, one->lengths);
    nb_tensor_release(ctx, one->x);
    nb_tensor_release(ctx, one->y);
}

/* A pass of one example that leaves records. */
static nb_status run(nb_ctx *ctx, making *m, const nb_row_example *example, nb_result *pass)
{
    nb_mode mode = *m->whole->mode;
    single one;
    nb_status status = take_single(ctx, example, &one);
    mode.lengths = one.lengths;
    mode.taped = true;
    nb_tensor *y = m->source->to_cost ? one.y : NULL;
    if (status == NB_OK) status = nb_net_run(ctx, m->whole->net, one.x, y, &mode, NULL, pass);
    drop_single(ctx, &one);
    return status;
}

/* Where a number of the example's rows that is not finite began, behind the message. */
static nb_status explain(nb_ctx *ctx, making *m, const nb_row_example *example, uint64_t draws,
                         nb_status status)
{
    nb_mode mode = *m->whole->mode;
    single one;
    if (status != NB_EVALUE) return status;
    nb_status taken = take_single(ctx, example, &one);
    mode.lengths = one.lengths;
    mode.rows = (nb_numbering){.order = m->whole->order, .start = m->example};
    const nb_inquiry ask = {
        .net = m->whole->net, .x = one.x, .y = one.y, .mode = &mode, .draws = draws};
    status = taken == NB_OK ? nb_net_explain(ctx, &ask, status) : taken;
    drop_single(ctx, &one);
    return status;
}

static nb_status put_example(nb_ctx *ctx, making *m, const nb_row_example *example)
{
    nb_result pass;
    int64_t rows = 0;
    uint64_t draws = ctx->draws;
    nb_status status = run(ctx, m, example, &pass);
    if (status != NB_OK) return explain(ctx, m, example, draws, status);
    status = m->source->begin(ctx, m->source->self, example, &pass, &rows);
    if (status == NB_OK) status = put_rows(ctx, m, pass.output, rows);
    nb_result_free(ctx, &pass);
    return explain(ctx, m, example, draws, status);
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
    making m = {.whole = whole, .source = source, .to = to, .example = whole->first};
    m.gradient = nb_tensor_zeros(ctx, whole->net->dtype, 1, whole->net->whole->shape);
    if (!m.gradient) return ctx->status;
    nb_status status = nb_whole_each(ctx, whole, put_piece, &m);
    if (status == NB_OK) status = hand_over(ctx, &m);
    nb_tensor_release(ctx, m.gradient);
    return status;
}
