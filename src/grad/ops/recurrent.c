/* Recurrent layers: rnn, lstm, gru, each one op over the whole sequence and one direction.
 *
 * Shapes: x (n, T, k), wx (G u, k), wh (G u, u), b (G u), of gru bh (u); then, in any order,
 * lengths, i32 (n), and a state to begin with, (1, n, u), of lstm (2, n, u): h and c. Output
 * (n, T, u), 0 where a step is padding, or (n, u).
 *
 * Inside, steps come first: what belongs to step s of all examples lies together. s counts in the
 * order of the work: backwards it begins at each example's last real step, so that padding is
 * always at the end, where states are handed on as they are. What the input brings to the gates is
 * one product over all steps, likewise the weights' gradients. Between steps nothing passes from
 * one example to another, so rows of the batch are cut into pieces, of which each goes through all
 * steps. */
#include "grad/cell.h"
#include "grad/lengths.h"
#include "grad/support.h"

#include "base/memory.h"
#include "base/workers.h"
#include "kernel/product.h"
#include "tensor/shape.h"

#include <string.h>

enum {
    PIECE_ROWS = 16, /* examples of a piece: fewer make its products slow */
    PANEL = 32,      /* columns of Wh that lie together: a panel stays in the first cache */
    IN_X = 0,
    IN_WX,
    IN_WH,
    IN_B,
    IN_BH /* of gru */
};

static const nb_cell *cell_of(const nb_op *op)
{
    return &nb_cells[op == nb_ops[NB_OP_rnn] ? 0 : op == nb_ops[NB_OP_lstm] ? 1 : 2];
}

/* ---- Steps first, and back ------------------------------------------------------------------- */

static int64_t length_of(const nb_recurrence *job, int64_t i)
{
    return job->length ? job->length[i] : job->T;
}

/* Where step s of example i lies in (n, T, …), in rows. */
static int64_t place_of(const nb_recurrence *job, int64_t s, int64_t i)
{
    return i * job->T + (job->attr.back ? length_of(job, i) - 1 - s : s);
}

/* (n, T, columns) into (T, n, columns), with zeros as padding. */
static void steps_first(const nb_recurrence *job, const char *from, char *to, int64_t columns)
{
    size_t bytes = (size_t)(columns * job->width);
    for (int64_t s = 0; s < job->T && bytes; s++)
        for (int64_t i = 0; i < job->n; i++) {
            if (s < length_of(job, i))
                memcpy(nb_row(job, to, s, i, columns), from + place_of(job, s, i) * (int64_t)bytes,
                       bytes);
            else
                memset(nb_row(job, to, s, i, columns), 0, bytes);
        }
}

/* (T, n, columns) into (n, T, columns), likewise. */
static void examples_first(const nb_recurrence *job, const char *from, char *to, int64_t columns)
{
    size_t bytes = (size_t)(columns * job->width);
    for (int64_t i = 0; i < job->n && bytes; i++)
        for (int64_t s = 0; s < job->T; s++) {
            if (s < length_of(job, i))
                memcpy(to + place_of(job, s, i) * (int64_t)bytes, nb_row(job, from, s, i, columns),
                       bytes);
            else
                memset(to + (i * job->T + s) * (int64_t)bytes, 0, bytes);
        }
}

/* ---- Both ways ------------------------------------------------------------------------------- */

static nb_recurrence make_job(const nb_op *op, const nb_attr *attr, nb_tensor *const *in,
                              const nb_tensor *lengths, int64_t n, int64_t T)
{
    nb_recurrence job = {.cell = cell_of(op), .attr = attr->recurrent, .n = n, .T = T};
    job.dtype = in[IN_WH]->dtype;
    job.real = nb_real(job.dtype);
    job.width = (int64_t)nb_dtype_size(job.dtype);
    job.k = in[IN_WX]->shape[1];
    job.u = in[IN_WH]->shape[1];
    job.across = job.u * job.cell->gates;
    job.length = lengths ? nb_tensor_data(lengths) : NULL;
    return job;
}

