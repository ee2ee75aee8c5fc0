/* Sixel graphics, six rows of pixels to a letter, through libsixel. A picture of at most 256
 * colours keeps them, but for what sixel itself rounds (a hundredth); of more libsixel chooses 256
 * and scatters the error. */
#include "io/picture/way.h"

#include "base/memory.h"

#include <stdbool.h>
#include <string.h>

#include <sixel.h>

enum {
    COLOURS = 256,
    SLOTS = 1024, /* of the table that finds a colour's number; more than twice as many */
    EMPTY = -1
};

typedef struct palette {
    uint8_t colour[COLOURS][3];
    int count;
    int32_t slot[SLOTS]; /* a colour's number, or EMPTY */
} palette;

/* The number of a colour, which it gets here where it has none; COLOURS: there are too many. */
static int number_of(palette *p, const uint8_t *pixel)
{
    uint32_t code = (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
    uint32_t at = code * 2654435761U >> 22;
    while (p->slot[at] != EMPTY && memcmp(p->colour[p->slot[at]], pixel, 3) != 0)
        at = (at + 1) % SLOTS;
    if (p->slot[at] != EMPTY) return p->slot[at];
    if (p->count == COLOURS) return COLOURS;
    memcpy(p->colour[p->count], pixel, 3);
    p->slot[at] = p->count;
    return p->count++;
}

/* The pixels as numbers of colours; false where there are too many. */
static bool number_all(palette *p, const nb_picture *picture, uint8_t *to)
{
    int64_t count = picture->rows * picture->columns;
    p->count = 0;
    for (int i = 0; i < SLOTS; i++) p->slot[i] = EMPTY;
    for (int64_t i = 0; i < count; i++) {
        int number = number_of(p, picture->pixels + 3 * i);
        if (number == COLOURS) return false;
        to[i] = (uint8_t)number;
    }
    return true;
}

static int add(char *data, int size, void *to)
{
    nb_text_add_bytes(to, data, (size_t)size);
    return size;
}

static SIXELSTATUS keep_colours(sixel_dither_t **dither, palette *p)
{
    SIXELSTATUS status = sixel_dither_new(dither, p->count, NULL);
    if (SIXEL_FAILED(status)) return status;
    sixel_dither_set_palette(*dither, (unsigned char *)p->colour);
    sixel_dither_set_pixelformat(*dither, SIXEL_PIXELFORMAT_PAL8);
    sixel_dither_set_diffusion_type(*dither, SIXEL_DIFFUSE_NONE);
    return status;
}

static SIXELSTATUS choose_colours(sixel_dither_t **dither, uint8_t *pixels, int wide, int high)
{
    SIXELSTATUS status = sixel_dither_new(dither, COLOURS, NULL);
    if (SIXEL_FAILED(status)) return status;
    status = sixel_dither_initialize(*dither, pixels, wide, high, SIXEL_PIXELFORMAT_RGB888,
                                     SIXEL_LARGE_AUTO, SIXEL_REP_AUTO, SIXEL_QUALITY_HIGH);
    sixel_dither_set_pixelformat(*dither, SIXEL_PIXELFORMAT_RGB888);
    return status;
}

/* `pixels` are 3 bytes each, and the library's to write over. */
static nb_status encode(const nb_picture *picture, uint8_t *pixels, palette *p, nb_text *to)
{
    sixel_output_t *output = NULL;
    sixel_dither_t *dither = NULL;
    int wide = (int)picture->columns, high = (int)picture->rows;
    SIXELSTATUS status = sixel_output_new(&output, add, to, NULL);
    bool few = number_all(p, picture, pixels);
    if (!few) memcpy(pixels, picture->pixels, (size_t)wide * (size_t)high * 3);
    if (SIXEL_SUCCEEDED(status))
        status = few ? keep_colours(&dither, p) : choose_colours(&dither, pixels, wide, high);
    if (SIXEL_SUCCEEDED(status)) status = sixel_encode(pixels, wide, high, 0, dither, output);
    if (dither) sixel_dither_unref(dither);
    if (output) sixel_output_unref(output);
    if (SIXEL_SUCCEEDED(status)) return NB_OK;
    if (status == SIXEL_BAD_ALLOCATION) return nb_fail(to->ctx, NB_EMEMORY, "not enough memory");
    return nb_fail(to->ctx, NB_EIO, "libsixel: %s", sixel_helper_format_error(status));
}

static nb_status write_sixel(const nb_picture *picture, nb_text *to)
{
    nb_ctx *ctx = to->ctx;
    size_t bytes = (size_t)(picture->rows * picture->columns) * 3;
    uint8_t *pixels = nb_alloc(ctx, bytes);
    palette *p = nb_alloc(ctx, sizeof *p);
    nb_status status = pixels && p ? encode(picture, pixels, p, to) : NB_EMEMORY;
    nb_free(ctx, p, sizeof *p);
    nb_free(ctx, pixels, bytes);
    return status;
}

/* Where there is no whole row of letters libsixel begins a row too low. */
const nb_picture_way nb_way_sixel = {
    .name = "sixel", .rows_least = 6, .write = write_sixel, .mend = "\033\\"};
