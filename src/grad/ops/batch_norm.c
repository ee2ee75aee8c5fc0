/* Batch norm: each channel brought to mean 0 and variance 1 over all examples and places (Ioffe and
 * Szegedy, 2015), by the batch's own figures or by given ones.
 *
 * Shapes: x and y (n, …), one dimension of which are the channels (c); gain, shift, mean and
 * variance (c). Of padded sequences (n, T, c) the real steps count, and y is 0 at the others. */
#include "grad/across.h"
#include "grad/channels.h"
#include "grad/lengths.h"
#include "grad/pieces.h"
#include "grad/support.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* Numbers under way, all contiguous. A row of the pieces is an example; of vectors and of steps
 * that are all real one vector, so that rows of a piece are one run. */
typedef struct batch_job {
    nb_pieces pieces;
    nb_channels of;
    nb_dtype dtype;
    const int32_t *lengths; /* or NULL */
    int64_t count;          /* numbers of one channel that count */
    const char *x, *delta;
    char *y; /* y, or dx */
    const void *coef;
    double *sums;       /* 2 c for each piece */
    const double *mean; /* while the squares are summed; else NULL */
} batch_job;

static batch_job job_of(const nb_tensor *x, int dim, const nb_tensor *lengths)
{
    batch_job job = {.of = nb_channels_of(x, dim), .dtype = x->dtype, .x = nb_tensor_data(x)};
    nb_channels *of = &job.of;
    int64_t T = lengths ? x->shape[1] : 1;
    job.count = of->n * of->inner;
    job.pieces = nb_pieces_of(of->n / (T ? T : 1), T * of->channels * of->inner);
    if (!lengths) return job;
    job.lengths = nb_tensor_data(lengths);
    job.count = 0;
    for (int64_t i = 0; i < lengths->shape[0]; i++) job.count += job.lengths[i];
    return job;
}

/* What a piece does with some examples: the bytes at which they begin, and their lines. */
typedef void batch_fn(const batch_job *job, double *sums, size_t at, const nb_norm_lines *lines);

static void each_run(const batch_job *job, size_t piece, batch_fn *f)
{
    const nb_channels *of = &job->of;
    const nb_pieces *p = &job->pieces;
    double *sums = job->sums ? job->sums + (int64_t)piece * 2 * of->channels : NULL;
    nb_norm_lines lines = {.channels = (size_t)of->channels, .coef = job->coef};
    lines.by_row = of->inner > 1;
    lines.columns = lines.ld = (size_t)(lines.by_row ? of->inner : of->channels);
    bool single = !lines.by_row && !job->lengths;
    int64_t start = nb_piece_start(p, piece), end = nb_piece_end(p, piece);
    for (int64_t i = start; i < end && !nb_pieces_stopped(p); i = single ? end : i + 1) {
        lines.rows = (size_t)(job->lengths ? job->lengths[i] : single ? end - i : of->channels);
        f(job, sums, (size_t)(i * p->width) * nb_dtype_size(job->dtype), &lines);
    }
}

/* ---- The batch's own figures ------------------------------------------------------------------
 */

/* Adds up x, or (x - mean)². */
static void add_figures(const batch_job *job, double *sums, size_t at, const nb_norm_lines *lines)
{
    const nb_fold_kernels *folds = nb_kernels_get()->folds[job->dtype];
    nb_fold fold = job->mean ? NB_FOLD_squares : NB_FOLD_sum;
    size_t width = lines->ld * nb_dtype_size(job->dtype);
    if (!lines->by_row) {
        folds->columns[fold](lines->rows, lines->columns, job->x + at, (ptrdiff_t)lines->ld, 1,
                             job->mean, sums);
        return;
    }
    for (size_t c = 0; c < lines->rows; c++)
        folds->row[fold](lines->columns, job->x + at + c * width, 1, job->mean ? job->mean[c] : 0,
                         sums + c);
}

static void figures_piece(void *arg, size_t piece)
{
    each_run(arg, piece, add_figures);
}

/* Σ over each channel into `to`. */
static nb_status add_up(nb_ctx *ctx, batch_job *job, const double *mean, double *to)
{
    size_t bytes;
    int64_t c = job->of.channels;
    job->mean = mean;
    job->sums = nb_piece_sums(ctx, &job->pieces, 2 * c, &bytes);
    if (!job->sums) return ctx->status;
    nb_status status = nb_pieces_run(ctx, &job->pieces, figures_piece, job);
    nb_piece_total(&job->pieces, job->sums, 2 * c, 0, c, to);
    nb_free(ctx, job->sums, bytes);
    job->sums = NULL;
    job->mean = NULL;
    return status;
}