/* Numbers that are kept, and where each part of them begins. */
static int64_t lay_out(nb_recurrence *job, char *base)
{
    int64_t states = (job->T + 1) * job->n * job->u, steps = job->T * job->n, at = states;
    job->h = base;
    job->c = base + at * job->width;
    if (job->cell->cells) at += states;
    job->gates = base + at * job->width;
    at += steps * job->across;
    job->more = base + at * job->width;
    return job->cell->more ? at + steps * job->u : at;
}

/* A matrix (k, n), element (i, j) at from[i row + j column], as panels of PANEL columns, one behind
 * the other; and C (m, n) = A (m, k) times it + beta C. */
static void lay_panels(const nb_recurrence *job, int64_t k, int64_t n, const char *from,
                       int64_t row, int64_t column, char *to)
{
    for (int64_t j = 0; j < n; j += PANEL) {
        int64_t columns = n - j < PANEL ? n - j : PANEL;
        nb_kernels_get()->copy_matrix((size_t)job->width, (size_t)k, (size_t)columns,
                                      from + j * column * job->width, row, column,
                                      to + j * k * job->width, columns, 1);
    }
}

static void panels_product(const nb_recurrence *job, int64_t m, int64_t n, int64_t k, const char *a,
                           double beta, char *c)
{
    for (int64_t j = 0; j < n; j += PANEL) {
        size_t columns = (size_t)(n - j < PANEL ? n - j : PANEL);
        nb_product_piece(job->dtype, (size_t)m, columns, (size_t)k, 1,
                         (nb_matrix){a, (size_t)k, false},
                         (nb_matrix){job->wh + j * k * job->width, columns, false}, beta,
                         c + j * job->width, (size_t)n);
    }
}

static nb_status run_job(nb_ctx *ctx, nb_recurrence *job, nb_piece *piece)
{
    size_t pieces = (size_t)((job->n + PIECE_ROWS - 1) / PIECE_ROWS);
    job->interrupt = ctx->interrupt;
    nb_parallel(ctx, pieces, piece, job);
    return nb_poll(ctx);
}

static bool interrupted(const nb_recurrence *job)
{
    return job->interrupt && *job->interrupt;
}

static int64_t end_of(const nb_recurrence *job, size_t piece)
{
    int64_t end = ((int64_t)piece + 1) * PIECE_ROWS;
    return end < job->n ? end : job->n;
}

/* The lengths of a call or a record, or NULL; or its state: what stands behind the biases. */
static nb_tensor *behind(nb_tensor *const *in, int inputs, const nb_cell *cell, bool lengths)
{
    for (int i = IN_B + cell->biases; i < inputs; i++)
        if (in[i] && (in[i]->dtype == NB_I32) == lengths) return in[i];
    return NULL;
}

/* ---- Forward --------------------------------------------------------------------------------- */

static bool is_shape(const nb_tensor *t, int dims, int64_t a, int64_t b, int64_t c)
{
    const int64_t shape[] = {a, b, c};
    return t->dims == dims && memcmp(t->shape, shape, (size_t)dims * sizeof *shape) == 0;
}

static nb_status check_shapes(nb_ctx *ctx, const nb_call *call)
{
    const nb_cell *cell = cell_of(call->op);
    const nb_tensor *x = call->in[IN_X], *wx = call->in[IN_WX], *wh = call->in[IN_WH];
    char text[4][NB_SHAPE_TEXT];
    int64_t u = wh->dims == 2 ? wh->shape[1] : 0, across = u * cell->gates;
    bool fits = x->dims == 3 && x->shape[1] > 0 && u > 0 &&
                is_shape(wx, 2, across, x->shape[2], 0) && is_shape(wh, 2, across, u, 0) &&
                is_shape(call->in[IN_B], 1, across, 0, 0) &&
                (cell->biases < 2 || is_shape(call->in[IN_BH], 1, u, 0, 0));
    nb_tensor *state = behind(call->in, call->inputs, cell, false);
    nb_tensor *lengths = behind(call->in, call->inputs, cell, true);
    if (fits && state && !is_shape(state, 3, 1 + cell->cells, x->shape[0], u))
        return nb_fail(ctx, NB_ESHAPE, "%s: a state of %s does not fit", call->op->name,
                       nb_shape_text(state->dims, state->shape, text[0]));
    if (fits) return lengths ? nb_lengths_check(ctx, call->op->name, x, lengths) : NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s: inputs %s, weights %s and %s, biases %s", call->op->name,
                   nb_shape_text(x->dims, x->shape, text[0]),
                   nb_shape_text(wx->dims, wx->shape, text[1]),
                   nb_shape_text(wh->dims, wh->shape, text[2]),
                   nb_shape_text(call->in[IN_B]->dims, call->in[IN_B]->shape, text[3]));
}

