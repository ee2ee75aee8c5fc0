/* Would catch: pixels of any kind of PNG, PGM or PPM that are not those which its description says,
 * headers that are believed, files that are cut, damaged or go on without an error, memory that
 * libpng keeps or takes past the limit, and a jump of libpng's that goes nowhere. */
#include "../files.h"

#include "base/memory.h"
#include "io/image/image.h"
#include "io/image/pixels.h"
#include "io/image/resample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_MAX = 4096, PIXELS_MAX = 4096, CHUNK = 12 };

typedef struct read_image {
    int64_t rows, columns;
    int samples;
    bool colour;
    uint8_t pixels[PIXELS_MAX];
} read_image;

/* ---- Goldens ---- */

typedef struct bytes {
    uint8_t data[FILE_MAX];
    size_t size;
} bytes;

static void from_hex(const char *text, bytes *out)
{
    out->size = strlen(text) / 2;
    assert_true(out->size <= FILE_MAX);
    for (size_t i = 0; i < out->size; i++) {
        unsigned value;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &value), 1);
        out->data[i] = (uint8_t)value;
    }
}

/* Calls `job` with the words of each line that begins with `kind`. */
static int each_golden(const char *kind, void (*job)(char **word))
{
    size_t size;
    char *text = (char *)read_file(golden("images.txt"), &size), *rest = text, *line;
    int count = 0;
    text[size] = '\0';
    while ((line = strsep(&rest, "\n"))) {
        char *word[10] = {NULL};
        for (int i = 0; i < 9; i++) word[i] = strsep(&line, " ");
        if (strcmp(word[0], kind) != 0) continue;
        job(word + 1);
        count++;
    }
    free(text);
    return count;
}

/* The file of a golden. */
static const char *wanted;
static bytes found;

static void find_image(char **word)
{
    if (strcmp(word[0], wanted) == 0) from_hex(word[5], &found);
}

static const bytes *file_called(const char *name)
{
    wanted = name;
    found.size = 0;
    each_golden("image", find_image);
    assert_true(found.size > 0);
    return &found;
}

/* ---- Reading ---- */

static nb_status read_rows(nb_image *image, read_image *out)
{
    size_t row = (size_t)image->columns * (size_t)image->samples;
    nb_status status = NB_OK;
    out->rows = image->rows;
    out->columns = image->columns;
    out->samples = image->samples;
    out->colour = image->colour;
    for (int64_t i = 0; i < image->rows && !status; i++) {
        uint8_t *to = malloc(row); /* of its size, for AddressSanitizer */
        status = nb_image_row(image, to);
        if (!status && (size_t)(i + 1) * row <= PIXELS_MAX)
            memcpy(out->pixels + (size_t)i * row, to, row);
        free(to);
    }
    return status ? status : nb_image_end(image);
}

static nb_status read_bytes(const uint8_t *data, size_t size, read_image *out)
{
    nb_image image;
    nb_source *source = nb_source_memory(ctx, "t.png", data, size);
    nb_status status = source ? nb_image_begin(ctx, source, &image) : ctx->status;
    if (!status) {
        status = read_rows(&image, out);
        nb_image_close(&image);
    }
    nb_source_close(source);
    return status;
}

static void refuse(const void *data, size_t size, const char *words)
{
    read_image image;
    assert_int_equal(read_bytes(data, size, &image), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "t.png: ");
    assert_failed(NB_EFORMAT, words);
}

static void refuse_text(const char *text, const char *words)
{
    refuse(text, strlen(text), words);
}

static void check_golden(char **word)
{
    static bytes file, pixels;
    static read_image image;
    from_hex(word[5], &file);
    from_hex(word[6], &pixels);
    if (read_bytes(file.data, file.size, &image) != NB_OK)
        fail_msg("%s: %s", word[0], ctx->message);
    bool same = image.rows == atoi(word[1]) && image.columns == atoi(word[2]) &&
                image.samples == atoi(word[3]) && image.colour == (atoi(word[4]) != 0) &&
                memcmp(image.pixels, pixels.data, pixels.size) == 0;
    if (!same) fail_msg("%s holds other pixels", word[0]);
}

static void every_kind(void **state)
{
    (void)state;
    assert_true(each_golden("image", check_golden) > 100);
}

static void packed_once_more(void **state)
{
    (void)state;
    static read_image image;
    const bytes *file = file_called("rgb-8-5x3");
    size_t size;
    uint8_t *packed = gzip(file->data, file->size, &size);
    assert_int_equal(read_bytes(packed, size, &image), NB_OK);
    assert_int_equal(image.rows, 5);
    free(packed);
}

