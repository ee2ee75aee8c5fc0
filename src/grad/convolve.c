/* Convolutions as products on copies of bands of the images (kernel/window.h). A piece of work has
 * buffers of its own and no context. */
#include "grad/convolve.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/workers.h"
#include "kernel/kernel.h"
#include "tensor/shape.h"

#include <string.h>

/* Multiplications that are worth a piece of work, and pieces at most: each has buffers of its own,
 * and for weights a sum of its own. */
#define PIECE_WORTH 0x1p23
enum {
    PIECES_MAX = 64,
    BAND_BYTES = 1 << 18,    /* of copies: they stay in a second-level cache */
    BAND_PLACES = 32,        /* that a band has at least: vectors are filled */
    BUFFERS_BYTES = 1 << 28, /* of all pieces: beyond, there are fewer pieces */
    TILE_ROWS = 60,          /* rows between two looks for Ctrl-C, at least: whole tiles */
    POLL_AFTER = 1 << 27,    /* multiplications */
    PARALLEL_SUMS = 1 << 16  /* numbers from which on sums go to the workers */
};

typedef struct conv_job {
    const nb_convolution *of;
    const nb_windows *windows;
    const nb_real_kernels *real;
    size_t width;        /* bytes of a number */
    int64_t k, maps;     /* of a group: numbers under a window, and maps */
    int64_t places;      /* of a map */
    int64_t band, bands; /* rows of places in a band; bands of an image */
    int64_t depth;       /* rows of one phase in a copy */
    int64_t copy;        /* numbers of one copy of one channel */
    bool direct;         /* the image itself serves as its copy */
    int64_t units;       /* images, or their bands */
    int64_t pieces;
    const char *image, *w, *b;
    char *maps_data, *a;
    const nb_kernel_runs *runs;
    char *out;           /* image that is added to, or the pieces' sums for w */
    char *buffer;        /* of all pieces */
    int64_t buffer_size; /* numbers of a piece's */
    ptrdiff_t *patch;    /* where the numbers under a window stand in the copies: k */
    ptrdiff_t *outer, *inner;
    size_t table_bytes;
    const volatile sig_atomic_t *interrupt;
} conv_job;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- The plan of a job ----------------------------------------------------------------------- */

/* Without padding and with one column at stride 1 every row of the image is as it is copied. */
static bool needs_no_copy(const nb_window *w)
{
    return w->kernel[NB_ALONG] == 1 && w->out[NB_ALONG] == w->size[NB_ALONG] &&
           w->stride[NB_ALONG] == 1 && w->low[NB_ALONG] == 0 && w->stride[NB_DOWN] == 1 &&
           w->low[NB_DOWN] == 0 &&
           w->out[NB_DOWN] - 1 + nb_window_reach(w->kernel[NB_DOWN], w->dilation[NB_DOWN]) <=
               w->size[NB_DOWN];
}

/* Rows of places in a band, so that its copies stay near. */
static void cut_bands(conv_job *job)
{
    const nb_window *w = &job->of->window;
    int64_t reach = w->dilation[NB_DOWN] * (w->kernel[NB_DOWN] - 1) / w->stride[NB_DOWN];
    int64_t columns = most(w->out[NB_ALONG], 1);
    int64_t row = job->of->channels * w->kernel[NB_ALONG] * w->stride[NB_DOWN] * columns;
    int64_t rows = BAND_BYTES / (int64_t)job->width / most(row, 1) - reach;
    rows = most(rows, (BAND_PLACES + columns - 1) / columns);
    job->band = most(nb_least_i64(rows, w->out[NB_DOWN]), 1);
    job->bands = (w->out[NB_DOWN] + job->band - 1) / job->band;
    job->depth = job->band + reach;
    job->copy = w->stride[NB_DOWN] * job->depth * columns;
    job->direct = needs_no_copy(w);
    if (job->direct) job->copy = w->size[NB_DOWN] * w->size[NB_ALONG];
}

