/* Group norm: the channels of each example in groups, each group brought to mean 0 and variance 1
 * over its channels and all places (Wu and He, 2018).
 *
 * Shapes: x and y (n, c, …), gain and shift (c). Of padded sequences (n, c, T) the real steps
 * count, and y is 0 at the others. */
#include "grad/channels.h"
#include "grad/pieces.h"
#include "grad/support.h"

#include "base/memory.h"
#include "tensor/shape.h"

#include <math.h>
#include <string.h>

enum { STATS = 2 }; /* of a group: its mean, and 1 / √(variance + ε) */

/* Numbers under way, all contiguous; gain and shift in f64 besides. */
typedef struct group_job {
    nb_pieces pieces; /* of examples */
    const nb_real_kernels *real;
    nb_channels of;
    int64_t groups, per; /* groups of an example, channels of a group */
    nb_dtype dtype;
    const int32_t *lengths; /* or NULL */
    double epsilon;
    const char *x, *delta, *gain, *shift;
    const double *gains, *shifts;
    char *y; /* y, or dx */
    double *stats, *sums;
} group_job;

/* One group of one example. */
typedef struct group {
    const group_job *job;
    int64_t first; /* of its channels */
    size_t at;     /* bytes before it */
    size_t run;    /* numbers of a channel that count */
    double *stats, *dgain, *dshift;
} group;

typedef void group_fn(const group *g);

static void each_group(const group_job *job, size_t piece, group_fn *f)
{
    const nb_channels *of = &job->of;
    int64_t start = nb_piece_start(&job->pieces, piece), end = nb_piece_end(&job->pieces, piece);
    double *sums = job->sums ? job->sums + (int64_t)piece * 2 * of->channels : NULL;
    for (int64_t i = start; i < end; i++)
        for (int64_t k = 0; k < job->groups && !nb_pieces_stopped(&job->pieces); k++) {
            group g = {.job = job, .first = k * job->per};
            g.at = (size_t)((i * of->channels + g.first) * of->inner) * nb_dtype_size(job->dtype);
            g.run = (size_t)(job->lengths ? job->lengths[i] : of->inner);
            g.stats = job->stats + (i * job->groups + k) * STATS;
            g.dgain = sums ? sums + g.first : NULL;
            g.dshift = sums ? g.dgain + of->channels : NULL;
            f(&g);
        }
}

static double count_of(const group *g)
{
    return (double)g->job->per * (double)g->run;
}

/* The bytes from one channel to the next. */
static size_t step_of(const group *g)
{
    return (size_t)g->job->of.inner * nb_dtype_size(g->job->dtype);
}

/* Σ x, or Σ (x - mean)², of a group. */
static double fold(const group *g, nb_fold kind, double mean)
{
    nb_fold_row_fn *row = nb_kernels_get()->folds[g->job->dtype]->row[kind];
    bool together = (int64_t)g->run == g->job->of.inner;
    double sum = 0;
    for (int64_t c = 0; c < (together ? 1 : g->job->per); c++)
        row(together ? g->run * (size_t)g->job->per : g->run,
            g->job->x + g->at + (size_t)c * step_of(g), 1, mean, &sum);
    return sum;
}

/* Channel c of the group as lines of one row; `less` and `slope` as its kinds. */
static void channel(const group *g, int64_t c, double less, double slope, nb_norm_lines *lines,
                    double *coef)
{
    const group_job *job = g->job;
    double kind[NB_NORM_KINDS];
    nb_norm_figures(job->dtype, g->stats[0], g->stats[1], job->gains[g->first + c],
                    job->shifts[g->first + c], kind, 1);
    kind[NB_NORM_LESS] = less;
    kind[NB_NORM_SLOPE] = slope;
    nb_kernels_get()->convert[NB_F64][job->dtype](NB_NORM_KINDS, kind, 1, coef, 1, 1);
    *lines = (nb_norm_lines){
        .rows = 1, .columns = g->run, .ld = g->run, .channels = 1, .coef = coef, .by_row = true};
}

static void zero_padding(const group *g, char *channel)
{
    size_t run = g->run * nb_dtype_size(g->job->dtype);
    if (run < step_of(g)) memset(channel + run, 0, step_of(g) - run);
}

/* ---- Forward ----------------------------------------------------------------------------------
 */

static void apply_group(const group *g)
{
    const group_job *job = g->job;
    if (job->of.inner == 1) {
        size_t skip = (size_t)g->first * nb_dtype_size(job->dtype);
        job->real->norm_row((size_t)job->per, job->x + g->at, job->gain + skip, job->shift + skip,
                            job->epsilon, job->y + g->at, g->stats);
        return;
    }
    g->stats[0] = fold(g, NB_FOLD_sum, 0) / count_of(g);
    g->stats[1] = 1 / sqrt(fold(g, NB_FOLD_squares, g->stats[0]) / count_of(g) + job->epsilon);
    for (int64_t c = 0; c < job->per; c++) {
        nb_norm_lines lines;
        double coef[NB_NORM_KINDS];
        size_t at = g->at + (size_t)c * step_of(g);
        channel(g, c, 0, 0, &lines, coef);
        job->real->norm_apply(&lines, job->x + at, job->y + at);
        zero_padding(g, job->y + at);
    }
}

