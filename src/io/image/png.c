/* Reading PNG. The one file that knows libpng, whose errors jump: every call that may do so runs
 * under `guard`, which turns the jump into a status. */
#include "io/image/png.h"

#include "base/arith.h"
#include "base/carried.h"

#include <inttypes.h>
#include <png.h>
#include <string.h>

enum {
    SIGNATURE = 8,
    DEFLATE_MOST = 1032, /* what a byte of a file unpacks to at most */
    OPAQUE = 255
};

typedef struct decoder {
    nb_image *image;
    png_structp png;
    png_infop info;
    nb_status status;   /* why libpng was left */
    bool memory_ended;  /* libpng may go on where it is refused, with less */
    png_colorp palette; /* of libpng; NULL: pixels are no indices */
    png_bytep alpha;    /* of the first `alphas` colours, the others are opaque */
    int colours, alphas;
    size_t row_bytes; /* as libpng gives them: a byte an index, or all samples */
    uint8_t *pixels;  /* where the row under way goes */
    int64_t next;     /* row that is asked for */
    int passes;       /* more than 1: interlaced */
    uint8_t *whole;   /* all rows, once an interlaced image is read; else NULL */
    size_t whole_bytes;
} decoder;

static bool begins(const uint8_t *head, size_t bytes)
{
    return bytes >= SIGNATURE && png_sig_cmp(head, 0, SIGNATURE) == 0;
}

/* ---- What libpng calls ---- */

static png_voidp take(png_structp png, png_alloc_size_t bytes)
{
    decoder *d = png_get_mem_ptr(png);
    void *block = nb_alloc_carried(d->image->ctx, bytes);
    if (!block) d->memory_ended = true;
    return block;
}

static void give_back(png_structp png, png_voidp block)
{
    decoder *d = png_get_mem_ptr(png);
    nb_free_carried(d->image->ctx, block);
}

/* The first reason stands: what libpng says of a read that failed tells less. */
static void fail(png_structp png, png_const_charp reason)
{
    decoder *d = png_get_error_ptr(png);
    if (d->memory_ended) d->status = NB_EMEMORY;
    if (d->status == NB_OK)
        d->status = nb_source_refuse(d->image->source, "is damaged: %s", reason);
    png_longjmp(png, 1);
}

static void pass_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void read_data(png_structp png, png_bytep into, size_t bytes)
{
    decoder *d = png_get_io_ptr(png);
    size_t got;
    d->status = nb_source_read_some(d->image->source, into, bytes, &got);
    if (d->status == NB_OK && got < bytes)
        d->status = nb_source_refuse(d->image->source, "is cut short");
    if (d->status != NB_OK) png_error(png, "no data");
}

/* ---- Steps that may jump ---- */

/* Nothing of the step's own is looked at after a jump. */
static nb_status guard(decoder *d, void (*step)(decoder *d))
{
    if (!setjmp(png_jmpbuf(d->png))) step(d);
    return d->memory_ended ? NB_EMEMORY : d->status;
}

static void read_head(decoder *d)
{
    png_set_read_fn(d->png, d, read_data);
    png_set_user_limits(d->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(d->png, d->info);
    d->image->rows = png_get_image_height(d->png, d->info);
    d->image->columns = png_get_image_width(d->png, d->info);
}

/* A palette of greys is grey. */
static bool has_colour(const decoder *d)
{
    for (int i = 0; i < d->colours; i++) {
        const png_color *c = &d->palette[i];
        if (c->red != c->green || c->red != c->blue) return true;
    }
    return false;
}

/* libpng itself would take an index beyond the palette for black. */
static void ask_for_indices(decoder *d)
{
    png_get_PLTE(d->png, d->info, &d->palette, &d->colours);
    png_get_tRNS(d->png, d->info, &d->alpha, &d->alphas, NULL);
    d->image->colour = has_colour(d);
    d->image->samples = d->alphas ? 4 : 3;
    png_set_packing(d->png);
}

static void ask_for_bytes(decoder *d)
{
    int kind = png_get_color_type(d->png, d->info);
    d->image->colour = kind & PNG_COLOR_MASK_COLOR;
    d->passes = png_set_interlace_handling(d->png);
    if (kind == PNG_COLOR_TYPE_PALETTE) {
        ask_for_indices(d);
    } else {
        png_set_expand(d->png);
        png_set_scale_16(d->png);
    }
    png_read_update_info(d->png, d->info);
    if (kind != PNG_COLOR_TYPE_PALETTE) d->image->samples = png_get_channels(d->png, d->info);
    d->row_bytes = png_get_rowbytes(d->png, d->info);
}

static void read_row(decoder *d)
{
    png_read_row(d->png, d->pixels, NULL);
}

static void read_end(decoder *d)
{
    png_read_end(d->png, NULL);
}

/* ---- The format ---- */

static void close_png(nb_image *image)
{
    decoder *d = image->state;
    if (!d) return;
    if (d->png) png_destroy_read_struct(&d->png, &d->info, NULL);
    nb_free(image->ctx, d->whole, d->whole_bytes);
    nb_free(image->ctx, d, sizeof *d);
    image->state = NULL;
}

static nb_status make_structs(decoder *d)
{
    d->png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, fail, pass_warning, d, take, give_back);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (d->info) return NB_OK;
    return d->memory_ended ? NB_EMEMORY
                           : nb_fail(d->image->ctx, NB_EIO,
                                     "this libpng (%s) is not one that nabla was built for (%s)",
                                     png_get_libpng_ver(NULL), PNG_LIBPNG_VER_STRING);
}