/* What the step gives; NULL: it is padding. */
static void put_out(const nb_recurrence *job, int64_t s, int64_t i, const char *h)
{
    size_t bytes = (size_t)(job->u * job->width);
    if (job->out && h)
        memcpy(job->out + place_of(job, s, i) * (int64_t)bytes, h, bytes);
    else if (job->out)
        memset(job->out + (i * job->T + s) * (int64_t)bytes, 0, bytes);
}

/* What padding does: nothing. */
static void hand_on(const nb_recurrence *job, int64_t s, int64_t i)
{
    size_t bytes = (size_t)(job->u * job->width);
    memcpy(nb_row(job, job->h, s + 1, i, job->u), nb_row(job, job->h, s, i, job->u), bytes);
    if (job->cell->cells)
        memcpy(nb_row(job, job->c, s + 1, i, job->u), nb_row(job, job->c, s, i, job->u), bytes);
    put_out(job, s, i, NULL);
}

static void step(const nb_recurrence *job, int64_t s, int64_t i)
{
    if (job->few) {
        char *gates = nb_row(job, job->gates, s, i, job->across);
        memcpy(gates, job->b, (size_t)(job->across * job->width));
        nb_inputs_add_row(job->few, s * job->n + i, job->wx, job->across, gates);
    }
    job->cell->step(job, s, i);
    put_out(job, s, i, nb_row(job, job->h, s + 1, i, job->u));
}

static void forward_piece(void *arg, size_t piece)
{
    const nb_recurrence *job = arg;
    int64_t first = (int64_t)piece * PIECE_ROWS, end = end_of(job, piece);
    for (int64_t s = 0; s < job->T && !interrupted(job); s++) {
        panels_product(job, end - first, job->across, job->u, nb_row(job, job->h, s, first, job->u),
                       0, job->room + first * job->across * job->width);
        for (int64_t i = first; i < end; i++) {
            if (s < length_of(job, i))
                step(job, s, i);
            else
                hand_on(job, s, i);
        }
    }
}

/* What the steps begin with: the state, or zeros. */
static void begin_states(nb_recurrence *job, const nb_tensor *state)
{
    size_t bytes = (size_t)(job->n * job->u * job->width);
    const char *from = state ? nb_tensor_data(state) : NULL;
    if (from)
        memcpy(job->h, from, bytes);
    else
        memset(job->h, 0, bytes);
    if (job->cell->cells && from) memcpy(job->c, from + bytes, bytes);
    if (job->cell->cells && !from) memset(job->c, 0, bytes);
}

/* The state behind the last step: (1 or 2, n, u). */
static nb_tensor *end_state(nb_ctx *ctx, const nb_recurrence *job)
{
    const int64_t shape[] = {1 + job->cell->cells, job->n, job->u};
    nb_tensor *state = nb_tensor_new(ctx, job->dtype, 3, shape);
    size_t bytes = (size_t)(job->n * job->u * job->width);
    if (!state) return NULL;
    char *to = nb_tensor_data(state);
    memcpy(to, nb_row(job, job->h, job->T, 0, job->u), bytes);
    if (job->cell->cells) memcpy(to + bytes, nb_row(job, job->c, job->T, 0, job->u), bytes);
    return state;
}