static void apply_piece(void *arg, size_t piece)
{
    each_group(arg, piece, apply_group);
}

static nb_status check(nb_ctx *ctx, const nb_call *call)
{
    char text[NB_SHAPE_TEXT];
    const nb_tensor *x = call->in[0], *lengths = call->inputs > 3 ? call->in[3] : NULL;
    int64_t groups = call->attr.channels.groups;
    nb_status status = nb_channels_check(ctx, call, 1);
    if (status != NB_OK) return status;
    nb_shape_text(x->dims, x->shape, text);
    nb_channels of = nb_channels_of(x, 1);
    if (groups < 1 || of.channels % groups != 0)
        return nb_fail(ctx, NB_ESHAPE, "group_norm: %lld groups do not divide the channels of %s",
                       (long long)groups, text);
    if (lengths && (x->dims != 3 || lengths->dims != 1 || lengths->shape[0] != x->shape[0]))
        return nb_fail(ctx, NB_ESHAPE, "group_norm: %s needs a length for each example", text);
    bool one = of.channels == groups && of.inner == 1;
    for (int64_t i = 0; of.channels == groups && lengths && i < lengths->shape[0]; i++)
        one |= nb_tensor_get(lengths, &i) == 1;
    if (!one) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE,
                   "group_norm needs two values or more in each group, which has one of %s: no "
                   "variance; make fewer groups",
                   text);
}

/* gain and shift, contiguous, and in f64 too; then the lengths, where there are any. */
static nb_status read_channels(nb_ctx *ctx, nb_tensor *const *in, int inputs, nb_tensor **whole,
                               nb_tensor **real)
{
    if (inputs > 3 && !(whole[2] = nb_tensor_contiguous(ctx, in[3]))) return ctx->status;
    for (int i = 0; i < 2; i++) {
        /* A record has no shift where nobody needs its gradient: it plays no part in any. */
        whole[i] = nb_tensor_contiguous(ctx, in[1 + i] ? in[1 + i] : in[1]);
        real[i] = whole[i] ? nb_tensor_convert(ctx, whole[i], NB_F64, 1) : NULL;
        if (!real[i]) return ctx->status;
    }
    return NB_OK;
}

static void job_begin(group_job *job, const nb_tensor *x, const nb_attr *attr,
                      nb_tensor *const *whole, nb_tensor *const *real)
{
    nb_channels of = nb_channels_of(x, 1);
    *job = (group_job){.pieces = nb_pieces_of(of.n, of.channels * of.inner),
                       .real = nb_real(x->dtype),
                       .of = of,
                       .groups = attr->channels.groups,
                       .per = of.channels / attr->channels.groups,
                       .dtype = x->dtype,
                       .epsilon = attr->channels.epsilon,
                       .x = nb_tensor_data(x),
                       .gain = nb_tensor_data(whole[0]),
                       .shift = nb_tensor_data(whole[1]),
                       .lengths = whole[2] ? nb_tensor_data(whole[2]) : NULL,
                       .gains = nb_tensor_data(real[0]),
                       .shifts = nb_tensor_data(real[1])};
}

static void drop_channels(nb_ctx *ctx, nb_tensor **whole, nb_tensor **real)
{
    for (int i = 0; i < 2; i++) {
        nb_tensor_release(ctx, whole[i]);
        nb_tensor_release(ctx, real[i]);
    }
    nb_tensor_release(ctx, whole[2]);
}

static nb_tensor *normalised(nb_ctx *ctx, nb_call *call, group_job *job, const nb_tensor *x)
{
    const int64_t shape[2] = {job->of.n * job->groups, STATS};
    nb_tensor *stats = nb_tensor_new(ctx, NB_F64, 2, shape);
    nb_tensor *y = stats ? nb_tensor_new(ctx, x->dtype, x->dims, x->shape) : NULL;
    if (y) {
        job->stats = nb_tensor_data(stats);
        job->y = nb_tensor_data(y);
        y = nb_tensor_settle(ctx, y, nb_pieces_run(ctx, &job->pieces, apply_piece, job));
    }
    if (y && call->recording)
        call->saved[0] = stats;
    else
        nb_tensor_release(ctx, stats);
    return y;
}

static nb_tensor *group_norm_forward(nb_ctx *ctx, nb_call *call)
{
    nb_tensor *whole[3] = {NULL}, *real[2] = {NULL}, *y = NULL;
    if (check(ctx, call) != NB_OK) return NULL;
    nb_tensor *x = nb_tensor_contiguous(ctx, call->in[0]);
    if (x && read_channels(ctx, call->in, call->inputs, whole, real) == NB_OK) {
        group_job job;
        job_begin(&job, x, &call->attr, whole, real);
        y = normalised(ctx, call, &job, x);
    }
    drop_channels(ctx, whole, real);
    nb_tensor_release(ctx, x);
    return y;
}