static nb_status check_count(nb_ctx *ctx, const batch_job *job)
{
    if (job->count != 1) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "batch_norm needs two values or more of each feature or channel, and the batch "
                   "has one: no variance; take larger batches");
}

/* Which op of its piece a batch_norm is, and the numbers of a channel in all pieces: saved[1], of
 * f64; NULL where the batch is whole. */
enum { OP, COUNT, SHARED };

static const double *shared_of(const nb_tensor *saved)
{
    return saved ? nb_tensor_data(saved) : NULL;
}

/* Σ over all pieces. */
static nb_status join(nb_ctx *ctx, const nb_tensor *shared, nb_across_part part, double *sums,
                      int64_t n)
{
    if (!shared || n == 0) return NB_OK;
    return nb_sum_across(ctx, (int64_t)shared_of(shared)[OP], part, sums, n);
}

/* Of a batch in pieces the sums of all: `sums`, of c channels, have room for one number more. Then
 * job->count is that of all pieces. */
static nb_status join_values(nb_ctx *ctx, nb_call *call, batch_job *job, double *sums, int64_t c)
{
    if (!ctx->across || c == 0) return NB_OK;
    nb_tensor *shared = nb_tensor_new(ctx, NB_F64, 1, (const int64_t[]){SHARED});
    if (!shared) return ctx->status;
    double *numbers = nb_tensor_data(shared);
    numbers[OP] = (double)++*ctx->across->ops;
    sums[c] = (double)job->count;
    nb_status status = join(ctx, shared, NB_ACROSS_VALUES, sums, c + 1);
    numbers[COUNT] = sums[c];
    job->count = (int64_t)sums[c];
    call->saved[1] = shared;
    return status;
}

/* Row 0 of `figures` (2, c), f64: the means; row 1: the variances, of all n numbers. */
static nb_status own_figures(nb_ctx *ctx, nb_call *call, batch_job *job, nb_tensor *figures)
{
    int64_t c = job->of.channels;
    double *mean = nb_tensor_data(figures), *variance = mean + c;
    nb_status status = add_up(ctx, job, NULL, mean);
    if (status == NB_OK) status = join_values(ctx, call, job, mean, c);
    if (status == NB_OK) status = check_count(ctx, job);
    if (status != NB_OK) return status;
    double n = (double)(job->count ? job->count : 1);
    for (int64_t i = 0; i < c; i++) mean[i] /= n;
    status = add_up(ctx, job, mean, variance);
    if (status == NB_OK) status = join(ctx, call->saved[1], NB_ACROSS_SQUARES, variance, c);
    for (int64_t i = 0; i < c; i++) variance[i] /= n;
    return status;
}

/* ---- Coefficients -----------------------------------------------------------------------------
 */

static nb_tensor *whole_f64(nb_ctx *ctx, nb_tensor *t)
{
    nb_tensor *real = nb_tensor_convert(ctx, t, NB_F64, 1);
    nb_tensor *whole = real ? nb_tensor_contiguous(ctx, real) : NULL;
    nb_tensor_release(ctx, real);
    return whole;
}

/* (kinds, c) in f64, of figures (2, c): means, and 1 / √(variance + ε). */
static nb_tensor *coefficients(nb_ctx *ctx, nb_dtype dtype, const nb_tensor *figures,
                               nb_tensor *gains, nb_tensor *shifts)
{
    int64_t c = figures->shape[1];
    nb_tensor *gain = whole_f64(ctx, gains), *shift = gain ? whole_f64(ctx, shifts) : NULL;
    nb_tensor *out =
        shift ? nb_tensor_new(ctx, NB_F64, 2, (const int64_t[]){NB_NORM_KINDS, c}) : NULL;
    const double *mean = nb_tensor_data(figures);
    for (int64_t i = 0; out && i < c; i++)
        nb_norm_figures(dtype, mean[i], mean[c + i], ((double *)nb_tensor_data(gain))[i],
                        ((double *)nb_tensor_data(shift))[i], (double *)nb_tensor_data(out) + i, c);
    nb_tensor_release(ctx, gain);
    nb_tensor_release(ctx, shift);
    return out;
}

/* ---- Forward ----------------------------------------------------------------------------------
 */

static void zero_padding(const batch_job *job, size_t at, size_t rows, size_t row, char *y)
{
    size_t size = nb_dtype_size(job->dtype), whole = (size_t)job->pieces.width;
    if (job->lengths) memset(y + at + rows * row * size, 0, (whole - rows * row) * size);
}