/* ---- What is refused ---- */

static void cut(char **word)
{
    bytes file;
    read_image image;
    from_hex(word[5], &file);
    bool text = file.data[1] == '2' || file.data[1] == '3';
    for (size_t n = 0; n < file.size; n++) {
        nb_status status = read_bytes(file.data, n, &image);
        if (status) assert_failed(NB_EFORMAT, "t.png: ");
        if (!text && status == NB_OK) fail_msg("%s passes with %zu bytes", word[0], n);
    }
}

/* At every byte. (Text ends anywhere within its last number, or a comment behind it.) */
static void cut_anywhere(void **state)
{
    (void)state;
    each_golden("image", cut);
    const bytes *file = file_called("grey-8-5x3");
    refuse(file->data, file->size - 1, "t.png: is cut short");
    refuse(file->data, 20, "t.png: is cut short");
    refuse(file->data, 0, "t.png: is empty; it should be an image");
    file = file_called("pgm-255");
    refuse(file->data, file->size - 1,
           "promises 3x4 pixels, which take 12 bytes and more; at most "
           "11 can follow");
    file = file_called("pgm-1000");
    refuse(file->data, file->size - 1, "which take 24 bytes and more; at most 23 can follow");
}

static void what_is_no_image(void **state)
{
    (void)state;
    refuse("\xff\xd8\xff\xe0 JFIF", 9, "t.png: is a JPEG; images are read as PNG, PGM and PPM");
    refuse_text("GIF89a", "is a GIF;");
    refuse_text("P4 8 1\n1", "is a bitmap (PBM);");
    refuse_text("a line of text", "t.png: is no image; PNG, PGM and PPM are read");
    refuse_text("P", "is no image");
    refuse("\x89PNG\r\n\x1a", 7, "is no image");
}

static void headers_of_text(void **state)
{
    (void)state;
    refuse_text("P2", "its header has no number of columns");
    refuse_text("P2 3", "its header has no number of rows");
    refuse_text("P2 3 2 x", "its header has no number of white");
    refuse_text("P2 3 2 # 255", "its header has no number of white");
    refuse_text("P2 -3 2 255 ", "its header has no number of columns");
    refuse_text("P2 3 2 0 1 1 1 1 1 1", "its header says that white is 0; it is 1 to 65535");
    refuse_text("P2 3 2 65536 1 1 1 1 1 1", "says that white is more than 65535");
    refuse_text("P2 1 1 255x", "its header does not end with white space");
    refuse_text("P2 0 2 255 ", "has no pixel: its size is 2x0");
    refuse_text("P2 65537 1 255 ", "is 1x65537; an image has at most 65536 rows and as many");
    refuse_text("P2 1 99999999999999999999 255 ", "is 1048577x1;");
    refuse_text("P6 65536 65536 65535 ", "which take 25769803776 bytes and more; at most 0");
    refuse_text("P2 3 2 255 1 2 3 4 5", "which take 11 bytes and more; at most 9 can follow");
}

static void pixels_of_text(void **state)
{
    (void)state;
    refuse_text("P2 2 2 9 1 2 3 10 ", "row 2, column 2 holds 10, and white is 9");
    refuse_text("P2 2 2 9 1 2 99999999999999999999 1", "column 1 holds more than 65535, and white");
    refuse_text("P2 2 2 9 1 2 3 x ", "row 2, column 2 holds no number: byte 78");
    refuse_text("P2 2 2 9 1 22 3    ", "row 1, column 2 holds 22");
    refuse_text("P2 2 2 9 1 2 3     ", "is cut short in row 2 of 2");
    refuse_text("P2 2 2 9 1 2 3 4 5", "goes on after its last pixel; a file is one image");
    refuse_text("P5 2 1 9 \x01\x0a", "row 1, column 2 holds 10, and white is 9");
    refuse("P5 1 1 256 \x01\x01", 13, "row 1, column 1 holds 257, and white is 256");
    refuse_text("P5 2 1 255 abP5 2 1 255 cd", "goes on after its last pixel");
    read_image image;
    assert_int_equal(read_bytes((const uint8_t *)"P5 2 1 255 ab\n", 14, &image), NB_OK);
}

/* ---- PNG that lies ---- */