/* ---- Backward ---------------------------------------------------------------------------------
 */

/* Adds what a channel gives to the gradients of its gain and shift, and that times its gain to the
 * group's sums. */
static void gather_channel(const group *g, int64_t c, double *less, double *slope)
{
    const group_job *job = g->job;
    nb_norm_lines lines;
    double coef[NB_NORM_KINDS], dgain = 0, dshift = 0;
    size_t at = g->at + (size_t)c * step_of(g);
    channel(g, c, 0, 0, &lines, coef);
    job->real->norm_gather(&lines, job->x + at, job->delta + at, &dgain, &dshift);
    g->dgain[c] += dgain;
    g->dshift[c] += dshift;
    *less += job->gains[g->first + c] * dshift;
    *slope += job->gains[g->first + c] * dgain;
}

static void slope_group(const group *g)
{
    const group_job *job = g->job;
    double less = 0, slope = 0, share = g->stats[1] / count_of(g);
    if (job->of.inner == 1) {
        size_t skip = (size_t)g->first * nb_dtype_size(job->dtype);
        job->real->norm_row_slope((size_t)job->per, job->x + g->at, job->gain + skip,
                                  job->delta + g->at, g->stats, job->y + g->at, g->dgain,
                                  g->dshift);
        return;
    }
    for (int64_t c = 0; c < job->per; c++) gather_channel(g, c, &less, &slope);
    for (int64_t c = 0; c < job->per; c++) {
        nb_norm_lines lines;
        double coef[NB_NORM_KINDS];
        size_t at = g->at + (size_t)c * step_of(g);
        channel(g, c, share * less, share * slope, &lines, coef);
        job->real->norm_slope(&lines, job->x + at, job->delta + at, job->y + at);
        zero_padding(g, job->y + at);
    }
}

static void slope_piece(void *arg, size_t piece)
{
    each_group(arg, piece, slope_group);
}

static nb_status all_gradients(nb_ctx *ctx, nb_record *record, group_job *job, nb_tensor **grad)
{
    size_t bytes;
    int64_t c = job->of.channels;
    job->sums = nb_piece_sums(ctx, &job->pieces, 2 * c, &bytes);
    if (!job->sums) return ctx->status;
    nb_status status = nb_pieces_run(ctx, &job->pieces, slope_piece, job);
    for (int i = 1; i < 3 && status == NB_OK; i++) {
        if (record->needs[i])
            status = nb_piece_gradient(ctx, record, i, &job->pieces, job->sums, 2 * c, (i - 1) * c,
                                       grad);
    }
    nb_free(ctx, job->sums, bytes);
    return status;
}

/* As layer_norm's, with the means over all channels and places of a group. */
static nb_status group_norm_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                     nb_tensor **grad)
{
    nb_tensor *whole[3] = {NULL}, *real[2] = {NULL}, *from = NULL, *to = NULL;
    nb_tensor *x = nb_tensor_contiguous(ctx, record->in[0]);
    nb_status status = x ? nb_delta_for_write(ctx, delta, &from, &to) : ctx->status;
    if (status == NB_OK) status = read_channels(ctx, record->in, record->inputs, whole, real);
    if (status == NB_OK) {
        group_job job;
        job_begin(&job, x, &record->attr, whole, real);
        if (nb_tape_is_observed(record))
            job.pieces = nb_pieces_of_examples(job.pieces.rows, job.pieces.width, x->shape[0]);
        job.stats = nb_tensor_data(record->saved[0]);
        job.delta = nb_tensor_data(from);
        job.y = nb_tensor_data(to);
        status = all_gradients(ctx, record, &job, grad);
    }
    if (status == NB_OK && record->needs[0]) grad[0] = nb_tensor_retain(to);
    drop_channels(ctx, whole, real);
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, from);
    nb_tensor_release(ctx, to);
    return status;
}

NB_DEFINE_OP(group_norm) = {
    .name = "group_norm",
    .help = "Group norm of each example: gain (x - mean) / √(variance + ε) + shift, mean and "
            "variance over the channels of a group and all places.",
    .signature = "c",
    .fills = {offsetof(nb_attr, channels.groups)},
    .hidden = true,
    .promote = 7,
    .reads = 11,
    .attr = {.channels = {.groups = 1, .epsilon = 1e-5}},
    .forward = group_norm_forward,
    .backward = group_norm_backward,
    .errors = "2x4 4 4 /3: 3 groups do not divide the channels of 2x4; 2x3 4 4 /1: inputs 2x3; "
              "2x3 3 3 /3: group_norm needs two values or more; 2x3x2 3 3 3k /1: needs a length",
    .samples =
        "3x4 4 4 /2, 2x4x3 4 4 /2, 2x3x2x2 3 3 /3, 4x3t 3 3 /1, 0x4x2 4 4 /2, 2x2x5 2 2 2k /1",
    .low = -2,
    .high = 2,
};