/* Room for all outputs, which the steps write, or for the last. */
static nb_tensor *new_output(nb_ctx *ctx, nb_recurrence *job)
{
    const int64_t all[] = {job->n, job->T, job->u}, last[] = {job->n, job->u};
    nb_tensor *out = job->attr.last ? nb_tensor_new(ctx, job->dtype, 2, last)
                                    : nb_tensor_new(ctx, job->dtype, 3, all);
    job->out = out && !job->attr.last ? nb_tensor_data(out) : NULL;
    return out;
}

/* What the input brings to the gates of all steps: one product; of non-zeros the turned weights
 * alone, (k, G u), a new reference in *wx, by which each step finds it. */
static nb_status bring_inputs(nb_ctx *ctx, nb_recurrence *job, nb_tensor *const *in,
                              const nb_inputs *x, nb_tensor **wx)
{
    job->b = nb_tensor_data(in[IN_B]);
    if (x->x) return nb_affine_rows(ctx, x, in[IN_WX], in[IN_B], job->T * job->n, job->gates);
    *wx = nb_inputs_turn(ctx, x, in[IN_WX]);
    if (!*wx) return ctx->status;
    job->few = x;
    job->wx = nb_tensor_data(*wx);
    return NB_OK;
}

/* Through all steps, of contiguous inputs; `inner` (n + u, G u) is room for the turned weights and
 * for what the states bring. */
static nb_status run_forward(nb_ctx *ctx, nb_recurrence *job, nb_tensor *const *in,
                             const nb_inputs *x, nb_tensor *inner)
{
    char *turned = nb_tensor_data(inner);
    nb_tensor *wx = NULL;
    job->room = turned + job->u * job->across * job->width;
    job->wh = turned;
    job->bh = job->cell->biases > 1 ? nb_tensor_data(in[IN_BH]) : NULL;
    lay_panels(job, job->u, job->across, nb_tensor_data(in[IN_WH]), 1, job->u, turned);
    nb_status status = bring_inputs(ctx, job, in, x, &wx);
    if (status == NB_OK) status = run_job(ctx, job, forward_piece);
    nb_tensor_release(ctx, wx);
    return status;
}

/* saved: what is kept, then x (nb_inputs). */
static nb_tensor *through(nb_ctx *ctx, nb_call *call, nb_tensor *const *in)
{
    const nb_cell *cell = cell_of(call->op);
    nb_tensor *state = behind(in, call->inputs, cell, false), *out = NULL;
    nb_recurrence job = make_job(call->op, &call->attr, in, behind(in, call->inputs, cell, true),
                                 in[IN_X]->shape[0], in[IN_X]->shape[1]);
    int64_t count = lay_out(&job, NULL);
    const int64_t sizes[] = {job.T * job.n, job.k}, room_sizes[] = {job.n + job.u, job.across};
    nb_tensor *kept = nb_tensor_new(ctx, job.dtype, 1, &count);
    nb_tensor *inner = kept ? nb_tensor_new(ctx, job.dtype, 2, room_sizes) : NULL;
    nb_tensor *x = inner ? nb_tensor_new(ctx, job.dtype, 2, sizes) : NULL;
    nb_inputs inputs = {.x = NULL};
    if (x) {
        lay_out(&job, nb_tensor_data(kept));
        begin_states(&job, state);
        steps_first(&job, nb_tensor_data(in[IN_X]), nb_tensor_data(x), job.k);
        out = new_output(ctx, &job);
        nb_status status = out ? nb_inputs_look(ctx, x, job.across, &inputs) : ctx->status;
        if (status == NB_OK) status = run_forward(ctx, &job, in, &inputs, inner);
        if (status == NB_OK && job.attr.last)
            memcpy(nb_tensor_data(out), nb_row(&job, job.h, job.T, 0, job.u),
                   (size_t)(job.n * job.u * job.width));
        out = nb_tensor_settle(ctx, out, status);
    }
    if (out && call->attr.recurrent.state && !(call->more[0] = end_state(ctx, &job))) {
        nb_tensor_release(ctx, out);
        out = NULL;
    }
    if (out && call->recording) {
        call->saved[0] = nb_tensor_retain(kept);
        nb_inputs_save(&inputs, call->saved + 1);
    }
    nb_inputs_free(ctx, &inputs);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, inner);
    nb_tensor_release(ctx, kept);
    return out;
}

