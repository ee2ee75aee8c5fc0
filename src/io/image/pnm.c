/* Reading PGM and PPM. */
#include "io/image/pnm.h"

#include "base/arith.h"

#include <inttypes.h>
#include <string.h>

enum {
    BUFFER = 4 << 10,
    WHITE_MOST = 65535,    /* the most that white may be */
    NUMBER_MOST = 1 << 20, /* of the header; larger ones are no size of an image, whatever it is */
    BYTE_MOST = 255
};

typedef struct pnm {
    bool text;      /* numbers, not bytes */
    uint32_t white; /* the number that is white */
    int64_t row;    /* how many rows have been read */
    uint8_t *wide;  /* a row of numbers of two bytes; NULL: they have one, or are text */
    size_t wide_bytes;
    size_t at, have; /* what is in hand of the file */
    uint8_t buffer[BUFFER];
} pnm;

static bool begins(const uint8_t *head, size_t bytes)
{
    return bytes >= 2 && head[0] == 'P' && head[1] && strchr("2356", head[1]);
}

/* ---- Bytes ---- */

/* *byte: the next one, which is left in hand; -1 at the end. */
static nb_status look(nb_image *image, int *byte)
{
    pnm *p = image->state;
    nb_status status = NB_OK;
    if (p->at == p->have) {
        p->at = p->have = 0;
        status = nb_source_read_some(image->source, p->buffer, BUFFER, &p->have);
    }
    *byte = p->at < p->have ? p->buffer[p->at] : -1;
    return status;
}

static nb_status cut_short(const nb_image *image, int64_t row)
{
    return nb_source_refuse(image->source, "is cut short in row %" PRId64 " of %" PRId64, row + 1,
                            image->rows);
}

static nb_status read_bytes(nb_image *image, uint8_t *into, size_t bytes)
{
    pnm *p = image->state;
    size_t n = nb_least_size(p->have - p->at, bytes), got = 0;
    memcpy(into, p->buffer + p->at, n);
    p->at += n;
    if (n == bytes) return NB_OK;
    nb_status status = nb_source_read_some(image->source, into + n, bytes - n, &got);
    return status || got == bytes - n ? status : cut_short(image, p->row);
}

/* ---- Numbers ---- */