static conv_job job_of(const nb_convolution *of)
{
    const nb_window *w = &of->window;
    conv_job job = {.of = of,
                    .windows = nb_kernels_get()->windows[of->dtype],
                    .real = nb_real(of->dtype),
                    .width = nb_dtype_size(of->dtype),
                    .maps = of->maps / of->groups,
                    .places = w->out[NB_DOWN] * w->out[NB_ALONG]};
    job.k = of->channels / of->groups * w->kernel[NB_DOWN] * w->kernel[NB_ALONG];
    cut_bands(&job);
    return job;
}

/* Copies of all channels; 0 where the image serves. */
static int64_t copies_size(const conv_job *job)
{
    if (job->direct) return 0;
    return job->of->channels * job->of->window.kernel[NB_ALONG] * job->copy;
}

/* By the sizes alone. */
static void cut_pieces(conv_job *job, int64_t units, int64_t buffer)
{
    double count = (double)job->of->images * (double)job->places * (double)job->of->maps;
    double worth = count * (double)job->k / PIECE_WORTH;
    int64_t room = BUFFERS_BYTES / (int64_t)job->width / most(buffer, 1);
    job->units = units;
    job->buffer_size = buffer;
    job->pieces = worth < PIECES_MAX ? (int64_t)worth : PIECES_MAX;
    job->pieces = most(nb_least_i64(nb_least_i64(job->pieces, units), room), 1);
}

static void fill_steps(ptrdiff_t *to, int64_t count, int64_t step)
{
    for (int64_t i = 0; i < count; i++) to[i] = (ptrdiff_t)(i * step);
}

static void fill_patch(conv_job *job)
{
    const nb_window *w = &job->of->window;
    int64_t rows = w->kernel[NB_DOWN], columns = w->kernel[NB_ALONG], stride = w->stride[NB_DOWN];
    int64_t depth = job->direct ? 0 : job->depth;
    for (int64_t i = 0; i < job->k; i++) {
        int64_t kx = i % columns, ky = i / columns % rows, c = i / columns / rows;
        int64_t at = ky * w->dilation[NB_DOWN];
        int64_t row = at % stride * depth + at / stride;
        job->patch[i] = (ptrdiff_t)((c * columns + kx) * job->copy + row * w->out[NB_ALONG]);
    }
}

/* Tables and buffers; `outer` and `inner` get room for so many entries. */
static nb_status begin(nb_ctx *ctx, conv_job *job, int64_t outer, int64_t inner)
{
    job->table_bytes = (size_t)(job->k + outer + inner) * sizeof(ptrdiff_t);
    job->patch = nb_alloc(ctx, job->table_bytes);
    if (!job->patch) return ctx->status;
    job->outer = job->patch + job->k;
    job->inner = job->outer + outer;
    fill_patch(job);
    size_t bytes = (size_t)job->pieces * (size_t)job->buffer_size * job->width;
    job->buffer = nb_alloc(ctx, bytes ? bytes : 1);
    if (job->buffer) return NB_OK;
    nb_free(ctx, job->patch, job->table_bytes);
    return ctx->status;
}

static void end(nb_ctx *ctx, conv_job *job)
{
    size_t bytes = (size_t)job->pieces * (size_t)job->buffer_size * job->width;
    nb_free(ctx, job->patch, job->table_bytes);
    nb_free(ctx, job->buffer, bytes ? bytes : 1);
}

static nb_status run(nb_ctx *ctx, conv_job *job, nb_piece *piece)
{
    job->interrupt = ctx->interrupt;
    if (job->pieces > 1)
        nb_parallel(ctx, (size_t)job->pieces, piece, job);
    else if (job->units)
        piece(job, 0);
    return nb_poll(ctx);
}

/* ---- What pieces do -------------------------------------------------------------------------- */

static bool interrupted(const conv_job *job)
{
    return job->interrupt && *job->interrupt;
}

static int64_t first_unit(const conv_job *job, size_t piece)
{
    return (int64_t)piece * job->units / job->pieces;
}