static nb_tensor *recurrent_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *in[NB_MAX_INPUTS] = {NULL}, *out = NULL;
    bool whole = true;
    if (check_shapes(ctx, call) != NB_OK) return NULL;
    for (int i = 0; i < call->inputs && whole; i++)
        whole = (in[i] = nb_tensor_contiguous(ctx, call->in[i])) != NULL;
    if (whole) out = through(ctx, call, in);
    for (int i = 0; i < call->inputs; i++) nb_tensor_release(ctx, in[i]);
    return out;
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* Back through step s: what δ at its output and at the state behind it ask of its gates. */
static void step_back(const nb_recurrence *job, int64_t s, int64_t i)
{
    size_t u = (size_t)job->u, bytes = (size_t)(job->across * job->width);
    if (s >= length_of(job, i)) {
        memset(nb_row(job, job->dz, s, i, job->across), 0, bytes);
        if (job->dx != job->dz) memset(nb_row(job, job->dx, s, i, job->across), 0, bytes);
        return;
    }
    if (job->delta)
        job->real->axpy(u, 1, job->delta + place_of(job, s, i) * job->u * job->width,
                        nb_row(job, job->dh, 0, i, job->u));
    job->cell->slope(job, s, i);
}

static void backward_piece(void *arg, size_t piece)
{
    const nb_recurrence *job = arg;
    int64_t first = (int64_t)piece * PIECE_ROWS, end = end_of(job, piece);
    for (int64_t s = job->T - 1; s >= 0 && !interrupted(job); s--) {
        for (int64_t i = first; i < end; i++) step_back(job, s, i);
        if (s == 0) break; /* nobody asks the state that all began with */
        panels_product(job, end - first, job->u, job->across,
                       nb_row(job, job->dz, s, first, job->across), 1,
                       nb_row(job, job->dh, 0, first, job->u));
    }
}

/* Through all steps, from δ at the outputs or at the last states, contiguous. */
static nb_status run_backward(nb_ctx *ctx, nb_recurrence *job, const nb_tensor *delta)
{
    const int64_t states[] = {1 + job->cell->cells, job->n, job->u};
    nb_tensor *ends = nb_tensor_zeros(ctx, job->dtype, 3, states);
    if (!ends) return ctx->status;
    job->dh = nb_tensor_data(ends);
    job->dc = job->dh + job->n * job->u * job->width;
    if (job->attr.last)
        memcpy(job->dh, nb_tensor_data(delta), (size_t)(job->n * job->u * job->width));
    else
        job->delta = nb_tensor_data(delta);
    nb_status status = run_job(ctx, job, backward_piece);
    nb_tensor_release(ctx, ends);
    return status;
}

/* dx = dzx Wx, with examples first again. */
static nb_tensor *input_gradient(nb_ctx *ctx, const nb_record *record, const nb_recurrence *job)
{
    const int64_t steps[] = {job->T * job->n, job->k};
    nb_tensor *w = nb_tensor_contiguous(ctx, record->in[IN_WX]), *out = NULL;
    nb_tensor *turned = w ? nb_tensor_new(ctx, job->dtype, 2, steps) : NULL;
    size_t k = (size_t)job->k, across = (size_t)job->across;
    if (turned && nb_product(ctx, job->dtype, (size_t)steps[0], k, across, 1,
                             (nb_matrix){job->dx, across, false},
                             (nb_matrix){nb_tensor_data(w), k ? k : 1, false}, 0,
                             nb_tensor_data(turned), k ? k : 1) == NB_OK)
        out = nb_tensor_new(ctx, job->dtype, 3, record->in[IN_X]->shape);
    if (out) examples_first(job, nb_tensor_data(turned), nb_tensor_data(out), job->k);
    nb_tensor_release(ctx, turned);
    nb_tensor_release(ctx, w);
    return out;
}

