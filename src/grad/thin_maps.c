/* Convolutions backward from maps that are mostly zeros (see thin_maps.h): rows of what stands
 * under windows (kernel/window.h), added up by the kernels for thin rows. A piece of work has
 * buffers of its own and no context. */
#include "grad/thin_maps.h"

#include "base/arith.h"
#include "base/memory.h"
#include "base/workers.h"
#include "kernel/kernel.h"
#include "kernel/thin.h"

#include <string.h>

/* Multiplications of all numbers that are worth a piece of work, and pieces at most. */
#define PIECE_WORTH 0x1p23
enum {
    PIECES_MAX = 64,
    BAND_BYTES = 1 << 18,    /* of rows under windows: they stay in a second-level cache */
    BUFFERS_BYTES = 1 << 28, /* of all pieces: beyond, there are fewer pieces */
    SAMPLES = 64,            /* maps that are looked at */
    STRIDE = 7919,           /* from one to the next, a prime: examples and channels take turns */
    THIN = 3,                /* one number in so many is none */
    MAPS_LEAST = 4           /* of a group */
};

/* What a piece works in. */
typedef struct room {
    char *plane, *turned, *rows; /* channels last; channels first; what stands under windows */
    nb_thin maps, places;        /* the non-zeros by map, and by place */
} room;

typedef struct thin_job {
    const nb_convolution *of;
    const nb_windows *windows;
    const nb_kernels *kernels;
    size_t width;
    int64_t channels, maps; /* of a group */
    int64_t taps, k, ld;    /* under a window: of a channel, of all, and whole vectors */
    int64_t run;            /* of k, what is one stretch on the plane */
    int64_t places;         /* of a map */
    nb_patches band;        /* the first, whole */
    int64_t bands, depth;   /* of an image, and rows of a band's plane */
    int64_t units, pieces;
    const char *image, *w;
    nb_maps given;
    char *out, *buffer;
    size_t buffer_bytes; /* of a piece */
    size_t sums_bytes;   /* likewise */
    const volatile sig_atomic_t *interrupt;
} thin_job;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- Whether --------------------------------------------------------------------------------- */

static int64_t places_of(const nb_window *w)
{
    return w->out[NB_DOWN] * w->out[NB_ALONG];
}

bool nb_maps_are_thin(const nb_convolution *of, nb_maps maps)
{
    int64_t places = places_of(&of->window), numbers = maps.place ? places_of(maps.pool) : places;
    int64_t planes = of->images * of->maps, looks = nb_least_i64(planes, SAMPLES);
    size_t bytes = (size_t)numbers * nb_dtype_size(of->dtype), found = 0;
    if (of->maps / of->groups < MAPS_LEAST) return false;
    for (int64_t i = 0; i < looks; i++)
        found += nb_real(of->dtype)->count_nonzero(
            (size_t)numbers, (const char *)maps.data + (size_t)(i * STRIDE % planes) * bytes);
    return looks && found * THIN <= (size_t)(looks * places);
}

/* ---- How it lies ----------------------------------------------------------------------------- */

/* Rows of whole vectors, an odd number of them: so they lie in all sets of the caches. */
static int64_t row_size(int64_t k, int64_t lanes)
{
    return ((k + lanes - 1) / lanes | 1) * lanes;
}