static void apply_run(const batch_job *job, double *sums, size_t at, const nb_norm_lines *lines)
{
    (void)sums;
    nb_real(job->dtype)->norm_apply(lines, job->x + at, job->y + at);
    zero_padding(job, at, lines->rows, lines->ld, job->y);
}

static void apply_piece(void *arg, size_t piece)
{
    each_run(arg, piece, apply_run);
}

/* y of contiguous x, whose figures (2, c) are saved; takes `figures` over. */
static nb_tensor *normalised(nb_ctx *ctx, nb_call *call, nb_tensor *x, batch_job *job,
                             nb_tensor *figures)
{
    nb_tensor *real = coefficients(ctx, x->dtype, figures, call->in[1], call->in[2]), *y = NULL;
    nb_tensor *coef = real ? nb_tensor_convert(ctx, real, x->dtype, 1) : NULL;
    if (coef) y = nb_tensor_new(ctx, x->dtype, x->dims, x->shape);
    if (y) {
        job->coef = nb_tensor_data(coef);
        job->y = nb_tensor_data(y);
        y = nb_tensor_settle(ctx, y, nb_pieces_run(ctx, &job->pieces, apply_piece, job));
    }
    nb_tensor_release(ctx, real);
    nb_tensor_release(ctx, coef);
    if (y && call->recording)
        call->saved[0] = figures;
    else
        nb_tensor_release(ctx, figures);
    return y;
}

/* The lengths among the inputs, contiguous, into *lengths: NULL where there are none. */
static nb_status read_lengths(nb_ctx *ctx, nb_tensor *const *in, int inputs, nb_tensor **lengths)
{
    *lengths = inputs == 4 ? nb_tensor_contiguous(ctx, in[3]) : NULL;
    return *lengths || inputs < 4 ? NB_OK : ctx->status;
}

/* Row i of the figures times `scale`, in the dtype of x. */
static nb_tensor *figures_row(nb_ctx *ctx, const batch_job *job, const nb_tensor *figures, int i,
                              double scale)
{
    int64_t c = job->of.channels;
    const double *from = (const double *)nb_tensor_data(figures) + i * c;
    nb_tensor *row = nb_tensor_new(ctx, NB_F64, 1, &c);
    if (!row) return NULL;
    for (int64_t k = 0; k < c; k++) ((double *)nb_tensor_data(row))[k] = from[k] * scale;
    nb_tensor *out = nb_tensor_convert(ctx, row, job->dtype, 1);
    nb_tensor_release(ctx, row);
    return out;
}

/* The batch's figures as results of their own: the mean, and the variance of n - 1, which is that
 * of what the batch was drawn from. Then row 1 becomes 1 / √(variance + ε). */
static nb_status give_figures(nb_ctx *ctx, nb_call *call, const batch_job *job, nb_tensor *figures)
{
    double *row = nb_tensor_data(figures), n = (double)job->count;
    int64_t c = job->of.channels;
    call->more[0] = figures_row(ctx, job, figures, 0, 1);
    if (call->more[0]) call->more[1] = figures_row(ctx, job, figures, 1, n / (n - 1));
    for (int64_t i = c; i < 2 * c; i++) row[i] = 1 / sqrt(row[i] + call->attr.channels.epsilon);
    return call->more[1] ? NB_OK : ctx->status;
}

/* y of contiguous x and lengths. */
static nb_tensor *by_own(nb_ctx *ctx, nb_call *call, nb_tensor *x, const nb_tensor *lengths)
{
    batch_job job = job_of(x, call->attr.channels.dim, lengths);
    nb_tensor *figures = nb_tensor_new(ctx, NB_F64, 2, (const int64_t[]){2, job.of.channels});
    nb_tensor *y = NULL;
    if (figures && own_figures(ctx, call, &job, figures) == NB_OK &&
        give_figures(ctx, call, &job, figures) == NB_OK)
        y = normalised(ctx, call, x, &job, nb_tensor_retain(figures));
    nb_tensor_release(ctx, figures);
    return y;
}

static nb_tensor *batch_norm_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *lengths = NULL, *x = NULL, *y = NULL;
    nb_status status = nb_channels_check(ctx, call, call->attr.channels.dim);
    if (status == NB_OK) status = read_lengths(ctx, call->in, call->inputs, &lengths);
    if (status == NB_OK && lengths)
        status = nb_lengths_check(ctx, "batch_norm", call->in[0], lengths);
    if (status == NB_OK) x = nb_tensor_contiguous(ctx, call->in[0]);
    if (x) y = by_own(ctx, call, x, lengths);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, lengths);
    return y;
}

/* ---- Backward ---------------------------------------------------------------------------------
 */

