/* See images.h. */
#include "io/image/images.h"

#include "io/image/image.h"
#include "io/image/resample.h"

#include <inttypes.h>
#include <string.h>

struct nb_image_reader {
    nb_ctx *ctx;
    nb_images_options options;
    nb_image_folder folder;
    const char *first;     /* the first file */
    int64_t rows, columns; /* of the first file */
    int channels;          /* of all */
    int64_t to[2];         /* rows and columns that all get */
    int64_t done;          /* files of both passes */
    const char *at;        /* the file that comes next */
    nb_resample resample;  /* from the size that was met last */
    int64_t from[2];       /* which is this; 0: none yet */
};

typedef nb_image_reader reader;

static nb_status open_image(nb_ctx *ctx, const char *path, nb_image *image)
{
    nb_status status = nb_image_open(ctx, path, image);
    if (status == NB_EIO && nb_is_folder(path))
        return nb_fail(ctx, NB_EIO,
                       "%s is a folder within the folder of a class, which holds images alone",
                       path);
    return status;
}

/* The path of the next file, which the reader goes past. */
static const char *next_path(reader *r)
{
    const char *path = r->at;
    r->at += strlen(path) + 1;
    return path;
}

/* One more file was read. */
static nb_status count_file(reader *r)
{
    nb_tell(r->ctx, "reading", ++r->done, 2 * r->folder.count);
    return nb_poll(r->ctx);
}

/* ---- Headers ---- */

static nb_status compare_sizes(reader *r, const char *path, const nb_image *image)
{
    if (!r->first) {
        r->first = path;
        r->rows = image->rows;
        r->columns = image->columns;
    }
    if (r->options.rows || (image->rows == r->rows && image->columns == r->columns)) return NB_OK;
    return nb_fail(r->ctx, NB_ESHAPE,
                   "%s is %" PRId64 "x%" PRId64 " (rows x columns) and %s is %" PRId64 "x%" PRId64
                   "; size = {%" PRId64 ", %" PRId64 "} brings all to one size",
                   r->first, r->rows, r->columns, path, image->rows, image->columns, r->rows,
                   r->columns);
}

static nb_status look_at(reader *r, const char *path)
{
    nb_image image;
    nb_status status = open_image(r->ctx, path, &image);
    if (status) return status;
    status = compare_sizes(r, path, &image);
    if (image.colour && !r->options.grey) r->channels = 3;
    nb_image_close(&image);
    return status;
}

static nb_status look_at_all(reader *r)
{
    nb_status status = nb_poll(r->ctx);
    r->at = nb_text_get(&r->folder.paths);
    for (int64_t i = 0; i < r->folder.count && !status; i++) {
        status = look_at(r, next_path(r));
        if (!status) status = count_file(r);
    }
    r->at = nb_text_get(&r->folder.paths);
    return status;
}

/* ---- Pixels ---- */

static size_t image_bytes(const reader *r)
{
    return (size_t)r->channels * (size_t)r->to[0] * (size_t)r->to[1];
}

/* What stands between a file's rows and where they go. */
typedef struct row_buffer {
    uint8_t *pixels, *split; /* a row as it is read, and its channels */
    size_t pixel_bytes, split_bytes;
} row_buffer;

static nb_status read_row(const reader *r, nb_image *image, int64_t row, const row_buffer *b)
{
    nb_status status = nb_image_row(image, b->pixels);
    return status ? status
                  : nb_pixels_split(image, row, b->pixels, r->channels, r->options.background,
                                    b->split);
}

static nb_status copy_rows(const reader *r, nb_image *image, const row_buffer *b, uint8_t *to)
{
    size_t columns = (size_t)image->columns, plane = (size_t)image->rows * columns;
    for (int64_t i = 0; i < image->rows; i++, to += columns) {
        nb_status status = read_row(r, image, i, b);
        if (status) return status;
        for (size_t c = 0; c < (size_t)r->channels; c++)
            memcpy(to + c * plane, b->split + c * columns, columns);
    }
    return NB_OK;
}

static nb_status prepare(reader *r, const nb_image *image)
{
    if (r->from[0] != image->rows || r->from[1] != image->columns) {
        if (r->from[0]) nb_resample_free(&r->resample);
        r->from[0] = image->rows;
        r->from[1] = image->columns;
        nb_status status = nb_resample_init(r->ctx, &r->resample, r->channels, r->from, r->to);
        if (status) return status;
    }
    nb_resample_begin(&r->resample);
    return NB_OK;
}

