/* Sixel graphics: six rows of pixels to a letter, colour by colour. A picture of at most 256
 * colours keeps them, but for what sixel itself rounds (a hundredth); of more libsixel chooses 256,
 * and what they are off is scattered. The letters are written here: the library's own encoder sorts
 * the runs of a row one by one, so that noise takes it seconds, and does not look whether Ctrl-C
 * was pressed.
 */
#include "io/picture/way.h"

#include "base/context.h"
#include "base/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <sixel.h>

enum {
    COLOURS = 256,
    SLOTS = 1024, /* of the table that finds a colour's number; more than twice as many */
    EMPTY = -1,
    BAND = 6, /* rows of pixels in a row of letters */
    RUN = 3   /* letters that are no longer than a count of them */
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

/* ---- Colours ---- */

static nb_status refuse(nb_ctx *ctx, SIXELSTATUS status)
{
    if (status == SIXEL_BAD_ALLOCATION) return nb_fail(ctx, NB_EMEMORY, "not enough memory");
    return nb_fail(ctx, NB_EIO, "libsixel: %s", sixel_helper_format_error(status));
}

/* The 256 colours that suit a picture; `pixels` are the library's to write over. */
static nb_status choose_colours(nb_ctx *ctx, palette *p, uint8_t *pixels, int wide, int high)
{
    sixel_dither_t *dither = NULL;
    SIXELSTATUS status = sixel_dither_new(&dither, COLOURS, NULL);
    if (SIXEL_SUCCEEDED(status))
        status = sixel_dither_initialize(dither, pixels, wide, high, SIXEL_PIXELFORMAT_RGB888,
                                         SIXEL_LARGE_AUTO, SIXEL_REP_AUTO, SIXEL_QUALITY_AUTO);
    if (SIXEL_SUCCEEDED(status)) {
        int count = sixel_dither_get_num_of_palette_colors(dither);
        p->count = count < COLOURS ? count : COLOURS;
        memcpy(p->colour, sixel_dither_get_palette(dither), (size_t)p->count * 3);
    }
    if (dither) sixel_dither_unref(dither);
    return SIXEL_SUCCEEDED(status) ? NB_OK : refuse(ctx, status);
}

static int nearest_of(const palette *p, const int colour[3])
{
    int best = 0;
    long least = LONG_MAX;
    for (int i = 0; i < p->count; i++) {
        long sum = 0;
        for (int k = 0; k < 3; k++) {
            long off = colour[k] - p->colour[i][k];
            sum += off * off;
        }
        if (sum < least) best = i;
        if (sum < least) least = sum;
    }
    return best;
}

/* What is known of the nearest of colours, and what the pixels of a row and of the next one are to
 * be more than they are. */
typedef struct scattering {
    int16_t nearest[1 << 15]; /* by five bits of each; EMPTY */
    int *error[2];
} scattering;

/* The number of a pixel's colour; what that is off goes on to its neighbours (Floyd and Steinberg
 * 1976). `here` and `below` are the errors of this place. */
static int scatter(scattering *s, const palette *p, const uint8_t *pixel, int *here, int *below)
{
    int colour[3];
    for (int k = 0; k < 3; k++) {
        int level = pixel[k] + here[k] / 16;
        colour[k] = level < 0 ? 0 : level > UINT8_MAX ? UINT8_MAX : level;
    }
    int16_t *known = &s->nearest[(colour[0] >> 3) << 10 | (colour[1] >> 3) << 5 | colour[2] >> 3];
    if (*known == EMPTY) *known = (int16_t)nearest_of(p, colour);
    for (int k = 0; k < 3; k++) {
        int off = colour[k] - p->colour[*known][k];
        here[3 + k] += 7 * off;
        below[k - 3] += 3 * off;
        below[k] += 5 * off;
        below[k + 3] += off;
    }
    return *known;
}

static nb_status scatter_all(nb_ctx *ctx, scattering *s, const palette *p,
                             const nb_picture *picture, uint8_t *to)
{
    size_t row = (size_t)(picture->columns + 2) * 3;
    nb_status status = NB_OK;
    for (size_t i = 0; i < sizeof s->nearest / sizeof *s->nearest; i++) s->nearest[i] = EMPTY;
    for (int64_t i = 0; i < picture->rows && !status; i++) {
        int *here = s->error[i % 2], *below = s->error[(i + 1) % 2];
        memset(below, 0, row * sizeof *below);
        for (int64_t j = 0; j < picture->columns; j++, to++)
            *to = (uint8_t)scatter(s, p, picture->pixels + 3 * (i * picture->columns + j),
                                   here + 3 * (j + 1), below + 3 * (j + 1));
        status = nb_poll(ctx);
    }
    return status;
}

/* As few colours as sixel has, and each pixel as the number of one. */
static nb_status reduce(nb_ctx *ctx, const nb_picture *picture, palette *p, uint8_t *to)
{
    int wide = (int)picture->columns, high = (int)picture->rows;
    size_t row = (size_t)(wide + 2) * 3;
    memcpy(to, picture->pixels, (size_t)wide * (size_t)high * 3);
    nb_status status = choose_colours(ctx, p, to, wide, high);
    if (status) return status;
    scattering *s = nb_alloc(ctx, sizeof *s);
    int *errors = s ? nb_alloc_zero(ctx, 2 * row, sizeof *errors) : NULL;
    if (errors) {
        s->error[0] = errors;
        s->error[1] = errors + row;
    }
    status = errors ? scatter_all(ctx, s, p, picture, to) : NB_EMEMORY;
    nb_free(ctx, errors, 2 * row * sizeof *errors);
    nb_free(ctx, s, sizeof *s);
    return status;
}

/* ---- Letters ---- */

/* So many times a letter of these six bits. */
static void add_run(nb_text *to, uint8_t bits, int64_t times)
{
    char letter = (char)('?' + bits), letters[RUN] = {letter, letter, letter};
    if (times > RUN)
        nb_text_add(to, "!%" PRId64 "%c", times, letter);
    else
        nb_text_add_bytes(to, letters, (size_t)times);
}

/* What one colour paints in a band; `bits` are cleared. */
static void add_colour(nb_text *to, int number, uint8_t *bits, int64_t columns)
{
    int64_t begin = 0;
    while (columns > 0 && bits[columns - 1] == 0) columns--;
    nb_text_add(to, "#%d", number);
    for (int64_t i = 1; i <= columns; i++) {
        if (i < columns && bits[i] == bits[begin]) continue;
        add_run(to, bits[begin], i - begin);
        begin = i;
    }
    memset(bits, 0, (size_t)columns);
}

/* Six rows of numbers from `row` on. bits: those of each colour, all 0 before and after. */
static void add_band(nb_text *to, const nb_picture *picture, const uint8_t *numbers, int64_t row,
                     uint8_t *bits)
{
    bool used[COLOURS] = {false};
    for (int k = 0; k < BAND && row + k < picture->rows; k++) {
        const uint8_t *line = numbers + (row + k) * picture->columns;
        for (int64_t j = 0; j < picture->columns; j++) {
            used[line[j]] = true;
            bits[line[j] * picture->columns + j] |= (uint8_t)(1 << k);
        }
    }
    for (int i = 0, first = true; i < COLOURS; i++) {
        if (!used[i]) continue;
        if (!first) nb_text_add(to, "$");
        first = false;
        add_colour(to, i, bits + i * picture->columns, picture->columns);
    }
}

static int hundredths(uint8_t level)
{
    return (level * 100 + 127) / 255;
}

static nb_status add_letters(nb_text *to, const nb_picture *picture, const palette *p,
                             const uint8_t *numbers, uint8_t *bits)
{
    nb_status status = NB_OK;
    nb_text_add(to, "\033Pq\"1;1;%" PRId64 ";%" PRId64, picture->columns, picture->rows);
    for (int i = 0; i < p->count; i++) {
        const uint8_t *colour = p->colour[i];
        nb_text_add(to, "#%d;2;%d;%d;%d", i, hundredths(colour[0]), hundredths(colour[1]),
                    hundredths(colour[2]));
    }
    for (int64_t row = 0; row < picture->rows && !status; row += BAND) {
        if (row > 0) nb_text_add(to, "-");
        add_band(to, picture, numbers, row, bits);
        status = nb_poll(to->ctx);
    }
    nb_text_add(to, "\033\\");
    return status;
}

static nb_status write_sixel(const nb_picture *picture, nb_text *to)
{
    nb_ctx *ctx = to->ctx;
    size_t bytes = (size_t)(picture->rows * picture->columns) * 3;
    uint8_t *numbers = nb_alloc(ctx, bytes);
    uint8_t *bits = numbers ? nb_alloc_zero(ctx, (size_t)picture->columns, COLOURS) : NULL;
    palette *p = bits ? nb_alloc(ctx, sizeof *p) : NULL;
    nb_status status = !p                                ? NB_EMEMORY
                       : number_all(p, picture, numbers) ? NB_OK
                                                         : reduce(ctx, picture, p, numbers);
    if (!status) status = add_letters(to, picture, p, numbers, bits);
    nb_free(ctx, p, sizeof *p);
    nb_free(ctx, bits, (size_t)picture->columns * COLOURS);
    nb_free(ctx, numbers, bytes);
    return status;
}

const nb_picture_way nb_way_sixel = {
    .name = "sixel", .write = write_sixel, .mend = "\033\\", .uncover = ""};