/* A product in blocks of rows, with a look for Ctrl-C between them. */
static void multiply(const conv_job *job, const nb_gathered *whole)
{
    double row = (double)whole->n * (double)whole->k;
    size_t rows = row > 0 ? (size_t)(POLL_AFTER / row) / TILE_ROWS * TILE_ROWS : whole->m;
    if (rows < TILE_ROWS) rows = TILE_ROWS;
    for (size_t i = 0; i < whole->m && !interrupted(job); i += rows) {
        nb_gathered part = *whole;
        part.m = nb_least_size(rows, whole->m - i);
        part.a_row += i;
        part.c_row += i;
        job->windows->gathered(&part);
    }
}

/* Where a number of an array stands. */
static char *place(const conv_job *job, const void *data, int64_t index)
{
    return (char *)(uintptr_t)data + index * (int64_t)job->width;
}

static nb_band band_of(const conv_job *job, int64_t b)
{
    int64_t rows = job->of->window.out[NB_DOWN] - b * job->band;
    return (nb_band){.window = &job->of->window,
                     .channels = job->of->channels,
                     .start = b * job->band,
                     .count = nb_least_i64(rows, job->band),
                     .depth = job->depth};
}

static int64_t image_size(const conv_job *job)
{
    const nb_window *w = &job->of->window;
    return job->of->channels * w->size[NB_DOWN] * w->size[NB_ALONG];
}

/* The first copy of a group's first channel. */
static char *group_copies(const conv_job *job, const char *copies, int64_t g)
{
    int64_t channels = job->of->channels / job->of->groups;
    return place(job, copies, g * channels * job->of->window.kernel[NB_ALONG] * job->copy);
}

/* The copies of a band: made in `room`, or where they are. */
static const char *take_copies(const conv_job *job, const nb_band *band, int64_t image, char *room)
{
    const char *from = place(job, job->image, image * image_size(job));
    if (job->direct) return place(job, from, band->start * band->window->size[NB_ALONG]);
    job->windows->copy(band, from, room);
    return room;
}

/* The maps of a group at the first place of a band. */
static char *group_maps(const conv_job *job, const nb_band *band, int64_t image, int64_t g)
{
    int64_t first = (image * job->of->maps + g * job->maps) * job->places;
    return place(job, job->maps_data, first + band->start * band->window->out[NB_ALONG]);
}

/* ---- Forward --------------------------------------------------------------------------------- */

