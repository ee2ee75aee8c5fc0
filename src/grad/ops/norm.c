/* Normalisation: layer norm, along the last dimension.
 *
 * Shapes: x and y (…, k), gain and shift (k); the dimensions before the last are rows. */
#include "grad/pieces.h"
#include "grad/support.h"

#include "base/memory.h"
#include "tensor/shape.h"

enum { STATS = 2 }; /* of a row: its mean, and 1 / √(variance + ε) */

/* Rows under way, all contiguous. */
typedef struct norm_job {
    nb_pieces pieces;
    const nb_real_kernels *real;
    int64_t k;
    size_t width; /* bytes of a number */
    const char *x, *gain, *shift, *delta;
    char *y;              /* y, or dx */
    double *stats, *sums; /* sums: of gain and then of shift, for each piece */
    double epsilon;
} norm_job;

static norm_job job_of(const nb_tensor *x)
{
    int64_t k = x->shape[x->dims - 1], count = nb_tensor_count(x);
    return (norm_job){.pieces = nb_pieces_of(k ? count / k : 0, k),
                      .real = nb_real(x->dtype),
                      .k = k,
                      .width = nb_dtype_size(x->dtype),
                      .x = nb_tensor_data(x)};
}

static void norm_piece(void *arg, size_t piece)
{
    const norm_job *job = arg;
    const nb_pieces *p = &job->pieces;
    for (int64_t i = nb_piece_start(p, piece); i < nb_piece_end(p, piece); i++) {
        size_t at = (size_t)(i * job->k) * job->width;
        if (nb_pieces_stopped(p)) return;
        job->real->norm_row((size_t)job->k, job->x + at, job->gain, job->shift, job->epsilon,
                            job->y + at, job->stats + i * STATS);
    }
}

static void slope_piece(void *arg, size_t piece)
{
    const norm_job *job = arg;
    const nb_pieces *p = &job->pieces;
    double *dgain = job->sums + (int64_t)piece * 2 * job->k;
    for (int64_t i = nb_piece_start(p, piece); i < nb_piece_end(p, piece); i++) {
        size_t at = (size_t)(i * job->k) * job->width;
        if (nb_pieces_stopped(p)) return;
        job->real->norm_row_slope((size_t)job->k, job->x + at, job->gain, job->delta + at,
                                  job->stats + i * STATS, job->y + at, dgain, dgain + job->k);
    }
}

/* ---- Forward --------------------------------------------------------------------------------- */

static nb_status check_shapes(nb_ctx *ctx, const nb_call *call)
{
    const nb_tensor *x = call->in[0], *gain = call->in[1], *shift = call->in[2];
    char text[3][NB_SHAPE_TEXT];
    bool fits = x->dims > 0 && gain->dims == 1 && shift->dims == 1 &&
                gain->shape[0] == x->shape[x->dims - 1] && shift->shape[0] == gain->shape[0];
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "layer_norm: inputs %s, gain %s, shift %s do not fit",
                   nb_shape_text(x->dims, x->shape, text[0]),
                   nb_shape_text(gain->dims, gain->shape, text[1]),
                   nb_shape_text(shift->dims, shift->shape, text[2]));
}

/* y, and the rows' figures where they are wanted; of contiguous inputs. */
static nb_tensor *normalised(nb_ctx *ctx, nb_call *call, const nb_tensor *x, const nb_tensor *gain,
                             const nb_tensor *shift)
{
    norm_job job = job_of(x);
    nb_tensor *stats = nb_tensor_new(ctx, NB_F64, 2, (const int64_t[]){job.pieces.rows, STATS});
    nb_tensor *y = stats ? nb_tensor_new(ctx, x->dtype, x->dims, x->shape) : NULL;
    if (y) {
        job.gain = nb_tensor_data(gain);
        job.shift = nb_tensor_data(shift);
        job.epsilon = call->attr.unary.p;
        job.stats = nb_tensor_data(stats);
        job.y = nb_tensor_data(y);
        y = nb_tensor_settle(ctx, y, nb_pieces_run(ctx, &job.pieces, norm_piece, &job));
    }
    if (y && call->recording)
        call->saved[0] = stats;
    else
        nb_tensor_release(ctx, stats);
    return y;
}

static nb_tensor *layer_norm_forward(nb_ctx *ctx, nb_call *call)
{
    if (check_shapes(ctx, call) != NB_OK) return NULL;
    nb_tensor *whole[3] = {NULL}, *y = NULL;
    bool fine = true;
    for (int i = 0; i < 3 && fine; i++)
        fine = (whole[i] = nb_tensor_contiguous(ctx, call->in[i])) != NULL;
    if (fine) y = normalised(ctx, call, whole[0], whole[1], whole[2]);
    for (int i = 0; i < 3; i++) nb_tensor_release(ctx, whole[i]);
    return y;
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* dx into `to`, of contiguous x and δ; the other two where they are needed. */
static nb_status all_gradients(nb_ctx *ctx, nb_record *record, norm_job *job, nb_tensor **grad)
{
    size_t bytes;
    job->sums = nb_piece_sums(ctx, &job->pieces, 2 * job->k, &bytes);
    if (!job->sums) return ctx->status;
    nb_status status = nb_pieces_run(ctx, &job->pieces, slope_piece, job);
    for (int i = 1; i < 3 && status == NB_OK; i++) {
        if (record->needs[i])
            status = nb_piece_gradient(ctx, record, i, &job->pieces, job->sums, 2 * job->k,
                                       (i - 1) * job->k, grad);
    }
    nb_free(ctx, job->sums, bytes);
    return status;
}

/* With g = gain ⊙ δ: dx = (g - mean(g) - x̂ mean(g ⊙ x̂)) / √(variance + ε), and over the rows
 * dgain = Σ δ ⊙ x̂, dshift = Σ δ. */
static nb_status layer_norm_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                     nb_tensor **grad)
{
    nb_tensor *x = nb_tensor_contiguous(ctx, record->in[0]), *from = NULL, *to = NULL;
    nb_tensor *gain = x ? nb_tensor_contiguous(ctx, record->in[1]) : NULL;
    nb_status status = gain ? nb_delta_for_write(ctx, delta, &from, &to) : ctx->status;
    if (status == NB_OK) {
        norm_job job = job_of(x);
        if (nb_tape_is_observed(record))
            job.pieces = nb_pieces_of_examples(job.pieces.rows, job.pieces.width, x->shape[0]);
        job.gain = nb_tensor_data(gain);
        job.delta = nb_tensor_data(from);
        job.stats = nb_tensor_data(record->saved[0]);
        job.y = nb_tensor_data(to);
        status = all_gradients(ctx, record, &job, grad);
    }
    if (status == NB_OK && record->needs[0]) grad[0] = nb_tensor_retain(to);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, gain);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, to);
    return status;
}

NB_DEFINE_OP(layer_norm) = {
    .name = "layer_norm",
    .help = "Layer norm along the last dimension: gain (x - mean) / √(variance + ε) + shift.",
    .hidden = true,
    .promote = 7,
    .reads = 3,
    .attr = {.unary = {.p = 1e-5}},
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .errors = "2x3 4 4: inputs 2x3, gain 4, shift 4; 2x3 3 4: shift 4; - 1 1: inputs a number",
    .samples = "2x3 3 3, 3 3 3, 2x3t 3 3, 0x3 3 3, 2x2x5 5 5",
    .low = -2,
    .high = 2,
};