static thin_job job_of(const nb_convolution *of)
{
    const nb_window *w = &of->window;
    thin_job job = {.of = of,
                    .kernels = nb_kernels_get(),
                    .windows = nb_kernels_get()->windows[of->dtype],
                    .width = nb_dtype_size(of->dtype),
                    .channels = of->channels / of->groups,
                    .maps = of->maps / of->groups,
                    .taps = w->kernel[NB_DOWN] * w->kernel[NB_ALONG],
                    .places = places_of(w)};
    job.k = job.channels * job.taps;
    job.run = job.channels * (w->dilation[NB_ALONG] == 1 ? w->kernel[NB_ALONG] : 1);
    job.ld = row_size(job.k, job.windows->lanes);
    int64_t row = most(w->out[NB_ALONG] * job.ld * (int64_t)job.width, 1);
    int64_t reach = nb_window_reach(w->kernel[NB_DOWN], w->dilation[NB_DOWN]);
    job.band = (nb_patches){.window = w, .channels = job.channels, .ld = job.ld};
    job.band.count = most(nb_least_i64(BAND_BYTES / row, w->out[NB_DOWN]), 1);
    job.band.columns = (w->out[NB_ALONG] - 1) * w->stride[NB_ALONG] +
                       nb_window_reach(w->kernel[NB_ALONG], w->dilation[NB_ALONG]);
    job.bands = (w->out[NB_DOWN] + job.band.count - 1) / job.band.count;
    job.depth = (job.band.count - 1) * w->stride[NB_DOWN] + reach;
    job.sums_bytes = (size_t)(of->maps * job.ld) * job.width;
    return job;
}

/* Buffers that lie one behind the other, or only their size. */
typedef struct cursor {
    char *base;
    size_t at;
} cursor;

static void *take(cursor *from, size_t bytes)
{
    char *taken = from->base ? from->base + from->at : NULL;
    from->at += (bytes + NB_ALIGN - 1) / NB_ALIGN * NB_ALIGN;
    return taken;
}

static nb_thin take_list(const thin_job *job, cursor *at, int64_t rows, int64_t columns)
{
    size_t count = (size_t)(rows * columns) + NB_FIND_SPARE;
    nb_thin list = {.dtype = job->of->dtype, .rows = rows, .columns = columns};
    list.start = take(at, (size_t)(rows + 2) * sizeof *list.start);
    list.index = take(at, count * sizeof *list.index);
    list.value = take(at, count * job->width);
    return list;
}

static room take_room(const thin_job *job, cursor *at)
{
    int64_t plane = job->depth * job->band.columns * job->channels + NB_PATCHES_SPARE;
    int64_t places = job->band.count * job->of->window.out[NB_ALONG];
    room r = {.plane = take(at, (size_t)plane * job->width)};
    r.turned = take(at, (size_t)plane * job->width);
    r.rows = take(at, (size_t)(places * job->ld + NB_PATCHES_SPARE) * job->width);
    r.maps = take_list(job, at, job->maps, places);
    r.places = take_list(job, at, places, job->maps);
    return r;
}

/* Cuts the work by the sizes alone, and takes buffers for all pieces with `bytes` more for each. */
static nb_status begin(nb_ctx *ctx, thin_job *job, int64_t units, size_t bytes)
{
    cursor none = {.at = 0};
    double count = (double)job->of->images * (double)job->places * (double)job->of->maps;
    double worth = count * (double)job->k / PIECE_WORTH;
    take_room(job, &none);
    job->buffer_bytes = none.at;
    int64_t fit = BUFFERS_BYTES / (int64_t)(job->buffer_bytes + bytes);
    job->units = units;
    job->pieces = worth < PIECES_MAX ? (int64_t)worth : PIECES_MAX;
    job->pieces = most(nb_least_i64(nb_least_i64(job->pieces, units), fit), 1);
    job->buffer = nb_alloc(ctx, (size_t)job->pieces * job->buffer_bytes);
    return job->buffer ? NB_OK : ctx->status;
}

static void end(nb_ctx *ctx, thin_job *job)
{
    nb_free(ctx, job->buffer, (size_t)job->pieces * job->buffer_bytes);
}

static nb_status run(nb_ctx *ctx, thin_job *job, nb_piece *piece)
{
    job->interrupt = ctx->interrupt;
    nb_parallel(ctx, (size_t)job->pieces, piece, job);
    return nb_poll(ctx);
}

/* ---- What pieces do -------------------------------------------------------------------------- */

static bool interrupted(const thin_job *job)
{
    return job->interrupt && *job->interrupt;
}

static int64_t first_unit(const thin_job *job, size_t piece)
{
    return (int64_t)piece * job->units / job->pieces;
}

