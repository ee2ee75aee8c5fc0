/* Pools: the largest number, or the mean, under a window that slides over every plane.
 *
 * Shapes: x (n, channels, extents…), one or two extents, y likewise by places. */
#include "grad/support.h"

#include "base/workers.h"
#include "kernel/window.h"
#include "tensor/shape.h"

#include <string.h>

enum {
    DIMS_BEFORE = 2,
    PIECE = 1 << 15,   /* numbers that are worth a piece of work */
    PARALLEL = 1 << 16 /* numbers from which on pieces go to the workers */
};

/* Planes under way; x and y, or dx and dy. */
typedef struct pool_job {
    const nb_windows *windows;
    nb_window window;
    size_t width;
    int64_t planes, each; /* planes of a piece */
    int64_t x_size, y_size;
    char *x, *y;
    int32_t *place;
    const volatile sig_atomic_t *interrupt;
} pool_job;

/* A single extent lies along rows, of which there is one. */
static nb_window window_of(const struct nb_attr_window *attr, const nb_tensor *x)
{
    nb_window w;
    int first = DIMS_BEFORE + NB_EXTENTS - x->dims;
    for (int i = 0; i < NB_EXTENTS; i++) {
        int k = i - first;
        int64_t size = k >= 0 ? x->shape[DIMS_BEFORE + k] : 1;
        w.size[i] = size;
        w.kernel[i] = k >= 0 ? attr->kernel[k] : 1;
        w.stride[i] = k >= 0 ? attr->stride[k] : 1;
        w.dilation[i] = 1;
        w.low[i] = k >= 0 ? attr->low[k] : 0;
        if (k >= 0) size += attr->low[k] + attr->high[k];
        w.out[i] = nb_window_places(size, w.kernel[i], w.stride[i]);
    }
    return w;
}

static pool_job job_of(const nb_tensor *x, const nb_window *window)
{
    pool_job job = {.windows = nb_kernels_get()->windows[x->dtype],
                    .window = *window,
                    .width = nb_dtype_size(x->dtype),
                    .planes = x->shape[0] * x->shape[1],
                    .x_size = window->size[NB_DOWN] * window->size[NB_ALONG],
                    .y_size = window->out[NB_DOWN] * window->out[NB_ALONG]};
    job.each = job.x_size < PIECE ? PIECE / job.x_size : 1;
    return job;
}

/* Cut by the size alone. */
static nb_status run_job(nb_ctx *ctx, pool_job *job, nb_piece *piece)
{
    size_t pieces = (size_t)((job->planes + job->each - 1) / job->each);
    job->interrupt = ctx->interrupt;
    if (job->planes * job->x_size >= PARALLEL)
        nb_parallel(ctx, pieces, piece, job);
    else
        for (size_t i = 0; i < pieces; i++) piece(job, i);
    return nb_poll(ctx);
}

static char *plane(const pool_job *job, char *data, int64_t i, int64_t size)
{
    return data + i * size * (int64_t)job->width;
}

/* Every plane of a piece by one of the functions below. */
static void each_plane(const pool_job *job, size_t piece,
                       void (*f)(const pool_job *job, int64_t i, void *x, void *y))
{
    int64_t first = (int64_t)piece * job->each, end = first + job->each;
    for (int64_t i = first; i < end && i < job->planes; i++) {
        if (job->interrupt && *job->interrupt) return;
        f(job, i, plane(job, job->x, i, job->x_size), plane(job, job->y, i, job->y_size));
    }
}

/* ---- The shapes ------------------------------------------------------------------------------ */

static nb_status misfit(nb_ctx *ctx, const nb_call *call)
{
    char text[NB_SHAPE_TEXT];
    const nb_tensor *x = call->in[0];
    const int32_t *kernel = call->attr.window.kernel;
    if (x->dims == DIMS_BEFORE + 1)
        return nb_fail(ctx, NB_ESHAPE, "%s: a window of %d does not fit %s", call->op->name,
                       (int)kernel[0], nb_shape_text(x->dims, x->shape, text));
    return nb_fail(ctx, NB_ESHAPE, "%s: a window of %dx%d does not fit %s", call->op->name,
                   (int)kernel[0], (int)kernel[1], nb_shape_text(x->dims, x->shape, text));
}

/* Windows with at least one number under each; planes whose places an i32 holds. */
static bool fits(const nb_call *call, nb_window *w)
{
    const nb_tensor *x = call->in[0];
    const struct nb_attr_window *attr = &call->attr.window;
    if (x->dims <= DIMS_BEFORE || x->dims > DIMS_BEFORE + NB_EXTENTS) return false;
    *w = window_of(attr, x);
    for (int i = 0; i < x->dims - DIMS_BEFORE; i++)
        if (attr->low[i] >= attr->kernel[i] || attr->high[i] >= attr->kernel[i]) return false;
    for (int i = 0; i < NB_EXTENTS; i++)
        if (w->out[i] < 1 || w->size[i] < 1) return false;
    return w->size[NB_DOWN] <= INT32_MAX / w->size[NB_ALONG];
}

static nb_tensor *output_of(nb_ctx *ctx, const nb_tensor *x, const nb_window *w, nb_dtype dtype)
{
    int64_t shape[NB_MAX_DIMS] = {x->shape[0], x->shape[1], w->out[NB_DOWN], w->out[NB_ALONG]};
    shape[x->dims - 1] = w->out[NB_ALONG];
    return nb_tensor_new(ctx, dtype, x->dims, shape);
}