static nb_status resample_rows(reader *r, nb_image *image, const row_buffer *b, uint8_t *to)
{
    nb_status status = prepare(r, image);
    for (int64_t i = 0; i < image->rows && !status; i++) {
        status = read_row(r, image, i, b);
        if (!status) nb_resample_add(&r->resample, b->split);
    }
    if (!status) nb_resample_take(&r->resample, to);
    return status;
}

static nb_status read_rows(reader *r, nb_image *image, uint8_t *to)
{
    row_buffer b = {.pixel_bytes = (size_t)image->columns * (size_t)image->samples,
                    .split_bytes = (size_t)image->columns * (size_t)r->channels};
    bool same = image->rows == r->to[0] && image->columns == r->to[1];
    b.pixels = nb_alloc(r->ctx, b.pixel_bytes);
    b.split = nb_alloc(r->ctx, b.split_bytes);
    nb_status status = b.pixels && b.split ? NB_OK : NB_EMEMORY;
    if (!status) status = same ? copy_rows(r, image, &b, to) : resample_rows(r, image, &b, to);
    nb_free(r->ctx, b.pixels, b.pixel_bytes);
    nb_free(r->ctx, b.split, b.split_bytes);
    return status ? status : nb_image_end(image);
}

static nb_status read_pixels(reader *r, const char *path, uint8_t *to)
{
    nb_image image;
    nb_status status = open_image(r->ctx, path, &image);
    if (status) return status;
    bool same = r->options.rows || (image.rows == r->rows && image.columns == r->columns);
    if (!same || (image.colour && r->channels == 1 && !r->options.grey))
        status = nb_fail(r->ctx, NB_EFORMAT, "%s has changed while the folder was read", path);
    if (!status) status = read_rows(r, &image, to);
    nb_image_close(&image);
    return status;
}

nb_status nb_images_next(nb_images *images, void *into, int64_t n)
{
    reader *r = images->reader;
    uint8_t *to = into;
    nb_status status = NB_OK;
    for (int64_t i = 0; i < n && !status; i++, to += image_bytes(r)) {
        status = read_pixels(r, next_path(r), to);
        if (!status) status = count_file(r);
    }
    return status;
}

/* ---- All of it ---- */

static void write_classes(const nb_image_folder *folder, const nb_images *to)
{
    int32_t *y = nb_tensor_data(to->y);
    int32_t *test = to->test_y ? nb_tensor_data(to->test_y) : NULL;
    for (size_t i = 0; i < folder->groups; i++) {
        const nb_image_group *group = &folder->group[i];
        int32_t **at = group->part == NB_IMAGE_TEST ? &test : &y;
        for (int64_t k = 0; k < group->count; k++) *(*at)++ = group->class;
    }
}

static nb_status describe(reader *r, nb_images *to)
{
    const int64_t *count = r->folder.part_count;
    bool given = r->options.rows;
    to->channels = r->channels;
    to->rows = r->to[0] = given ? r->options.rows : r->rows;
    to->columns = r->to[1] = given ? r->options.columns : r->columns;
    to->parted = r->folder.parted;
    to->classes = nb_names_retain(r->folder.classes);
    to->train = count[NB_IMAGE_TRAIN];
    to->valid = count[NB_IMAGE_VALID];
    to->test = count[NB_IMAGE_TEST];
    int64_t learned = to->train + to->valid;
    to->y = nb_tensor_new(r->ctx, NB_I32, 1, &learned);
    if (to->y && to->test) to->test_y = nb_tensor_new(r->ctx, NB_I32, 1, &to->test);
    if (!to->y || (to->test && !to->test_y)) return r->ctx->status;
    write_classes(&r->folder, to);
    return NB_OK;
}

static void close_reader(nb_ctx *ctx, reader *r)
{
    if (!r) return;
    if (r->from[0]) nb_resample_free(&r->resample);
    nb_image_folder_free(&r->folder);
    nb_free(ctx, r, sizeof *r);
}

nb_status nb_images_open(nb_ctx *ctx, const char *path, const nb_images_options *options,
                         nb_images *images)
{
    *images = (nb_images){.y = NULL};
    reader *r = images->reader = nb_alloc_zero(ctx, 1, sizeof *r);
    if (!r) return ctx->status;
    *r = (reader){.ctx = ctx, .options = *options, .channels = 1};
    nb_status status = nb_image_folder_list(ctx, path, &r->folder);
    if (!status) status = look_at_all(r);
    if (!status) status = describe(r, images);
    if (status) nb_images_free(ctx, images);
    return status;
}

void nb_images_free(nb_ctx *ctx, nb_images *images)
{
    close_reader(ctx, images->reader);
    nb_names_release(ctx, images->classes);
    nb_tensor_release(ctx, images->y);
    nb_tensor_release(ctx, images->test_y);
    *images = (nb_images){.y = NULL};
}