/* dWh = Σ over steps of dzhᵀ h, h what each step began with. */
static nb_status state_weight_gradient(nb_ctx *ctx, nb_record *record, const nb_recurrence *job,
                                       nb_tensor *dz, nb_tensor **grad)
{
    const int64_t shape[] = {job->T * job->n, job->u}, stride[] = {job->u, 1};
    nb_tensor *h = nb_tensor_view(ctx, record->saved[0], 2, shape, stride, 0);
    nb_status status = h ? nb_weight_gradient(ctx, record, IN_WH, dz, h, grad) : ctx->status;
    nb_tensor_release(ctx, h);
    return status;
}

/* Of gru: the δ at what r multiplies are those of its third gate. */
static nb_status inner_bias_gradient(nb_ctx *ctx, nb_record *record, const nb_recurrence *job,
                                     const nb_tensor *dz, nb_tensor **grad)
{
    nb_tensor *of_n = nb_tensor_narrow(ctx, dz, 1, 2 * job->u, job->u, 1);
    nb_tensor *rows = of_n ? nb_tensor_contiguous(ctx, of_n) : NULL;
    nb_status status = rows ? nb_sum_gradient(ctx, record, IN_BH, rows, grad) : ctx->status;
    nb_tensor_release(ctx, of_n);
    nb_tensor_release(ctx, rows);
    return status;
}

static nb_status all_gradients(nb_ctx *ctx, nb_record *record, const nb_recurrence *job,
                               nb_tensor *dx, nb_tensor *dz, nb_tensor **grad)
{
    const nb_inputs x = nb_inputs_saved(record->saved + 1);
    const bool *needs = record->needs;
    nb_status status = NB_OK;
    if (needs[IN_X] && !(grad[IN_X] = input_gradient(ctx, record, job))) return ctx->status;
    if (needs[IN_B]) status = nb_sum_gradient(ctx, record, IN_B, dx, grad);
    if (status == NB_OK && job->cell->biases > 1 && needs[IN_BH])
        status = inner_bias_gradient(ctx, record, job, dz, grad);
    if (status == NB_OK && needs[IN_WX])
        status = nb_inputs_gradient(ctx, record, IN_WX, dx, &x, grad);
    if (status == NB_OK && needs[IN_WH]) status = state_weight_gradient(ctx, record, job, dz, grad);
    return status;
}

/* T, by the size of what was kept. */
static int64_t steps_kept(const nb_record *record, int64_t n)
{
    const nb_inputs x = nb_inputs_saved(record->saved + 1);
    int64_t rows = x.x ? x.x->shape[0] : x.start->shape[0] - 1;
    return n ? rows / n : 0;
}

/* Back through time: from δ at h and at c (of lstm) the δ at the gates' sums, from these by Whᵀ
 * what is asked of the state before; then, over all steps, dx = dz Wx, dWx = Σ dzᵀ x, dWh = Σ dzᵀ
 * h, db = Σ dz. */