static void gather_run(const batch_job *job, double *sums, size_t at, const nb_norm_lines *lines)
{
    nb_real(job->dtype)
        ->norm_gather(lines, job->x + at, job->delta + at, sums, sums + job->of.channels);
}

static void gather_piece(void *arg, size_t piece)
{
    each_run(arg, piece, gather_run);
}

static void slope_run(const batch_job *job, double *sums, size_t at, const nb_norm_lines *lines)
{
    (void)sums;
    nb_real(job->dtype)->norm_slope(lines, job->x + at, job->delta + at, job->y + at);
    zero_padding(job, at, lines->rows, lines->ld, job->y);
}

static void slope_piece(void *arg, size_t piece)
{
    each_run(arg, piece, slope_run);
}

/* What dx is less where the figures are the batch's own, from the sums of all pieces. */
static nb_status take_mean(nb_ctx *ctx, const nb_record *record, const batch_job *job, double *coef)
{
    const nb_tensor *shared = record->saved[1];
    double count = shared ? shared_of(shared)[COUNT] : (double)job->count;
    int64_t c = job->of.channels;
    double *less = coef + NB_NORM_LESS * c, *slope = coef + NB_NORM_SLOPE * c;
    const double *factor = coef + NB_NORM_FACTOR * c;
    nb_piece_total(&job->pieces, job->sums, 2 * c, 0, c, slope);
    nb_piece_total(&job->pieces, job->sums, 2 * c, c, c, less);
    nb_status status = join(ctx, shared, NB_ACROSS_DELTAS, less, 2 * c);
    for (int64_t i = 0; i < c; i++) {
        less[i] *= factor[i] / count;
        slope[i] *= factor[i] / count;
    }
    return status;
}

_Static_assert(NB_NORM_SLOPE == NB_NORM_LESS + 1, "take_mean sums both in one");

/* The sums, then dx into job->y where it is needed. coef: (kinds, c) in f64. */
static nb_status all_gradients(nb_ctx *ctx, nb_record *record, batch_job *job, nb_tensor *coef,
                               bool own, nb_tensor **grad)
{
    int64_t c = job->of.channels;
    nb_tensor *real = nb_tensor_convert(ctx, coef, job->dtype, 1);
    if (!real) return ctx->status;
    job->coef = nb_tensor_data(real);
    nb_status status = nb_pieces_run(ctx, &job->pieces, gather_piece, job);
    for (int i = 1; i < 3 && status == NB_OK; i++) {
        if (record->needs[i])
            status = nb_piece_gradient(ctx, record, i, &job->pieces, job->sums, 2 * c, (i - 1) * c,
                                       grad);
    }
    nb_tensor_release(ctx, real);
    if (status != NB_OK || !record->needs[0]) return status;
    if (own) status = take_mean(ctx, record, job, nb_tensor_data(coef));
    if (status != NB_OK) return status;
    real = nb_tensor_convert(ctx, coef, job->dtype, 1);
    if (!real) return ctx->status;
    job->coef = nb_tensor_data(real);
    status = nb_pieces_run(ctx, &job->pieces, slope_piece, job);
    nb_tensor_release(ctx, real);
    return status;
}

/* With A = gain / √(variance + ε): dgain = Σ δ x̂, dshift = Σ δ; dx = A δ of given figures, and of
 * the batch's own, of N numbers a channel, A (δ - Σ δ / N - x̂ Σ δ x̂ / N), whose sums are those of
 * all pieces: dgain and dshift of one are what its own examples give. */
static nb_status norm_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, bool own,
                               nb_tensor **grad)
{
    nb_tensor *x = nb_tensor_contiguous(ctx, record->in[0]), *from = NULL, *to = NULL, *coef = NULL;
    nb_tensor *lengths = NULL;
    nb_status status = x ? nb_delta_for_write(ctx, delta, &from, &to) : ctx->status;
    if (status == NB_OK && own) status = read_lengths(ctx, record->in, record->inputs, &lengths);
    /* No gradient asks for the shift. */
    if (status == NB_OK)
        coef = coefficients(ctx, x->dtype, record->saved[0], record->in[1], record->in[1]);
    if (coef) {
        size_t bytes;
        batch_job job = job_of(x, record->attr.channels.dim, lengths);
        if (nb_tape_is_observed(record))
            job.pieces = nb_pieces_of_examples(job.pieces.rows, job.pieces.width, x->shape[0]);
        job.delta = nb_tensor_data(from);
        job.y = nb_tensor_data(to);
        job.sums = nb_piece_sums(ctx, &job.pieces, 2 * job.of.channels, &bytes);
        status = job.sums ? all_gradients(ctx, record, &job, coef, own, grad) : ctx->status;
        nb_free(ctx, job.sums, bytes);
    } else if (status == NB_OK) {
        status = ctx->status;
    }
    if (status == NB_OK && record->needs[0]) grad[0] = nb_tensor_retain(to);
    nb_tensor_release(ctx, lengths);
    nb_tensor_release(ctx, coef);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, to);
    return status;
}