static room room_of(const thin_job *job, size_t piece)
{
    cursor at = {.base = job->buffer + piece * job->buffer_bytes};
    return take_room(job, &at);
}

static char *place(const thin_job *job, const void *data, int64_t index)
{
    return (char *)(uintptr_t)data + index * (int64_t)job->width;
}

static nb_patches band_of(const thin_job *job, int64_t b)
{
    nb_patches band = job->band;
    band.start = b * band.count;
    band.count = nb_least_i64(band.window->out[NB_DOWN] - band.start, band.count);
    return band;
}

/* What of an image lies on a band's plane: rows from `row` on and columns, and where on it. */
typedef struct part {
    int64_t row, rows, columns, down, along;
    bool all; /* the plane holds nothing else */
} part;

static part part_of(const nb_patches *band)
{
    const nb_window *w = band->window;
    int64_t first = band->start * w->stride[NB_DOWN] - w->low[NB_DOWN];
    int64_t reach = nb_window_reach(w->kernel[NB_DOWN], w->dilation[NB_DOWN]);
    int64_t depth = (band->count - 1) * w->stride[NB_DOWN] + reach, end = first + depth;
    part p = {.row = most(first, 0), .along = w->low[NB_ALONG]};
    p.rows = most(nb_least_i64(end, w->size[NB_DOWN]) - p.row, 0);
    p.down = p.row - first;
    p.columns = most(nb_least_i64(w->size[NB_ALONG], band->columns - p.along), 0);
    p.all = p.rows == depth && p.columns == band->columns;
    return p;
}

/* Between channels first and last, each a part of a row or of several at once. */
static void turn(const thin_job *job, int64_t n, const char *first, int64_t step, char *last)
{
    job->kernels->copy_matrix(job->width, (size_t)job->channels, (size_t)n, first, step, 1, last, 1,
                              job->channels);
}

/* The channels of a group of an image, from `row` on. */
static char *channels_of(const thin_job *job, const char *images, int64_t image, int64_t g,
                         int64_t row)
{
    const nb_window *w = &job->of->window;
    int64_t channel = image * job->of->channels + g * job->channels;
    return place(job, images, (channel * w->size[NB_DOWN] + row) * w->size[NB_ALONG]);
}

static void take_plane(const thin_job *job, const nb_patches *band, int64_t image, int64_t g,
                       char *plane)
{
    part p = part_of(band);
    int64_t size = job->of->window.size[NB_ALONG], step = size * job->of->window.size[NB_DOWN];
    const char *from = channels_of(job, job->image, image, g, p.row);
    if (p.all && p.columns == size) {
        turn(job, p.rows * size, from, step, plane);
        return;
    }
    if (!p.all) memset(plane, 0, (size_t)(job->depth * band->columns * job->channels) * job->width);
    for (int64_t r = 0; r < p.rows; r++) {
        int64_t at = ((p.down + r) * band->columns + p.along) * job->channels;
        turn(job, p.columns, place(job, from, r * size), step, place(job, plane, at));
    }
}

/* Adds a plane to the image, through `turned`. */
static void give_plane(const thin_job *job, const nb_patches *band, const room *r, int64_t image,
                       int64_t g)
{
    part p = part_of(band);
    const nb_real_kernels *real = nb_real(job->of->dtype);
    int64_t size = job->of->window.size[NB_ALONG], step = size * job->of->window.size[NB_DOWN];
    int64_t n = job->depth * band->columns, rows = p.rows, columns = p.columns;
    char *to = channels_of(job, job->out, image, g, p.row);
    job->kernels->copy_matrix(job->width, (size_t)job->channels, (size_t)n, r->plane, 1,
                              job->channels, r->turned, n, 1);
    if (p.all && columns == size) columns *= rows, rows = 1;
    for (int64_t c = 0; c < job->channels; c++) {
        const char *from = place(job, r->turned, c * n + p.down * band->columns + p.along);
        for (int64_t i = 0; i < rows; i++)
            real->axpy((size_t)columns, 1, place(job, from, i * band->columns),
                       place(job, to, c * step + i * size));
    }
}