/* dx, every plane of it written by `piece`. */
static nb_status pool_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta, nb_tensor **grad,
                               nb_piece *piece)
{
    const nb_tensor *x = record->in[0];
    nb_window w = window_of(&record->attr.window, x);
    nb_tensor *d = nb_tensor_contiguous(ctx, delta);
    nb_tensor *dx = d ? nb_tensor_new(ctx, d->dtype, x->dims, x->shape) : NULL;
    if (dx) {
        pool_job job = job_of(dx, &w);
        job.x = nb_tensor_data(dx);
        job.y = nb_tensor_data(d);
        if (record->saved[0]) job.place = nb_tensor_data(record->saved[0]);
        dx = nb_tensor_settle(ctx, dx, run_job(ctx, &job, piece));
    }
    nb_tensor_release(ctx, d);
    grad[0] = dx;
    return dx ? NB_OK : ctx->status;
}

/* ---- max_pool -------------------------------------------------------------------------------- */

static void max_plane(const pool_job *job, int64_t i, void *x, void *y)
{
    job->windows->max_pool(&job->window, x, y, job->place ? job->place + i * job->y_size : NULL);
}

static void max_piece(void *arg, size_t piece)
{
    each_plane(arg, piece, max_plane);
}

static nb_tensor *max_pool_forward(nb_ctx *ctx, nb_call *call)
{
    nb_window w;
    if (!fits(call, &w)) {
        misfit(ctx, call);
        return NULL;
    }
    nb_tensor *x = nb_tensor_contiguous(ctx, call->in[0]), *place = NULL;
    nb_tensor *y = x ? output_of(ctx, x, &w, x->dtype) : NULL;
    if (y && call->recording) {
        place = output_of(ctx, x, &w, NB_I32);
        if (!place) y = nb_tensor_settle(ctx, y, ctx->status);
    }
    if (y) {
        pool_job job = job_of(x, &w);
        job.x = nb_tensor_data(x);
        job.y = nb_tensor_data(y);
        if (place) job.place = nb_tensor_data(place);
        y = nb_tensor_settle(ctx, y, run_job(ctx, &job, max_piece));
    }
    nb_tensor_release(ctx, x);
    if (y && call->recording)
        call->saved[0] = place;
    else
        nb_tensor_release(ctx, place);
    return y;
}

static void max_slope_plane(const pool_job *job, int64_t i, void *dx, void *dy)
{
    job->windows->max_pool_slope(&job->window, dy, job->place + i * job->y_size, dx);
}

static void max_slope_piece(void *arg, size_t piece)
{
    each_plane(arg, piece, max_slope_plane);
}

/* δ goes to where the largest stood. */
static nb_status max_pool_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                   nb_tensor **grad)
{
    return pool_backward(ctx, record, delta, grad, max_slope_piece);
}

NB_DEFINE_OP(max_pool) = {
    .name = "max_pool",
    .help = "The largest number under every window of (n, channels, extents…).",
    .hidden = true,
    .promote = 1,
    .attr = {.window = {.kernel = {2, 2}, .stride = {2, 2}}},
    .forward = max_pool_forward,
    .backward = max_pool_backward,
    .errors = "2x3x1: a window of 2 does not fit 2x3x1; 2x3: does not fit 2x3",
    .samples = "2x3x5, 2x1x4x6, 1x2x5x7t, 0x2x4x4, 1x1x2x2",
    .low = -2,
    .high = 2,
};

/* ---- avg_pool -------------------------------------------------------------------------------- */

static void avg_plane(const pool_job *job, int64_t i, void *x, void *y)
{
    (void)i;
    job->windows->avg_pool(&job->window, x, y);
}

static void avg_piece(void *arg, size_t piece)
{
    each_plane(arg, piece, avg_plane);
}

static nb_tensor *avg_pool_forward(nb_ctx *ctx, nb_call *call)
{
    nb_window w;
    if (!fits(call, &w)) {
        misfit(ctx, call);
        return NULL;
    }
    nb_tensor *x = nb_tensor_contiguous(ctx, call->in[0]);
    nb_tensor *y = x ? output_of(ctx, x, &w, x->dtype) : NULL;
    if (y) {
        pool_job job = job_of(x, &w);
        job.x = nb_tensor_data(x);
        job.y = nb_tensor_data(y);
        y = nb_tensor_settle(ctx, y, run_job(ctx, &job, avg_piece));
    }
    nb_tensor_release(ctx, x);
    return y;
}

static void avg_slope_plane(const pool_job *job, int64_t i, void *dx, void *dy)
{
    (void)i;
    job->windows->avg_pool_slope(&job->window, dy, dx);
}

static void avg_slope_piece(void *arg, size_t piece)
{
    each_plane(arg, piece, avg_slope_plane);
}

/* Every number under a window has the same share of its δ. */
static nb_status avg_pool_backward(nb_ctx *ctx, nb_record *record, nb_tensor *delta,
                                   nb_tensor **grad)
{
    return pool_backward(ctx, record, delta, grad, avg_slope_piece);
}

NB_DEFINE_OP(avg_pool) = {
    .name = "avg_pool",
    .help = "The mean under every window of (n, channels, extents…), padding counted as zeros.",
    .hidden = true,
    .promote = 1,
    .attr = {.window = {.kernel = {2, 2}, .stride = {2, 2}}},
    .forward = avg_pool_forward,
    .backward = avg_pool_backward,
    .errors = "2x3x1: a window of 2 does not fit 2x3x1; 2x3: does not fit 2x3",
    .samples = "2x3x5, 2x1x4x6, 1x2x5x7t, 0x2x4x4, 1x1x2x2",
    .low = -2,
    .high = 2,
};