static void put_big(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Makes every chunk's checksum right, as far as chunks can be told. */
static void repair(uint8_t *data, size_t size)
{
    for (size_t at = 8; at + CHUNK <= size;) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                        (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > size - at - CHUNK) return;
        put_big(data + at + 8 + length, (uint32_t)crc32(0, data + at + 4, (uInt)length + 4));
        at += CHUNK + length;
    }
}

/* A grey image that says it has another size. */
static bytes claim(uint32_t rows, uint32_t columns)
{
    bytes file = *file_called("grey-8-5x3");
    put_big(file.data + 16, columns);
    put_big(file.data + 20, rows);
    repair(file.data, file.size);
    return file;
}

static void sizes_that_lie(void **state)
{
    (void)state;
    size_t before = ctx->memory.peak;
    bytes file = claim(60000, 60000);
    refuse(file.data, file.size,
           "its header promises 60000x60000 pixels, which take 3488430 bytes");
    file = claim(0x7fffffff, 0x7fffffff);
    refuse(file.data, file.size, "is 2147483647x2147483647; an image has at most 65536 rows");
    file = claim(65537, 1);
    refuse(file.data, file.size, "is 65537x1; an image has at most 65536 rows");
    file = claim(0, 3);
    refuse(file.data, file.size, "is damaged: ");
    file = claim(6, 3);
    refuse(file.data, file.size, "is damaged: ");
    assert_true(ctx->memory.peak < before + (1 << 20));
}

static void damage(void **state)
{
    (void)state;
    bytes file = *file_called("grey-8-5x3");
    size_t data_at = 33; /* behind the header: length, "IDAT", zlib's stream */
    assert_memory_equal(file.data + data_at + 4, "IDAT", 4);
    file.data[29] ^= 1; /* the header's checksum */
    refuse(file.data, file.size, "is damaged: IHDR: CRC error");
    file = *file_called("grey-8-5x3");
    file.data[data_at + 9] ^= 0x40;
    refuse(file.data, file.size, "t.png: is damaged: ");
    file = *file_called("grey-8-5x3");
    file.data[data_at + 8] = 0; /* no zlib */
    repair(file.data, file.size);
    refuse(file.data, file.size, "t.png: is damaged: ");
    file = *file_called("palette-8-5x3");
    memcpy(file.data + data_at + 4, "plte", 4); /* without its palette */
    repair(file.data, file.size);
    refuse(file.data, file.size, "t.png: is damaged: ");
}

/* One colour fewer, also where the image is interlaced. */
static void colours_that_are_not_there(void **state)
{
    (void)state;
    static const char *const names[] = {"palette-2-9x11", "palette-2-9x11-interlaced"};
    for (size_t i = 0; i < 2; i++) {
        bytes file = *file_called(names[i]);
        size_t palette = 33;
        assert_memory_equal(file.data + palette + 4, "PLTE", 4);
        memmove(file.data + palette + 17, file.data + palette + 20, file.size - palette - 20);
        file.size -= 3;
        file.data[palette + 3] = 9;
        repair(file.data, file.size);
        refuse(file.data, file.size, "has colour 4 of a palette of 3");
    }
}

/* Some thousands of files, half of them with right checksums: each gives an image or an error, and
 * all memory back; little is taken. */
static void mutate_golden(char **word)
{
    static uint32_t seed;
    static bytes file, changed;
    static read_image image;
    from_hex(word[5], &file);
    if (2 * file.size > FILE_MAX) return;
    for (int i = 0; i < 50; i++) {
        changed.size = mutate(++seed, file.data, file.size, changed.data);
        if (i % 2) repair(changed.data, changed.size);
        size_t live = ctx->memory.live;
        nb_status status = read_bytes(changed.data, changed.size, &image);
        if (status) assert_failed(NB_EFORMAT, "t.png");
        assert_int_equal(ctx->memory.live, live);
    }
}

static void thousands_of_mutations(void **state)
{
    (void)state;
    size_t before = ctx->memory.peak;
    each_golden("image", mutate_golden);
    assert_true(ctx->memory.peak < before + (8 << 20));
}

/* ---- Memory and Ctrl-C ---- */

static nb_status attempt(void *arg)
{
    static read_image image;
    const bytes *file = arg;
    return read_bytes(file->data, file->size, &image);
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    static const char *const names[] = {"palette-4-trns", "grey-8-chunks", "rgb-16-9x11",
                                        "pgm-1000", "ppm-255-text"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bytes file = *file_called(names[i]);
        sweep_failing_requests(attempt, &file);
    }
}