static nb_status batch_norm_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                     nb_tensor **grad)
{
    return norm_backward(ctx, record, delta, true, grad);
}

NB_DEFINE_OP(batch_norm) = {
    .name = "batch_norm",
    .help = "Batch norm by the batch's own figures: gain (x - mean) / √(variance + ε) + shift, "
            "channel by channel; gives mean and variance too.",
    .signature = "d",
    .fills = {offsetof(nb_attr, channels.dim)},
    .hidden = true,
    .promote = 7,
    .results = 3,
    .reads = 11,
    .attr = {.channels = {.epsilon = 1e-5}},
    .forward = batch_norm_forward,
    .backward = batch_norm_backward,
    .errors = "2x3 4 4 /2: inputs 2x3, gain 4 and shift 4; 2x3 3 3 /1: inputs 2x3, gain 3; "
              "1x3 3 3 /2: batch_norm needs two values or more",
    .samples = "5x3 3 3 /2, 3x5t 5 5 /2, 3x2x4 2 2 /2, 2x3x2x2 3 3 /2, 0x3 3 3 /2, 2x3x4 4 4 /3, "
               "2x4x3 3 3 2k /3",
    .low = -2,
    .high = 2,
};

/* ---- By given figures -------------------------------------------------------------------------
 */

/* Figures (2, c) in f64 of inputs 3 and 4. */
static nb_tensor *given_figures(nb_ctx *ctx, const nb_call *call)
{
    int64_t c = call->in[1]->shape[0];
    nb_tensor *mean = whole_f64(ctx, call->in[3]), *variance = NULL, *out = NULL;
    if (mean) variance = whole_f64(ctx, call->in[4]);
    if (variance) out = nb_tensor_new(ctx, NB_F64, 2, (const int64_t[]){2, c});
    for (int64_t i = 0; out && i < c; i++) {
        double *to = (double *)nb_tensor_data(out) + i;
        to[0] = ((double *)nb_tensor_data(mean))[i];
        to[c] = 1 / sqrt(((double *)nb_tensor_data(variance))[i] + call->attr.channels.epsilon);
    }
    nb_tensor_release(ctx, mean);
    nb_tensor_release(ctx, variance);
    return out;
}

static nb_tensor *apply_norm_forward(nb_ctx *ctx, nb_call *call)
{
    nb_status status = nb_channels_check(ctx, call, call->attr.channels.dim);
    for (int i = 3; i < 5 && status == NB_OK; i++)
        if (!nb_tensor_same_shape(call->in[i], call->in[1]))
            status = nb_misfit(ctx, "gain and figures", call->in[1], call->in[i]);
    nb_tensor *x = status == NB_OK ? nb_tensor_contiguous(ctx, call->in[0]) : NULL, *y = NULL;
    if (!x) return NULL;
    batch_job job = job_of(x, call->attr.channels.dim, NULL);
    nb_tensor *figures = given_figures(ctx, call);
    if (figures) y = normalised(ctx, call, x, &job, figures);
    nb_tensor_release(ctx, x);
    return y;
}

/* mean and variance are given: they take no gradient. */
static nb_status apply_norm_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                     nb_tensor **grad)
{
    return norm_backward(ctx, record, delta, false, grad);
}

NB_DEFINE_OP(apply_norm) = {
    .name = "apply_norm",
    .help = "Batch norm by given figures.",
    .signature = "d",
    .fills = {offsetof(nb_attr, channels.dim)},
    .hidden = true,
    .promote = 7,
    .reads = 3,
    .attr = {.channels = {.epsilon = 1e-5}},
    .forward = apply_norm_forward,
    .backward = apply_norm_backward,
    .errors = "2x3 4 4 4 4 /2: inputs 2x3, gain 4 and shift 4; 2x3 3 3 4 3 /2: 3 and 4 do not fit",
    .samples = "5x3 3 3 3k 3k /2, 3x5t 5 5 5k 5k /2, 3x2x4 2 2 2k 2k /2, 1x3 3 3 3k 3k /2, "
               "0x3 3 3 3k 3k /2, 2x3x4 4 4 4k 4k /3",
    .low = -2,
    .high = 2,
};
