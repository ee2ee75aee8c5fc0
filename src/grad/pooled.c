/* See pooled.h. */
#include "grad/pooled.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/workers.h"
#include "kernel/kernel.h"

enum { PIECE = 1 << 15 /* numbers of maps that are worth a piece of work */ };

typedef struct pooled_job {
    nb_maps from;
    const nb_windows *windows;
    nb_fold_row_fn *fold;
    int64_t n, channels, places, numbers, each; /* maps of a piece */
    size_t width;
    char *to; /* all maps, or a map for each channel */
    double *sums;
    const volatile sig_atomic_t *interrupt;
} pooled_job;

static pooled_job job_of(const nb_ctx *ctx, nb_maps from, nb_dtype dtype, int64_t n,
                         int64_t channels)
{
    const nb_window *w = from.pool;
    pooled_job job = {.from = from,
                      .windows = nb_kernels_get()->windows[dtype],
                      .fold = nb_kernels_get()->folds[dtype]->row[NB_FOLD_sum],
                      .n = n,
                      .channels = channels,
                      .places = w->size[NB_DOWN] * w->size[NB_ALONG],
                      .numbers = w->out[NB_DOWN] * w->out[NB_ALONG],
                      .width = nb_dtype_size(dtype),
                      .interrupt = ctx->interrupt};
    job.each = job.places < PIECE ? PIECE / job.places : 1;
    return job;
}

static bool interrupted(const pooled_job *job)
{
    return job->interrupt && *job->interrupt;
}

static void spread(const pooled_job *job, int64_t map, char *to)
{
    int64_t first = map * job->numbers;
    job->windows->max_pool_slope(job->from.pool,
                                 (const char *)job->from.data + first * (int64_t)job->width,
                                 job->from.place + first, to);
}

static void spread_piece(void *arg, size_t piece)
{
    const pooled_job *job = arg;
    int64_t first = (int64_t)piece * job->each;
    int64_t end = nb_least_i64(first + job->each, job->n * job->channels);
    for (int64_t i = first; i < end && !interrupted(job); i++)
        spread(job, i, job->to + i * job->places * (int64_t)job->width);
}

nb_status nb_pooled_spread(nb_ctx *ctx, nb_maps from, nb_tensor *maps)
{
    pooled_job job = job_of(ctx, from, maps->dtype, maps->shape[0], maps->shape[1]);
    int64_t pieces = (job.n * job.channels + job.each - 1) / job.each;
    job.to = nb_tensor_data(maps);
    nb_parallel(ctx, (size_t)pieces, spread_piece, &job);
    return nb_poll(ctx);
}

static void sum_channel(void *arg, size_t channel)
{
    const pooled_job *job = arg;
    char *map = job->to + (int64_t)channel * job->places * (int64_t)job->width;
    for (int64_t i = 0; i < job->n && !interrupted(job); i++) {
        spread(job, i * job->channels + (int64_t)channel, map);
        job->fold((size_t)job->places, map, 1, 0, job->sums + channel);
    }
}

nb_tensor *nb_pooled_sums(nb_ctx *ctx, nb_maps from, nb_dtype dtype, int64_t n, int64_t channels)
{
    pooled_job job = job_of(ctx, from, dtype, n, channels);
    size_t bytes = (size_t)(channels * job.places) * job.width;
    nb_tensor *sums = nb_tensor_zeros(ctx, NB_F64, 1, &channels), *out = NULL;
    job.to = sums ? nb_alloc(ctx, bytes) : NULL;
    if (job.to) {
        job.sums = nb_tensor_data(sums);
        nb_parallel(ctx, (size_t)channels, sum_channel, &job);
        if (nb_poll(ctx) == NB_OK) out = nb_tensor_convert(ctx, sums, dtype, 1);
        nb_free(ctx, job.to, bytes);
    }
    nb_tensor_release(ctx, sums);
    return out;
}
