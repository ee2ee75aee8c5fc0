/* What goes by channels: figures of norms, and sums. */
#include "grad/channels.h"

#include "base/workers.h"
#include "tensor/shape.h"

enum { PARALLEL = 1 << 16 /* numbers from which on sums go to the workers */ };

nb_channels nb_channels_of(const nb_tensor *x, int dim)
{
    return (nb_channels){.n = nb_shape_count(dim, x->shape),
                         .channels = x->shape[dim],
                         .inner = nb_shape_count(x->dims - dim - 1, x->shape + dim + 1)};
}

nb_status nb_channels_check(nb_ctx *ctx, const nb_call *call, int dim)
{
    const nb_tensor *x = call->in[0], *gain = call->in[1], *shift = call->in[2];
    char text[3][NB_SHAPE_TEXT];
    bool fits = dim >= 1 && dim < x->dims && gain->dims == 1 && shift->dims == 1 &&
                gain->shape[0] == x->shape[dim] && shift->shape[0] == gain->shape[0];
    if (fits) return NB_OK;
    return nb_fail(ctx, NB_ESHAPE, "%s: inputs %s, gain %s and shift %s do not fit", call->op->name,
                   nb_shape_text(x->dims, x->shape, text[0]),
                   nb_shape_text(gain->dims, gain->shape, text[1]),
                   nb_shape_text(shift->dims, shift->shape, text[2]));
}

void nb_norm_figures(nb_dtype dtype, double mean, double scale, double gain, double shift,
                     double *kind, int64_t channels)
{
    double first = dtype == NB_F32 ? (double)(float)mean : mean;
    kind[NB_NORM_MEAN * channels] = first;
    kind[NB_NORM_REST * channels] = mean - first;
    kind[NB_NORM_SCALE * channels] = scale;
    kind[NB_NORM_FACTOR * channels] = gain * scale;
    kind[NB_NORM_SHIFT * channels] = shift;
    kind[NB_NORM_LESS * channels] = 0;
    kind[NB_NORM_SLOPE * channels] = 0;
}

typedef struct sums_job {
    nb_fold_row_fn *fold;
    const char *data;
    int64_t n, channels, inner;
    size_t width;
    double *sums;
} sums_job;

static void sum_channel(void *arg, size_t channel)
{
    const sums_job *job = arg;
    for (int64_t i = 0; i < job->n; i++) {
        int64_t first = (i * job->channels + (int64_t)channel) * job->inner;
        job->fold((size_t)job->inner, job->data + first * (int64_t)job->width, 1, 0,
                  job->sums + channel);
    }
}

nb_tensor *nb_sum_by_channel(nb_ctx *ctx, const nb_tensor *t, int dim)
{
    sums_job job = {.fold = nb_kernels_get()->folds[t->dtype]->row[NB_FOLD_sum],
                    .data = nb_tensor_data(t),
                    .n = nb_shape_count(dim, t->shape),
                    .channels = t->shape[dim],
                    .inner = nb_shape_count(t->dims - dim - 1, t->shape + dim + 1),
                    .width = nb_dtype_size(t->dtype)};
    nb_tensor *sums = nb_tensor_zeros(ctx, NB_F64, 1, &job.channels);
    if (!sums) return NULL;
    job.sums = nb_tensor_data(sums);
    if (nb_tensor_count(t) >= PARALLEL)
        nb_parallel(ctx, (size_t)job.channels, sum_channel, &job);
    else
        for (int64_t i = 0; i < job.channels; i++) sum_channel(&job, (size_t)i);
    nb_tensor *out = nb_tensor_convert(ctx, sums, t->dtype, 1);
    nb_tensor_release(ctx, sums);
    return out;
}