static nb_status recurrent_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                    nb_tensor **grad)
{
    const nb_cell *cell = cell_of(record->op);
    nb_tensor *lengths = behind(record->in, record->inputs, cell, true), *real = NULL;
    if (lengths && !(real = nb_tensor_contiguous(ctx, lengths))) return ctx->status;
    nb_recurrence job = make_job(record->op, &record->attr, record->in, real, delta->shape[0],
                                 steps_kept(record, delta->shape[0]));
    lay_out(&job, nb_tensor_data(record->saved[0]));
    const int64_t shape[] = {job.T * job.n, job.across};
    nb_tensor *from = nb_tensor_contiguous(ctx, delta);
    nb_tensor *wh = from ? nb_tensor_contiguous(ctx, record->in[IN_WH]) : NULL;
    nb_tensor *panels = wh ? nb_tensor_new(ctx, job.dtype, 2, wh->shape) : NULL;
    nb_tensor *dz = panels ? nb_tensor_new(ctx, job.dtype, 2, shape) : NULL, *dx = NULL;
    if (dz) dx = cell->biases > 1 ? nb_tensor_new(ctx, job.dtype, 2, shape) : nb_tensor_retain(dz);
    nb_status status = dx ? NB_OK : ctx->status;
    if (dx) {
        lay_panels(&job, job.across, job.u, nb_tensor_data(wh), job.u, 1, nb_tensor_data(panels));
        job.wh = nb_tensor_data(panels);
        job.dz = nb_tensor_data(dz);
        job.dx = nb_tensor_data(dx);
        status = run_backward(ctx, &job, from);
    }
    if (status == NB_OK) status = all_gradients(ctx, record, &job, dx, dz, grad);
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, wh);
    nb_tensor_release(ctx, panels);
    nb_tensor_release(ctx, dz);
    nb_tensor_release(ctx, dx);
    return status;
}

NB_DEFINE_OP(rnn) = {
    .name = "rnn",
    .help = "A recurrent layer: h = f(x wxᵀ + h whᵀ + b), step by step.",
    .hidden = true,
    .promote = 15,
    .reads = 1 << IN_WX | 1 << IN_WH | 1 << 4 | 1 << 5,
    .attr = {.recurrent = {.kernel = NB_U_tanh}},
    .by_steps = true,
    .results = 2,
    .forward = recurrent_forward,
    .backward = recurrent_backward,
    .errors = "2x3x2 4x3 4x4 4: inputs 2x3x2, weights 4x3 and 4x4, biases 4; "
              "2x3x2 4x2 4x4 4 3k: 2x3x2 needs a length for each example, not 3; "
              "2x3x2 4x2 4x4 4 1x2x3: a state of 1x2x3; 2x0x2 4x2 4x4 4: inputs 2x0x2",
    .samples = "2x3x2 4x2 4x4 4, 1x1x1 1x1 1x1 1, 2x3x3 4x3 4x4 4 2k, 0x3x2 4x2 4x4 4, "
               "2x3x2t 4x2 4x4t 4",
    .low = -2,
    .high = 2,
};

NB_DEFINE_OP(lstm) = {
    .name = "lstm",
    .help = "A recurrent layer with gates i f g o: c = f c + i g, h = o tanh(c), step by step.",
    .hidden = true,
    .promote = 15,
    .reads = 1 << IN_WX | 1 << IN_WH | 1 << 4 | 1 << 5,
    .by_steps = true,
    .results = 2,
    .forward = recurrent_forward,
    .backward = recurrent_backward,
    .errors = "2x3x2 4x2 4x1 3: biases 3; 2x3x2 4x2 4x2 4: weights 4x2 and 4x2",
    .samples = "2x3x2 8x2 8x2 8, 1x1x1 4x1 4x1 4, 2x3x3 4x3 4x1 4 2k, 0x3x2 4x2 4x1 4",
    .low = -2,
    .high = 2,
};

NB_DEFINE_OP(gru) = {
    .name = "gru",
    .help = "A recurrent layer with gates r z n: h = (1 - z) n + z h, step by step.",
    .hidden = true,
    .promote = 31,
    .reads = 1 << IN_WX | 1 << IN_WH | 1 << 5 | 1 << 6,
    .by_steps = true,
    .results = 2,
    .forward = recurrent_forward,
    .backward = recurrent_backward,
    .errors = "2x3x2 6x2 6x2 6 3: inputs 2x3x2; 2x3x2 6x2 6x2 6 2 4k: not 4",
    .samples = "2x3x2 6x2 6x2 6 2, 1x1x1 3x1 3x1 3 1, 2x3x3 6x3 6x2 6 2 2k, 0x3x2 3x2 3x1 3 1",
    .low = -2,
    .high = 2,
};