/* The non-zeros of a group's maps in a band. */
static void find(const thin_job *job, const nb_patches *band, int64_t image, int64_t g,
                 nb_thin *maps)
{
    const nb_maps *given = &job->given;
    int64_t start = band->start * band->window->out[NB_ALONG], first = image * job->of->maps;
    int64_t numbers = given->place ? places_of(given->pool) : job->places;
    size_t found = 0;
    maps->columns = band->count * band->window->out[NB_ALONG];
    first = (first + g * job->maps) * numbers;
    for (int64_t i = 0; i < job->maps; i++, first += numbers) {
        int32_t *to = maps->index + found;
        char *value = place(job, maps->value, (int64_t)found);
        maps->start[i] = (int32_t)found;
        if (given->place)
            found += job->windows->find_pooled(given->pool, place(job, given->data, first),
                                               given->place + first, (int32_t)start,
                                               (int32_t)(start + maps->columns), to, value);
        else
            found += job->windows->find((size_t)maps->columns,
                                        place(job, given->data, first + start), to, value);
    }
    maps->start[job->maps] = (int32_t)found;
}

/* z = x m, or z += x m, rows of whole vectors. */
static void multiply(const thin_job *job, const nb_thin *x, const char *m, bool adds, char *z)
{
    const nb_thin_kernels *thin = job->kernels->thin[job->of->dtype];
    int64_t lanes = job->windows->lanes;
    thin->forward(x, (size_t)((job->k + lanes - 1) / lanes * lanes), m, (size_t)job->ld, true, adds,
                  z, (size_t)job->ld);
}

/* ---- Back to the image ----------------------------------------------------------------------- */

static void back_band(const thin_job *job, const nb_patches *band, int64_t image, room *r)
{
    int64_t places = band->count * band->window->out[NB_ALONG];
    for (int64_t g = 0; g < job->of->groups; g++) {
        find(job, band, image, g, &r->maps);
        job->kernels->thin[job->of->dtype]->turn(&r->maps, &r->places);
        r->places.rows = places;
        multiply(job, &r->places, place(job, job->w, g * job->maps * job->ld), false, r->rows);
        memset(r->plane, 0, (size_t)(job->depth * band->columns * job->channels) * job->width);
        job->windows->spread_patches(band, r->rows, r->plane);
        give_plane(job, band, r, image, g);
    }
}

/* Images one by one: bands overlap in them. */
static void back_piece(void *arg, size_t piece)
{
    const thin_job *job = arg;
    room r = room_of(job, piece);
    int64_t last = first_unit(job, piece + 1);
    for (int64_t image = first_unit(job, piece); image < last; image++) {
        for (int64_t b = 0; b < job->bands && !interrupted(job); b++) {
            nb_patches band = band_of(job, b);
            back_band(job, &band, image, &r);
        }
    }
}

/* w as rows, whose channels run fastest. */
static void turn_weights(const thin_job *job, const char *w, char *rows)
{
    memset(rows, 0, job->sums_bytes);
    for (int64_t i = 0; i < job->of->maps; i++)
        turn(job, job->taps, place(job, w, i * job->k), job->taps, place(job, rows, i * job->ld));
}

nb_status nb_thin_maps_back(nb_ctx *ctx, const nb_convolution *of, nb_maps maps, const void *w,
                            void *image)
{
    thin_job job = job_of(of);
    char *rows = nb_alloc(ctx, job.sums_bytes);
    if (!rows) return ctx->status;
    nb_status status = begin(ctx, &job, of->images, 0);
    if (status == NB_OK) {
        turn_weights(&job, w, rows);
        job.w = rows;
        job.given = maps;
        job.out = image;
        status = run(ctx, &job, back_piece);
        end(ctx, &job);
    }
    nb_free(ctx, rows, job.sums_bytes);
    return status;
}

/* ---- To the weights -------------------------------------------------------------------------- */