static double number_at(const conv_job *job, const char *data, int64_t i)
{
    return job->of->dtype == NB_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static void convolve_unit(const conv_job *job, int64_t unit, char *room)
{
    int64_t image = unit / job->bands;
    nb_band band = band_of(job, unit % job->bands);
    size_t n = (size_t)(band.count * band.window->out[NB_ALONG]);
    const char *copies = take_copies(job, &band, image, room);
    for (int64_t g = 0; g < job->of->groups; g++) {
        char *maps = group_maps(job, &band, image, g);
        for (int64_t i = 0; i < job->maps; i++)
            job->real->fill(n, place(job, maps, i * job->places), 1,
                            job->b ? number_at(job, job->b, g * job->maps + i) : 0);
        nb_gathered product = {.m = (size_t)job->maps, .n = n, .k = (size_t)job->k};
        product.a = place(job, job->w, g * job->maps * job->k);
        product.a_row = job->outer;
        product.b = group_copies(job, copies, g);
        product.b_row = job->patch;
        product.c = maps;
        product.c_row = job->inner;
        multiply(job, &product);
    }
    if (!job->runs || job->bands > 1) return;
    int64_t first = image * job->of->maps * job->places;
    nb_runs_forward(job->runs, job->of->dtype, 1, job->of->maps, job->places,
                    place(job, job->maps_data, first), place(job, job->a, first));
}

static void convolve_piece(void *arg, size_t piece)
{
    const conv_job *job = arg;
    char *room = place(job, job->buffer, (int64_t)piece * job->buffer_size);
    int64_t last = first_unit(job, piece + 1);
    for (int64_t unit = first_unit(job, piece); unit < last && !interrupted(job); unit++)
        convolve_unit(job, unit, room);
}

nb_status nb_convolve(nb_ctx *ctx, const nb_convolution *of, const void *image, const void *w,
                      const void *b, void *maps, const nb_kernel_runs *runs, void *a)
{
    conv_job job = job_of(of);
    cut_pieces(&job, of->images * job.bands, copies_size(&job));
    if (begin(ctx, &job, job.maps, job.maps) != NB_OK) return ctx->status;
    fill_steps(job.outer, job.maps, job.k);
    fill_steps(job.inner, job.maps, job.places);
    job.image = image;
    job.w = w;
    job.b = b;
    job.maps_data = maps;
    job.runs = runs;
    job.a = a;
    nb_status status = run(ctx, &job, convolve_piece);
    if (status == NB_OK && runs && job.bands > 1)
        nb_runs_forward(runs, of->dtype, of->images, of->maps, job.places, maps, a);
    end(ctx, &job);
    return status;
}

/* ---- Back to the image ----------------------------------------------------------------------- */

/* One image: its bands overlap in it, so they come one after the other. */
static void back_unit(const conv_job *job, int64_t image, char *room)
{
    char *to = place(job, job->out, image * image_size(job));
    for (int64_t b = 0; b < job->bands && !interrupted(job); b++) {
        nb_band band = band_of(job, b);
        char *copies = room;
        if (job->direct)
            copies = place(job, to, band.start * band.window->size[NB_ALONG]);
        else
            memset(room, 0, (size_t)copies_size(job) * job->width);
        for (int64_t g = 0; g < job->of->groups; g++) {
            nb_gathered product = {.m = (size_t)job->k, .k = (size_t)job->maps};
            product.n = (size_t)(band.count * band.window->out[NB_ALONG]);
            product.a = place(job, job->w, g * job->maps * job->k);
            product.a_row = job->outer;
            product.b = group_maps(job, &band, image, g);
            product.b_row = job->inner;
            product.c = group_copies(job, copies, g);
            product.c_row = job->patch;
            multiply(job, &product);
        }
        if (!job->direct) job->windows->spread(&band, copies, to);
    }
}

static void back_piece(void *arg, size_t piece)
{
    const conv_job *job = arg;
    char *room = place(job, job->buffer, (int64_t)piece * job->buffer_size);
    int64_t last = first_unit(job, piece + 1);
    for (int64_t image = first_unit(job, piece); image < last && !interrupted(job); image++)
        back_unit(job, image, room);
}

/* w with its maps running fastest, group by group. */
static char *turned_weights(nb_ctx *ctx, const conv_job *job, const void *w)
{
    int64_t count = job->of->maps * job->k, of_group = job->maps * job->k;
    char *turned = nb_alloc(ctx, (size_t)count * job->width);
    for (int64_t g = 0; turned && g < job->of->groups; g++)
        nb_kernels_get()->copy_matrix(job->width, (size_t)job->k, (size_t)job->maps,
                                      place(job, w, g * of_group), 1, job->k,
                                      place(job, turned, g * of_group), job->maps, 1);
    return turned;
}

nb_status nb_convolve_back(nb_ctx *ctx, const nb_convolution *of, const void *maps, const void *w,
                           void *image)
{
    conv_job job = job_of(of);
    cut_pieces(&job, of->images, copies_size(&job));
    if (begin(ctx, &job, job.k, job.maps) != NB_OK) return ctx->status;
    char *turned = turned_weights(ctx, &job, w);
    fill_steps(job.outer, job.k, job.maps);
    fill_steps(job.inner, job.maps, job.places);
    job.w = turned;
    job.maps_data = (char *)(uintptr_t)maps;
    job.out = image;
    nb_status status = turned ? run(ctx, &job, back_piece) : ctx->status;
    nb_free(ctx, turned, (size_t)(of->maps * job.k) * job.width);
    end(ctx, &job);
    return status;
}

/* ---- To the weights -------------------------------------------------------------------------- */

/* Adds what one band gives to a piece's sums, (groups, k, maps of a group). */
static void weigh_unit(const conv_job *job, int64_t unit, char *room, char *sums)
{
    int64_t image = unit / job->bands;
    nb_band band = band_of(job, unit % job->bands);
    int64_t n = band.count * band.window->out[NB_ALONG];
    char *turned = place(job, room, copies_size(job));
    const char *copies = take_copies(job, &band, image, room);
    for (int64_t g = 0; g < job->of->groups; g++) {
        nb_kernels_get()->copy_matrix(job->width, (size_t)n, (size_t)job->maps,
                                      group_maps(job, &band, image, g), 1, job->places, turned,
                                      job->maps, 1);
        nb_gathered product = {.m = (size_t)job->k, .n = (size_t)job->maps, .k = (size_t)n};
        product.a = group_copies(job, copies, g);
        product.a_row = job->patch;
        product.b = turned;
        product.b_row = job->outer;
        product.c = place(job, sums, g * job->k * job->maps);
        product.c_row = job->inner;
        multiply(job, &product);
    }
}

static void weigh_piece(void *arg, size_t piece)
{
    const conv_job *job = arg;
    int64_t count = job->of->maps * job->k;
    char *room = place(job, job->buffer, (int64_t)piece * job->buffer_size);
    char *sums = place(job, job->out, (int64_t)piece * count);
    int64_t last = first_unit(job, piece + 1);
    memset(sums, 0, (size_t)count * job->width);
    for (int64_t unit = first_unit(job, piece); unit < last && !interrupted(job); unit++)
        weigh_unit(job, unit, room, sums);
}

/* The pieces' sums, added in order, into dw. */
static void add_sums(const conv_job *job, void *dw)
{
    int64_t count = job->of->maps * job->k, of_group = job->maps * job->k;
    for (int64_t piece = 1; piece < job->pieces; piece++)
        job->real->axpy((size_t)count, 1, place(job, job->out, piece * count), job->out);
    for (int64_t g = 0; g < job->of->groups; g++)
        nb_kernels_get()->copy_matrix(job->width, (size_t)job->maps, (size_t)job->k,
                                      place(job, job->out, g * of_group), 1, job->maps,
                                      place(job, dw, g * of_group), job->k, 1);
}

nb_status nb_convolve_weights(nb_ctx *ctx, const nb_convolution *of, const void *image,
                              const void *maps, void *dw)
{
    conv_job job = job_of(of);
    int64_t places = job.band * of->window.out[NB_ALONG], count = of->maps * job.k;
    cut_pieces(&job, of->images * job.bands, copies_size(&job) + places * job.maps);
    size_t bytes = (size_t)job.pieces * (size_t)count * job.width;
    job.out = nb_alloc(ctx, bytes);
    if (!job.out) return ctx->status;
    nb_status status = begin(ctx, &job, places, job.k);
    if (status == NB_OK) {
        fill_steps(job.outer, places, job.maps);
        fill_steps(job.inner, job.k, job.maps);
        job.image = image;
        job.maps_data = (char *)(uintptr_t)maps;
        if (!job.units) memset(job.out, 0, bytes);
        status = run(ctx, &job, weigh_piece);
        if (status == NB_OK) add_sums(&job, dw);
        end(ctx, &job);
    }
    nb_free(ctx, job.out, bytes);
    return status;
}

/* ---- Sums by channel ------------------------------------------------------------------------- */

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
    if (nb_tensor_count(t) >= PARALLEL_SUMS)
        nb_parallel(ctx, (size_t)job.channels, sum_channel, &job);
    else
        for (int64_t i = 0; i < job.channels; i++) sum_channel(&job, (size_t)i);
    nb_tensor *out = nb_tensor_convert(ctx, sums, t->dtype, 1);
    nb_tensor_release(ctx, sums);
    return out;
}