/* Every row takes its bytes and one more, packed. (Of sizes that are refused anyway the product may
 * not fit.) */
static nb_status check_size(const decoder *d)
{
    uint64_t row = png_get_rowbytes(d->png, d->info) + 1;
    uint64_t least = row * nb_least_size((uint64_t)d->image->rows, NB_IMAGE_MOST) / DEFLATE_MOST;
    return nb_image_check(d->image, least, nb_source_most(d->image->source));
}

static nb_status begin(decoder *d)
{
    nb_status status = make_structs(d);
    if (!status) status = guard(d, read_head);
    if (!status) status = check_size(d);
    return status ? status : guard(d, ask_for_bytes);
}

static nb_status open_png(nb_image *image)
{
    decoder *d = nb_alloc_zero(image->ctx, 1, sizeof *d);
    if (!d) return NB_EMEMORY;
    d->image = image;
    image->state = d;
    nb_status status = begin(d);
    if (status) close_png(image);
    return status;
}

/* All passes, each of which adds pixels to all rows. */
static nb_status read_passes(decoder *d)
{
    nb_ctx *ctx = d->image->ctx;
    d->whole_bytes = d->row_bytes * (size_t)d->image->rows;
    d->whole = nb_alloc_zero(ctx, d->whole_bytes, 1);
    nb_status status = d->whole ? NB_OK : NB_EMEMORY;
    for (int64_t i = 0; !status && i < d->passes * d->image->rows; i++) {
        d->pixels = d->whole + (size_t)(i % d->image->rows) * d->row_bytes;
        status = nb_poll(ctx);
        if (!status) status = guard(d, read_row);
    }
    return status;
}

/* Indices become their colours in place, from the row's end. */
static nb_status look_up(const decoder *d, uint8_t *pixels)
{
    int samples = d->image->samples;
    for (int64_t i = d->image->columns - 1; i >= 0; i--) {
        int index = pixels[i];
        uint8_t *to = pixels + i * samples;
        if (index >= d->colours)
            return nb_source_refuse(d->image->source,
                                    "row %" PRId64 ", column %" PRId64
                                    " has colour %d of a palette of %d",
                                    d->next, i + 1, index + 1, d->colours);
        to[0] = d->palette[index].red;
        to[1] = d->palette[index].green;
        to[2] = d->palette[index].blue;
        if (samples == 4) to[3] = index < d->alphas ? d->alpha[index] : OPAQUE;
    }
    return NB_OK;
}

static nb_status next_row(nb_image *image, uint8_t *pixels)
{
    decoder *d = image->state;
    nb_status status = NB_OK;
    if (d->passes > 1) {
        if (d->next == 0) status = read_passes(d);
        if (!status) memcpy(pixels, d->whole + (size_t)d->next * d->row_bytes, d->row_bytes);
    } else {
        d->pixels = pixels;
        status = guard(d, read_row);
    }
    d->next++;
    return status || !d->palette ? status : look_up(d, pixels);
}

static nb_status end_png(nb_image *image)
{
    return guard(image->state, read_end);
}

const nb_image_format nb_image_png = {
    .begins = begins,
    .open = open_png,
    .row = next_row,
    .end = end_png,
    .close = close_png,
};