/* What stands under windows in one stretch on the plane is read from there; places become where the
 * windows begin. */
static void weigh_runs(const thin_job *job, const nb_patches *band, room *r, bool adds, char *sums)
{
    const nb_thin_kernels *thin = job->kernels->thin[job->of->dtype];
    const nb_window *w = &job->of->window;
    int64_t row = band->columns * job->channels, runs = job->k / job->run / w->kernel[NB_DOWN];
    int64_t columns = w->out[NB_ALONG];
    for (int64_t i = 0; i < r->maps.start[job->maps]; i++) {
        int64_t at = r->maps.index[i], down = at / columns * w->stride[NB_DOWN] * row;
        int64_t along = at % columns * w->stride[NB_ALONG] * job->channels;
        r->maps.index[i] = (int32_t)(down + along);
    }
    for (int64_t i = 0; i < job->k / job->run; i++) {
        int64_t at = i / runs * w->dilation[NB_DOWN] * row +
                     i % runs * w->dilation[NB_ALONG] * job->channels;
        thin->forward(&r->maps, (size_t)job->run, place(job, r->plane, at), 1, false, adds,
                      place(job, sums, i * job->run), (size_t)job->ld);
    }
}

static bool reads_runs(const thin_job *job)
{
    return job->run >= job->windows->stretch;
}

static void weigh_band(const thin_job *job, const nb_patches *band, int64_t image, room *r,
                       bool adds, char *sums)
{
    for (int64_t g = 0; g < job->of->groups; g++) {
        char *to = place(job, sums, g * job->maps * job->ld);
        find(job, band, image, g, &r->maps);
        take_plane(job, band, image, g, r->plane);
        if (reads_runs(job)) {
            weigh_runs(job, band, r, adds, to);
        } else {
            job->windows->patches(band, r->plane, r->rows);
            multiply(job, &r->maps, r->rows, adds, to);
        }
    }
}

static void weigh_piece(void *arg, size_t piece)
{
    const thin_job *job = arg;
    room r = room_of(job, piece);
    char *sums = job->out + piece * job->sums_bytes;
    int64_t first = first_unit(job, piece), last = first_unit(job, piece + 1);
    size_t rows = (size_t)(job->band.count * job->of->window.out[NB_ALONG]);
    if (!reads_runs(job)) memset(r.rows, 0, rows * (size_t)job->ld * job->width);
    for (int64_t unit = first; unit < last && !interrupted(job); unit++) {
        nb_patches band = band_of(job, unit % job->bands);
        weigh_band(job, &band, unit / job->bands, &r, unit > first, sums);
    }
}

/* The pieces' sums, added in order, into dw. */
static void add_sums(const thin_job *job, void *dw)
{
    int64_t count = job->of->maps * job->ld;
    for (int64_t piece = 1; piece < job->pieces; piece++)
        nb_real(job->of->dtype)
            ->axpy((size_t)count, 1, place(job, job->out, piece * count), job->out);
    for (int64_t i = 0; i < job->of->maps; i++)
        job->kernels->copy_matrix(job->width, (size_t)job->channels, (size_t)job->taps,
                                  place(job, job->out, i * job->ld), 1, job->channels,
                                  place(job, dw, i * job->k), job->taps, 1);
}

nb_status nb_thin_maps_weights(nb_ctx *ctx, const nb_convolution *of, const void *image,
                               nb_maps maps, void *dw)
{
    thin_job job = job_of(of);
    nb_status status = begin(ctx, &job, of->images * job.bands, job.sums_bytes);
    if (status != NB_OK) return status;
    size_t bytes = (size_t)job.pieces * job.sums_bytes;
    job.out = nb_alloc(ctx, bytes);
    if (job.out) {
        job.image = image;
        job.given = maps;
        status = run(ctx, &job, weigh_piece);
        if (status == NB_OK) add_sums(&job, dw);
        nb_free(ctx, job.out, bytes);
    }
    end(ctx, &job);
    return job.out ? status : ctx->status;
}