static bool is_space(int byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Passes white space, and comments from '#' to the end of the line. */
static nb_status pass_space(nb_image *image, int *byte)
{
    pnm *p = image->state;
    bool comment = false;
    for (;;) {
        nb_status status = look(image, byte);
        if (status || *byte < 0) return status;
        if (*byte == '#') comment = true;
        if (!comment && !is_space(*byte)) return NB_OK;
        if (*byte == '\n' || *byte == '\r') comment = false;
        p->at++;
    }
}

/* A number of up to `most`; *number is `most` + 1 for a larger one, -1 where there is none. */
static nb_status read_number(nb_image *image, int64_t most, int64_t *number)
{
    pnm *p = image->state;
    int byte;
    nb_status status = pass_space(image, &byte);
    *number = -1;
    while (!status && byte >= '0' && byte <= '9') {
        int64_t value = *number < 0 ? byte - '0' : *number * 10 + byte - '0';
        *number = nb_least_i64(value, most + 1);
        p->at++;
        status = look(image, &byte);
    }
    return status;
}

/* ---- The header ---- */

static nb_status read_header(nb_image *image)
{
    pnm *p = image->state;
    int64_t number[3];
    int byte;
    static const char *const what[] = {"columns", "rows", "white"};
    for (int i = 0; i < 3; i++) {
        nb_status status = read_number(image, NUMBER_MOST, &number[i]);
        if (status) return status;
        if (number[i] < 0)
            return nb_source_refuse(image->source, "its header has no number of %s", what[i]);
    }
    nb_status status = look(image, &byte);
    if (status) return status;
    if (number[2] < 1 || number[2] > WHITE_MOST)
        return nb_source_refuse(image->source, "its header says that white is %s; it is 1 to %d",
                                number[2] < 1 ? "0" : "more than 65535", WHITE_MOST);
    if (byte >= 0 && !is_space(byte))
        return nb_source_refuse(image->source, "its header does not end with white space");
    if (byte >= 0) p->at++;
    image->columns = number[0];
    image->rows = number[1];
    p->white = (uint32_t)number[2];
    return NB_OK;
}

/* The fewest bytes that all pixels take: of text, a digit each and a space between two. */
static nb_status check_size(const nb_image *image)
{
    const pnm *p = image->state;
    uint64_t numbers = (uint64_t)(image->rows * image->columns) * (unsigned)image->samples;
    uint64_t least = p->text                ? 2 * numbers - (numbers > 0)
                     : p->white > BYTE_MOST ? 2 * numbers
                                            : numbers;
    return nb_image_check(image, least, nb_source_most(image->source) + p->have - p->at);
}

static void close_pnm(nb_image *image)
{
    pnm *p = image->state;
    if (p) nb_free(image->ctx, p->wide, p->wide_bytes);
    nb_free(image->ctx, p, sizeof *p);
    image->state = NULL;
}

static nb_status begin(nb_image *image)
{
    pnm *p = image->state;
    uint8_t magic[2];
    nb_status status = nb_source_read(image->source, magic, 2, "its header");
    if (status) return status;
    p->text = magic[1] <= '3';
    image->colour = magic[1] == '3' || magic[1] == '6';
    image->samples = image->colour ? 3 : 1;
    status = read_header(image);
    if (!status) status = check_size(image);
    if (status || p->text || p->white <= BYTE_MOST) return status;
    p->wide_bytes = 2 * (size_t)image->columns * (size_t)image->samples;
    p->wide = nb_alloc(image->ctx, p->wide_bytes);
    return p->wide ? NB_OK : NB_EMEMORY;
}

static nb_status open_pnm(nb_image *image)
{
    image->state = nb_alloc_zero(image->ctx, 1, sizeof(pnm));
    nb_status status = image->state ? begin(image) : NB_EMEMORY;
    if (status) close_pnm(image);
    return status;
}

/* ---- Pixels ---- */

/* The numbers of a row and what white is, rounded to bytes. */
static uint8_t to_byte(const pnm *p, uint32_t number)
{
    return (uint8_t)((2 * number * BYTE_MOST + p->white) / (2 * p->white));
}

static nb_status too_white(const nb_image *image, size_t i, int64_t number)
{
    const pnm *p = image->state;
    return nb_source_refuse(
        image->source, "row %" PRId64 ", column %zu holds %s%" PRId64 ", and white is %" PRIu32,
        p->row + 1, i / (size_t)image->samples + 1, number > WHITE_MOST ? "more than " : "",
        nb_least_i64(number, WHITE_MOST), p->white);
}

static nb_status read_text(nb_image *image, uint8_t *pixels, size_t count)
{
    const pnm *p = image->state;
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        int byte;
        nb_status status = read_number(image, WHITE_MOST, &number);
        if (!status) status = look(image, &byte);
        if (status) return status;
        if (number < 0 && byte < 0) return cut_short(image, p->row);
        if (number < 0)
            return nb_source_refuse(image->source,
                                    "row %" PRId64 ", column %zu holds no number: byte %02x",
                                    p->row + 1, i / (size_t)image->samples + 1, (unsigned)byte);
        if (number > p->white) return too_white(image, i, number);
        pixels[i] = to_byte(p, (uint32_t)number);
    }
    return NB_OK;
}

static nb_status read_wide(nb_image *image, uint8_t *pixels, size_t count)
{
    const pnm *p = image->state;
    nb_status status = read_bytes(image, p->wide, 2 * count);
    for (size_t i = 0; i < count && !status; i++) {
        uint32_t number = (uint32_t)p->wide[2 * i] << 8 | p->wide[2 * i + 1];
        if (number > p->white) return too_white(image, i, number);
        pixels[i] = to_byte(p, number);
    }
    return status;
}

static nb_status read_narrow(nb_image *image, uint8_t *pixels, size_t count)
{
    const pnm *p = image->state;
    nb_status status = read_bytes(image, pixels, count);
    for (size_t i = 0; i < count && !status && p->white < BYTE_MOST; i++) {
        if (pixels[i] > p->white) return too_white(image, i, pixels[i]);
        pixels[i] = to_byte(p, pixels[i]);
    }
    return status;
}

static nb_status read_row(nb_image *image, uint8_t *pixels)
{
    pnm *p = image->state;
    size_t count = (size_t)image->columns * (size_t)image->samples;
    nb_status status = p->text                ? read_text(image, pixels, count)
                       : p->white > BYTE_MOST ? read_wide(image, pixels, count)
                                              : read_narrow(image, pixels, count);
    p->row++;
    return status;
}

/* Behind the pixels there may be white space, and in text comments. A second image would be lost in
 * silence. */
static nb_status end_pnm(nb_image *image)
{
    int byte;
    nb_status status = pass_space(image, &byte);
    if (status || byte < 0) return status;
    return nb_source_refuse(image->source, "goes on after its last pixel; a file is one image");
}

const nb_image_format nb_image_pnm = {
    .begins = begins,
    .open = open_pnm,
    .row = read_row,
    .end = end_pnm,
    .close = close_pnm,
};