static void interrupted(void **state)
{
    (void)state;
    static volatile sig_atomic_t pressed = 1;
    bytes file = *file_called("palette-4-trns"), text = *file_called("pgm-1000");
    ctx->interrupt = &pressed;
    assert_int_equal(attempt(&file), NB_EINTERRUPT);
    assert_int_equal(attempt(&text), NB_EINTERRUPT);
    ctx->interrupt = NULL;
    assert_int_equal(attempt(&file), NB_OK);
}

/* ---- Pixels ---- */

/* Luma by hand: red 76.245, green 149.685, blue 29.07, and (10, 20, 30) 18.15. */
static void greys_of_colours(void **state)
{
    (void)state;
    nb_image image = {.ctx = ctx, .columns = 5, .samples = 3};
    uint8_t pixels[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 77, 77, 77}, out[15];
    assert_int_equal(nb_pixels_split(&image, 0, pixels, 1, NB_NO_BACKGROUND, out), NB_OK);
    assert_memory_equal(out, ((uint8_t[]){76, 150, 29, 18, 77}), 5);
    assert_int_equal(nb_pixels_split(&image, 0, pixels, 3, NB_NO_BACKGROUND, out), NB_OK);
    assert_memory_equal(out, ((uint8_t[]){255, 0, 0, 10, 77, 0, 255, 0, 20, 77, 0, 0, 255, 30, 77}),
                        15);
}

/* 100 of 255 of 200 over 0 are 78.43, over 255 233.43; over 10 84.51. */
static void transparency(void **state)
{
    (void)state;
    static const struct {
        int background;
        uint8_t expected[3];
    } cases[] = {{0, {78, 7, 0}}, {255, {233, 7, 255}}, {10, {85, 7, 10}}};
    nb_image image = {.ctx = ctx, .columns = 3, .samples = 2};
    uint8_t out[9];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t pixels[] = {200, 100, 7, 255, 99, 0};
        assert_int_equal(nb_pixels_split(&image, 0, pixels, 3, cases[i].background, out), NB_OK);
        for (int k = 0; k < 3; k++) assert_memory_equal(out + 3 * k, cases[i].expected, 3);
    }
    uint8_t clear[] = {9, 255, 9, 255, 9, 254};
    image.source = nb_source_memory(ctx, "t.png", "", 0);
    assert_int_equal(nb_pixels_split(&image, 6, clear, 1, NB_NO_BACKGROUND, out), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "t.png: row 7, column 3 is transparent; say what stands behind: "
                              "background = 0 is black, 1 white");
    nb_source_close(image.source);
}

static void check_resample(char **word)
{
    static bytes pixels, expected;
    static uint8_t out[FILE_MAX];
    int64_t from[] = {atoi(word[0]), atoi(word[1])}, to[] = {atoi(word[3]), atoi(word[4])};
    int channels = atoi(word[2]);
    size_t plane = (size_t)(from[0] * from[1]), columns = (size_t)from[1];
    nb_resample r;
    from_hex(word[5], &pixels);
    from_hex(word[6], &expected);
    assert_int_equal(nb_resample_init(ctx, &r, channels, from, to), NB_OK);
    for (int again = 0; again < 2; again++) {
        nb_resample_begin(&r);
        for (size_t i = 0; i < (size_t)from[0]; i++) {
            uint8_t row[FILE_MAX];
            for (size_t c = 0; c < (size_t)channels; c++)
                memcpy(row + c * columns, pixels.data + c * plane + i * columns, columns);
            nb_resample_add(&r, row);
        }
        nb_resample_take(&r, out);
        if (memcmp(out, expected.data, expected.size) != 0)
            fail_msg("%sx%s to %sx%s gives other pixels", word[0], word[1], word[3], word[4]);
    }
    nb_resample_free(&r);
}

static void other_sizes(void **state)
{
    (void)state;
    assert_true(each_golden("resample", check_resample) > 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind),
        TEST(packed_once_more),
        TEST(cut_anywhere),
        TEST(what_is_no_image),
        TEST(headers_of_text),
        TEST(pixels_of_text),
        TEST(sizes_that_lie),
        TEST(damage),
        TEST(colours_that_are_not_there),
        TEST(thousands_of_mutations),
        TEST(memory_ending_at_every_request),
        TEST(interrupted),
        TEST(greys_of_colours),
        TEST(transparency),
        TEST(other_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
