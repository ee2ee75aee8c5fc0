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
    NEAR_BYTES = 24 << 10,   /* of an operand and a tile's rows of the other: a first-level cache */
    TILE_HEIGHT = 6,         /* rows of a tile at most */
    DEEP_PLACES = 256,   /* that a product for the weights sums over at least: small images join */
    SPARE = 8,           /* rows of places may leave one vector in so many unfilled */
    TILE_ROWS = 60,      /* rows between two looks for Ctrl-C, at least: whole tiles */
    POLL_AFTER = 1 << 27 /* multiplications */
};

typedef struct conv_job {
    const nb_convolution *of;
    const nb_windows *windows;
    const nb_real_kernels *real;
    size_t width;    /* bytes of a number */
    int64_t k, maps; /* of a group: numbers under a window, and maps */
    int64_t places;  /* of a map */
    nb_band band;    /* the first of an image, whole */
    int64_t bands;   /* of an image */
    int64_t channel; /* numbers of a channel in a band */
    bool direct;     /* the image itself lies as a band does */
    bool columns;    /* a set for each column of the kernel; else for each remainder by the
                        stride, where a row of places is a stretch of its own */
    int64_t group;   /* images that are done at once */
    int64_t units;   /* groups of images, or bands */
    int64_t pieces;
    const char *image, *w, *b;
    char *maps_data, *a;
    const nb_kernel_runs *runs;
    const nb_pooling *pool;
    char *out;           /* image that is added to, or the pieces' sums for w */
    char *buffer;        /* of all pieces */
    int64_t buffer_size; /* numbers of a piece's */
    ptrdiff_t *patch;    /* where the numbers under a window stand in a band: k */
    ptrdiff_t *a_row, *a_column, *b_row, *c_row; /* as a product takes them */
    size_t table_bytes;
    const volatile sig_atomic_t *interrupt;
} conv_job;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t round_up(int64_t n, int64_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* ---- How a band lies ------------------------------------------------------------------------- */

/* A set for each remainder by the stride needs the fewest copies, but its rows begin vectors anew:
 * one for each column of the kernel, where all places follow one another, fills them. */
static bool wants_columns(const nb_window *w, int64_t lanes)
{
    int64_t rows = w->out[NB_DOWN], n = w->out[NB_ALONG],
            vectors = round_up(n, lanes) / lanes * rows;
    if (w->kernel[NB_ALONG] == 1) return false;
    return n < lanes || (vectors - round_up(rows * n, lanes) / lanes) * SPARE > vectors;
}

/* The image needs no copy: nothing is added around it and no step is larger than 1. */
static bool needs_no_copy(const nb_window *w)
{
    for (int i = 0; i < NB_EXTENTS; i++) {
        int64_t reach = nb_window_reach(w->kernel[i], w->dilation[i]);
        if (w->stride[i] != 1 || w->low[i] != 0 || w->out[i] - 1 + reach > w->size[i]) return false;
    }
    return true;
}

static void choose_layout(conv_job *job)
{
    const nb_window *w = &job->of->window;
    int64_t reach = w->dilation[NB_ALONG] * (w->kernel[NB_ALONG] - 1);
    int64_t down = w->dilation[NB_DOWN] * (w->kernel[NB_DOWN] - 1);
    job->columns = wants_columns(w, job->windows->lanes);
    job->direct = !job->columns && needs_no_copy(w);
    job->band = (nb_band){.window = w,
                          .channels = job->of->channels,
                          .sets = nb_least_i64(w->stride[NB_ALONG], reach + 1),
                          .shift = 1,
                          .phases = nb_least_i64(w->stride[NB_DOWN], down + 1),
                          .row = w->out[NB_ALONG] + reach / w->stride[NB_ALONG]};
    if (!job->columns) return;
    job->band.sets = w->kernel[NB_ALONG];
    job->band.shift = w->dilation[NB_ALONG];
    job->band.row = w->out[NB_ALONG];
}

/* Rows of places in a band, so that its copies stay near. */
static void cut_bands(conv_job *job)
{
    const nb_window *w = &job->of->window;
    int64_t reach = w->dilation[NB_DOWN] * (w->kernel[NB_DOWN] - 1) / w->stride[NB_DOWN];
    int64_t columns = most(w->out[NB_ALONG], 1);
    int64_t row = job->of->channels * job->band.sets * job->band.phases * job->band.row;
    int64_t rows = BAND_BYTES / (int64_t)job->width / most(row, 1) - reach;
    rows = most(rows, (BAND_PLACES + columns - 1) / columns);
    job->band.count = most(nb_least_i64(rows, w->out[NB_DOWN]), 1);
    job->bands = (w->out[NB_DOWN] + job->band.count - 1) / job->band.count;
    job->band.depth = job->direct ? w->size[NB_DOWN] : job->band.count + reach;
    if (job->direct) job->band.row = w->size[NB_ALONG];
    job->channel = job->band.sets * job->band.phases * job->band.depth * job->band.row;
}

static conv_job job_of(const nb_convolution *of)
{
    const nb_window *w = &of->window;
    conv_job job = {.of = of,
                    .windows = nb_kernels_get()->windows[of->dtype],
                    .real = nb_real(of->dtype),
                    .width = nb_dtype_size(of->dtype),
                    .maps = of->maps / of->groups,
                    .places = w->out[NB_DOWN] * w->out[NB_ALONG],
                    .group = 1};
    job.k = of->channels / of->groups * w->kernel[NB_DOWN] * w->kernel[NB_ALONG];
    choose_layout(&job);
    cut_bands(&job);
    return job;
}

/* Numbers of a band's copies; 0 where the image serves. */
static int64_t copies_size(const conv_job *job)
{
    return job->direct ? 0 : job->of->channels * job->channel;
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

/* ---- Tables and buffers ---------------------------------------------------------------------- */

static void fill_steps(ptrdiff_t *to, int64_t count, int64_t step)
{
    for (int64_t i = 0; i < count; i++) to[i] = (ptrdiff_t)(i * step);
}

/* Where number (ky, kx) under a window stands in a band's channel. */
static int64_t under_window(const conv_job *job, int64_t ky, int64_t kx)
{
    const nb_window *w = &job->of->window;
    int64_t down = ky * w->dilation[NB_DOWN], along = kx * w->dilation[NB_ALONG];
    int64_t set = job->columns ? kx : along % w->stride[NB_ALONG];
    int64_t phase = set * job->band.phases + down % w->stride[NB_DOWN];
    int64_t row = phase * job->band.depth + down / w->stride[NB_DOWN];
    return row * job->band.row + (job->columns ? 0 : along / w->stride[NB_ALONG]);
}

static void fill_patch(conv_job *job)
{
    const nb_window *w = &job->of->window;
    int64_t columns = w->kernel[NB_ALONG], taps = w->kernel[NB_DOWN] * columns;
    for (int64_t i = 0; i < taps && i < job->k; i++)
        job->patch[i] = (ptrdiff_t)under_window(job, i / columns, i % columns);
    for (int64_t i = taps; i < job->k; i++)
        job->patch[i] = job->patch[i - taps] + (ptrdiff_t)job->channel;
}

/* Buffers, and a table of so many entries beside the patch. */
static nb_status begin(nb_ctx *ctx, conv_job *job, int64_t entries)
{
    job->table_bytes = (size_t)(job->k + entries) * sizeof(ptrdiff_t);
    job->patch = nb_alloc(ctx, job->table_bytes);
    if (!job->patch) return ctx->status;
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
    if (job->units) nb_parallel(ctx, (size_t)job->pieces, piece, job);
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
    double row = (double)whole->rows * (double)whole->columns * (double)whole->k;
    size_t rows = row > 0 ? (size_t)(POLL_AFTER / row) / TILE_ROWS * TILE_ROWS : whole->m;
    if (rows < TILE_ROWS) rows = TILE_ROWS;
    for (size_t i = 0; i < whole->m && !interrupted(job); i += rows) {
        nb_gathered part = *whole;
        part.m = nb_least_size(rows, whole->m - i);
        part.a_row += i;
        part.c_row += i;
        if (part.start) part.start = (const char *)part.start + i * job->width;
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
    nb_band band = job->band;
    band.start = b * job->band.count;
    band.count = nb_least_i64(band.window->out[NB_DOWN] - band.start, band.count);
    return band;
}

static int64_t image_size(const conv_job *job)
{
    const nb_window *w = &job->of->window;
    return job->of->channels * w->size[NB_DOWN] * w->size[NB_ALONG];
}

/* A group's first channel. */
static char *group_channels(const conv_job *job, const char *copies, int64_t g)
{
    return place(job, copies, g * (job->of->channels / job->of->groups) * job->channel);
}

/* What a band needs, copied to `room`, or where it is. */
static const char *take_copies(const conv_job *job, const nb_band *band, int64_t image, char *room)
{
    const char *from = place(job, job->image, image * image_size(job));
    if (job->direct) return place(job, from, band->start * band->row);
    job->windows->copy(band, from, room);
    return room;
}

/* The maps of a group at the first place of a band. */
static char *group_maps(const conv_job *job, const nb_band *band, int64_t image, int64_t g)
{
    int64_t first = (image * job->of->maps + g * job->maps) * job->places;
    return place(job, job->maps_data, first + band->start * band->window->out[NB_ALONG]);
}

/* The places of a band as the columns of a product: in one stretch where a row of places is as long
 * as one of a set. */
static nb_gathered over_places(const conv_job *job, const nb_band *band)
{
    size_t rows = (size_t)band->count, columns = (size_t)band->window->out[NB_ALONG];
    bool whole = band->row == band->window->out[NB_ALONG];
    return (nb_gathered){.rows = whole ? 1 : rows,
                         .columns = whole ? rows * columns : columns,
                         .a_row = job->a_row,
                         .a_column = job->a_column,
                         .b_row = job->b_row,
                         .c_row = job->c_row};
}

/* B of so many numbers stays in a first-level cache beside a tile's rows of A. */
static bool is_near(const conv_job *job, int64_t numbers, int64_t depth)
{
    return (numbers + TILE_HEIGHT * depth) * (int64_t)job->width <= NEAR_BYTES;
}

/* ---- Forward --------------------------------------------------------------------------------- */

static void convolve_unit(const conv_job *job, int64_t unit, char *room)
{
    int64_t image = unit / job->bands;
    nb_band band = band_of(job, unit % job->bands);
    const char *copies = take_copies(job, &band, image, room);
    nb_gathered product = over_places(job, &band);
    product.m = (size_t)job->maps;
    product.k = (size_t)job->k;
    product.b_step = band.row;
    product.c_step = band.window->out[NB_ALONG];
    product.near = is_near(job, job->of->channels / job->of->groups * job->channel, job->k);
    for (int64_t g = 0; g < job->of->groups; g++) {
        product.a = place(job, job->w, g * job->maps * job->k);
        product.b = group_channels(job, copies, g);
        product.c = group_maps(job, &band, image, g);
        product.start = job->b ? place(job, job->b, g * job->maps) : NULL;
        multiply(job, &product);
    }
    if (!job->runs || job->bands > 1) return;
    int64_t first = image * job->of->maps * job->places;
    nb_runs_forward(job->runs, job->of->dtype, 1, job->of->maps, job->places,
                    place(job, job->maps_data, first), place(job, job->a, first));
}

/* The maps of one image, which lie behind its copies, are pooled while they are near. */
static void pool_image(const conv_job *job, int64_t image, char *room)
{
    conv_job own = *job;
    const nb_pooling *pool = job->pool;
    int64_t count = pool->window.out[NB_DOWN] * pool->window.out[NB_ALONG];
    char *maps = own.maps_data = place(job, room, copies_size(job));
    own.image = place(job, job->image, image * image_size(job));
    own.runs = NULL;
    for (int64_t b = 0; b < job->bands && !interrupted(job); b++) convolve_unit(&own, b, room);
    if (interrupted(job)) return;
    if (job->runs)
        nb_runs_forward(job->runs, job->of->dtype, 1, job->of->maps, job->places, maps, maps);
    for (int64_t i = 0; i < job->of->maps; i++) {
        int64_t at = (image * job->of->maps + i) * count;
        job->windows->max_pool(&pool->window, place(job, maps, i * job->places),
                               place(job, pool->y, at), pool->place + at);
    }
}

static void convolve_piece(void *arg, size_t piece)
{
    const conv_job *job = arg;
    char *room = place(job, job->buffer, (int64_t)piece * job->buffer_size);
    int64_t last = first_unit(job, piece + 1);
    for (int64_t unit = first_unit(job, piece); unit < last && !interrupted(job); unit++)
        (job->pool ? pool_image : convolve_unit)(job, unit, room);
}

static nb_status forward(nb_ctx *ctx, conv_job *job, const void *image, const void *w,
                         const void *b)
{
    if (begin(ctx, job, job->k + 2 * job->maps) != NB_OK) return ctx->status;
    job->b_row = job->patch;
    job->a_column = job->patch + job->k;
    job->a_row = job->a_column + job->k;
    job->c_row = job->a_row + job->maps;
    fill_steps(job->a_column, job->k, 1);
    fill_steps(job->a_row, job->maps, job->k);
    fill_steps(job->c_row, job->maps, job->places);
    job->image = image;
    job->w = w;
    job->b = b;
    nb_status status = run(ctx, job, convolve_piece);
    end(ctx, job);
    return status;
}

nb_status nb_convolve(nb_ctx *ctx, const nb_convolution *of, const void *image, const void *w,
                      const void *b, void *maps, const nb_kernel_runs *runs, void *a)
{
    conv_job job = job_of(of);
    cut_pieces(&job, of->images * job.bands, copies_size(&job));
    job.maps_data = maps;
    job.runs = runs;
    job.a = a;
    nb_status status = forward(ctx, &job, image, w, b);
    if (status == NB_OK && runs && job.bands > 1)
        nb_runs_forward(runs, of->dtype, of->images, of->maps, job.places, maps, a);
    return status;
}

nb_status nb_convolve_pooled(nb_ctx *ctx, const nb_convolution *of, const void *image,
                             const void *w, const void *b, const nb_kernel_runs *runs,
                             const nb_pooling *pool)
{
    conv_job job = job_of(of);
    cut_pieces(&job, of->images, copies_size(&job) + of->maps * job.places);
    job.runs = runs;
    job.pool = pool;
    return forward(ctx, &job, image, w, b);
}

/* ---- Back to the image ----------------------------------------------------------------------- */

/* One image: its bands overlap in it, so they come one after the other. */
static void back_unit(const conv_job *job, int64_t image, char *room)
{
    char *to = place(job, job->out, image * image_size(job));
    for (int64_t b = 0; b < job->bands && !interrupted(job); b++) {
        nb_band band = band_of(job, b);
        nb_gathered product = over_places(job, &band);
        char *copies = job->direct ? place(job, to, band.start * band.row) : room;
        if (!job->direct) memset(room, 0, (size_t)copies_size(job) * job->width);
        product.m = (size_t)job->k;
        product.k = (size_t)job->maps;
        product.b_step = band.window->out[NB_ALONG];
        product.c_step = band.row;
        product.near = is_near(job, job->maps * band.count * product.b_step, job->maps);
        product.adds = true;
        for (int64_t g = 0; g < job->of->groups; g++) {
            product.a = place(job, job->w, g * job->maps * job->k);
            product.b = group_maps(job, &band, image, g);
            product.c = group_channels(job, copies, g);
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

/* The rows of the product, one for each number under a window, channels running fastest: those that
 * meet in the same numbers of the image are added far from one another. */
static void fill_shifts(conv_job *job)
{
    int64_t channels = job->of->channels / job->of->groups, taps = job->k / most(channels, 1);
    for (int64_t i = 0; i < job->k; i++) {
        int64_t from = i % channels * taps + i / channels;
        job->c_row[i] = job->patch[from];
        job->a_row[i] = (ptrdiff_t)(from * job->maps);
    }
}

nb_status nb_convolve_back(nb_ctx *ctx, const nb_convolution *of, const void *maps, const void *w,
                           void *image)
{
    conv_job job = job_of(of);
    cut_pieces(&job, of->images, copies_size(&job));
    if (begin(ctx, &job, 2 * job.k + 2 * job.maps) != NB_OK) return ctx->status;
    char *turned = turned_weights(ctx, &job, w);
    job.a_row = job.patch + job.k;
    job.c_row = job.a_row + job.k;
    job.a_column = job.c_row + job.k;
    job.b_row = job.a_column + job.maps;
    fill_shifts(&job);
    fill_steps(job.a_column, job.maps, 1);
    fill_steps(job.b_row, job.maps, job.places);
    job.w = turned;
    job.maps_data = (char *)(uintptr_t)maps;
    job.out = image;
    nb_status status = turned ? run(ctx, &job, back_piece) : ctx->status;
    nb_free(ctx, turned, (size_t)(of->maps * job.k) * job.width);
    end(ctx, &job);
    return status;
}

/* ---- To the weights -------------------------------------------------------------------------- */

/* Maps of a group as the rows of the sums have them: whole vectors. */
static int64_t padded_maps(const conv_job *job)
{
    return round_up(job->maps, job->windows->lanes);
}

/* Places that a product sums over: a band's, of each image of a group. */
static int64_t deep_places(const conv_job *job)
{
    return job->group * job->band.count * job->of->window.out[NB_ALONG];
}

/* Adds what one band, or a few images, give to a piece's sums, (groups, k, padded maps). */
static void weigh_unit(const conv_job *job, int64_t unit, char *room, char *sums)
{
    nb_band band = band_of(job, unit % job->bands);
    int64_t first = unit / job->bands * job->group, ld = padded_maps(job);
    int64_t count = nb_least_i64(job->group, job->of->images - first);
    int64_t n = band.count * band.window->out[NB_ALONG];
    char *turned = place(job, room, job->group * copies_size(job));
    const char *copies = take_copies(job, &band, first, room);
    for (int64_t i = 1; i < count && !job->direct; i++)
        take_copies(job, &band, first + i, place(job, room, i * copies_size(job)));
    nb_gathered product = {.m = (size_t)job->k, .rows = 1, .columns = (size_t)ld, .adds = true};
    product.k = (size_t)(count * n);
    product.near = is_near(job, count * n * ld, count * n);
    product.a_row = job->a_row;
    product.a_column = job->a_column;
    product.b = turned;
    product.b_row = job->b_row;
    product.c_row = job->c_row;
    for (int64_t g = 0; g < job->of->groups; g++) {
        for (int64_t i = 0; i < count; i++)
            nb_kernels_get()->copy_matrix(job->width, (size_t)n, (size_t)job->maps,
                                          group_maps(job, &band, first + i, g), 1, job->places,
                                          place(job, turned, i * n * ld), ld, 1);
        product.a = group_channels(job, copies, g);
        product.c = place(job, sums, g * job->k * ld);
        multiply(job, &product);
    }
}

static int64_t sums_size(const conv_job *job)
{
    return job->of->groups * job->k * padded_maps(job);
}

static void weigh_piece(void *arg, size_t piece)
{
    const conv_job *job = arg;
    char *room = place(job, job->buffer, (int64_t)piece * job->buffer_size);
    char *sums = place(job, job->out, (int64_t)piece * sums_size(job));
    int64_t last = first_unit(job, piece + 1), copies = job->group * copies_size(job);
    memset(sums, 0, (size_t)sums_size(job) * job->width);
    memset(place(job, room, copies), 0, (size_t)(job->buffer_size - copies) * job->width);
    for (int64_t unit = first_unit(job, piece); unit < last && !interrupted(job); unit++)
        weigh_unit(job, unit, room, sums);
}

/* The pieces' sums, added in order, into dw. */
static void add_sums(const conv_job *job, void *dw)
{
    int64_t count = sums_size(job), ld = padded_maps(job);
    for (int64_t piece = 1; piece < job->pieces; piece++)
        job->real->axpy((size_t)count, 1, place(job, job->out, piece * count), job->out);
    for (int64_t g = 0; g < job->of->groups; g++)
        nb_kernels_get()->copy_matrix(job->width, (size_t)job->maps, (size_t)job->k,
                                      place(job, job->out, g * job->k * ld), 1, ld,
                                      place(job, dw, g * job->maps * job->k), job->k, 1);
}

/* Where the places of a group of images stand in their bands. */
static void fill_places(conv_job *job)
{
    int64_t columns = job->of->window.out[NB_ALONG], n = job->band.count * columns;
    int64_t image = job->direct ? image_size(job) : copies_size(job);
    for (int64_t p = 0; p < deep_places(job); p++) {
        int64_t at = p % n;
        job->a_column[p] = (ptrdiff_t)(p / n * image + at / columns * job->band.row + at % columns);
    }
}

nb_status nb_convolve_weights(nb_ctx *ctx, const nb_convolution *of, const void *image,
                              const void *maps, void *dw)
{
    conv_job job = job_of(of);
    if (job.bands == 1) job.group = most(DEEP_PLACES / most(job.places, 1), 1);
    int64_t depth = deep_places(&job), units = (of->images + job.group - 1) / job.group * job.bands;
    cut_pieces(&job, units, job.group * copies_size(&job) + depth * padded_maps(&job));
    size_t bytes = (size_t)job.pieces * (size_t)sums_size(&job) * job.width;
    job.out = nb_alloc(ctx, bytes);
    if (!job.out) return ctx->status;
    nb_status status = begin(ctx, &job, 2 * depth + job.k);
    if (status == NB_OK) {
        job.a_row = job.patch;
        job.a_column = job.patch + job.k;
        job.b_row = job.a_column + depth;
        job.c_row = job.b_row + depth;
        fill_places(&job);
        fill_steps(job.b_row, depth, padded_maps(&job));
        fill_steps(job.c_row, job.k, padded_maps(&job));
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
