/* Would catch: pieces that are longer than kitty's protocol allows or are not marked as more or
 * last, pixels or sizes that are not those of the picture, elements that are no whole rectangles,
 * colours that sixel loses where it has enough of them, sizes that are not checked, and memory that
 * is lost when it ends. What is written is read here from the descriptions of both protocols. */
#include "../../support.h"

#include "base/memory.h"
#include "io/picture/way.h"

#include <signal.h>
#include <stdio.h>
#include <zlib.h>

enum { SIDE = 600, PIXELS = SIDE * SIDE * 3, PIECE = 4096 };

/* What a terminal has made of what it got. */
static struct {
    int wide, high, cells_wide, cells_high, pieces;
    uint8_t pixel[PIXELS];
} seen;

/* ---- Kitty ---- */

static int value_of(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(letters, letter);
    assert_true(letter && at);
    return (int)(at - letters);
}

/* Adds the bytes of a piece of base64. */
static void unbase(const char *text, size_t length, uint8_t *to, size_t *count)
{
    assert_int_equal(length % 4, 0);
    for (size_t i = 0; i < length; i += 4) {
        int padding = (text[i + 3] == '=') + (text[i + 2] == '=');
        uint32_t three = 0;
        for (int k = 0; k < 4; k++)
            three = three << 6 | (uint32_t)(k < 4 - padding ? value_of(text[i + (size_t)k]) : 0);
        for (int k = 0; k < 3 - padding; k++) to[(*count)++] = (uint8_t)(three >> (16 - 8 * k));
        assert_true(padding == 0 || i + 4 == length);
    }
}

static int number_at(const char *keys, size_t length, const char *key)
{
    char text[128];
    assert_true(length < sizeof text);
    memcpy(text, keys, length);
    text[length] = '\0';
    const char *at = strstr(text, key);
    return at && (at == text || at[-1] == ',') ? atoi(at + strlen(key)) : -1;
}

static void read_kitty(const char *text)
{
    static uint8_t packed[PIXELS];
    size_t count = 0;
    int more = 1;
    seen.pieces = 0;
    for (const char *at = text; *at;) {
        assert_int_equal(more, 1);
        assert_int_equal(strncmp(at, "\033_G", 3), 0);
        const char *keys = at + 3, *data = strchr(keys, ';') + 1, *end = strstr(data, "\033\\");
        size_t length = (size_t)(data - 1 - keys), bytes = (size_t)(end - data);
        assert_true(bytes <= PIECE);
        more = number_at(keys, length, "m=");
        assert_true(more == 0 || bytes == PIECE);
        if (seen.pieces++ == 0) {
            assert_int_equal(strncmp(keys, "a=T,q=2,f=24,o=z,", 17), 0);
            seen.wide = number_at(keys, length, "s=");
            seen.high = number_at(keys, length, "v=");
            seen.cells_wide = number_at(keys, length, "c=");
            seen.cells_high = number_at(keys, length, "r=");
        } else {
            assert_int_equal(length, 3);
        }
        unbase(data, bytes, packed, &count);
        at = end + 2;
    }
    assert_int_equal(more, 0);
    uLongf size = sizeof seen.pixel;
    assert_int_equal(uncompress(seen.pixel, &size, packed, count), Z_OK);
    assert_int_equal(size, seen.wide * seen.high * 3);
}

/* ---- Sixel ---- */

static int next_number(const char **at)
{
    char *end;
    long number = strtol(*at, &end, 10);
    *at = end;
    return (int)number;
}

/* "#n;2;r;g;b" says what colour n is, "#n" takes it. */
static int read_colour(const char **at, uint8_t palette[256][3])
{
    ++*at;
    int number = next_number(at), kind = 0;
    assert_in_range(number, 0, 255);
    for (int i = -1; i < 3 && **at == ';'; i++) {
        ++*at;
        int value = next_number(at);
        if (i < 0)
            kind = value;
        else
            palette[number][i] = (uint8_t)((value * 255 + 50) / 100);
    }
    assert_true(kind == 0 || kind == 2);
    return number;
}

static void paint(int letter, int column, int band, const uint8_t *colour)
{
    assert_in_range(letter, '?', '~');
    for (int bit = 0; bit < 6; bit++) {
        int row = 6 * band + bit;
        if (!((letter - '?') >> bit & 1)) continue;
        assert_true(row < seen.high && column < seen.wide);
        memcpy(seen.pixel + 3 * (row * seen.wide + column), colour, 3);
    }
}

static void read_sixel(const char *text)
{
    static uint8_t palette[256][3];
    int column = 0, band = 0, colour = 0, times = 1;
    assert_int_equal(strncmp(text, "\033P", 2), 0);
    const char *at = strchr(text, 'q') + 1;
    assert_int_equal(sscanf(at, "\"%*d;%*d;%d;%d", &seen.wide, &seen.high), 2);
    memset(seen.pixel, 0xA5, sizeof seen.pixel);
    for (at += 1 + strspn(at + 1, "0123456789;"); *at != 033;) {
        if (*at == '#') {
            colour = read_colour(&at, palette);
            continue;
        }
        if (*at == '!') {
            at++;
            times = next_number(&at);
        }
        if (*at == '$' || *at == '-') {
            band += *at == '-';
            column = 0;
        } else {
            for (; times > 0; times--) paint(*at, column++, band, palette[colour]);
        }
        times = 1;
        at++;
    }
    assert_string_equal(at, "\033\\");
}

/* ---- The tests ---- */

/* rows x columns elements of as many colours as there are, up to `colours`, which sixel can name:
 * hundredths. */
static uint8_t *elements(int rows, int columns, int colours)
{
    uint8_t *pixels = malloc((size_t)(rows * columns) * 3);
    for (int i = 0; i < rows * columns; i++) {
        int n = i % colours, share[3] = {n % 101, n / 101 * 20 % 101, (n * 7) % 101};
        for (int k = 0; k < 3; k++) pixels[3 * i + k] = (uint8_t)((share[k] * 255 + 50) / 100);
    }
    return pixels;
}

/* Every pixel is that of its element; `error` in a colour. */
static void check_pixels(const uint8_t *from, int rows, int columns, int error)
{
    for (int i = 0; i < seen.high; i++)
        for (int j = 0; j < seen.wide; j++)
            for (int k = 0; k < 3; k++) {
                int wanted =
                    from[3 * (i * rows / seen.high * columns + j * columns / seen.wide) + k];
                int got = seen.pixel[3 * (i * seen.wide + j) + k];
                assert_in_range(got - wanted + error, 0, 2 * error);
            }
}

static const struct {
    int rows, columns, high, wide;
} sizes[] = {{1, 1, 1, 1}, {8, 8, 240, 240}, {3, 5, 7, 11}, {1, 300, 5, 300}, {41, 37, 500, 600}};

static void try_sizes(const nb_picture_way *way, void (*read)(const char *), int error)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *from = elements(sizes[i].rows, sizes[i].columns, 250);
        nb_picture picture = {
            .rows = sizes[i].high, .columns = sizes[i].wide, .high = 12, .wide = 34};
        nb_text text;
        nb_text_init(&text, ctx);
        assert_int_equal(
            nb_picture_write(ctx, way, &picture, from, sizes[i].rows, sizes[i].columns, &text),
            NB_OK);
        read(nb_text_get(&text));
        assert_int_equal(seen.high, sizes[i].high);
        assert_int_equal(seen.wide, sizes[i].wide);
        check_pixels(from, sizes[i].rows, sizes[i].columns, error);
        nb_text_free(&text);
        free(from);
    }
}

static void kitty_holds_every_pixel(void **state)
{
    (void)state;
    try_sizes(&nb_way_kitty, read_kitty, 0);
    assert_int_equal(seen.cells_wide, 34);
    assert_int_equal(seen.cells_high, 12);
}

/* What does not pack well comes in many pieces. */
static void kitty_cuts_in_pieces(void **state)
{
    (void)state;
    uint8_t *from = malloc(PIXELS);
    for (int i = 0; i < PIXELS; i++) from[i] = (uint8_t)(rand() >> 7);
    for (int rows = 1; rows <= SIDE; rows = rows < 8 ? rows + 1 : rows + 197) {
        nb_picture picture = {.rows = rows, .columns = SIDE, .high = 2, .wide = 2};
        nb_text text;
        nb_text_init(&text, ctx);
        assert_int_equal(nb_picture_write(ctx, &nb_way_kitty, &picture, from, rows, SIDE, &text),
                         NB_OK);
        read_kitty(nb_text_get(&text));
        assert_int_equal(seen.pieces, (int)((strlen(nb_text_get(&text)) + PIECE) / (PIECE + 8)));
        check_pixels(from, rows, SIDE, 0);
        nb_text_free(&text);
    }
    free(from);
}

static void sixel_holds_every_pixel(void **state)
{
    (void)state;
    if (nb_way_sixel.lacks) skip();
    try_sizes(&nb_way_sixel, read_sixel, 2);
}

/* Of more than 256 colours the nearest are there on the whole: the mean of every eighth of a
 * picture is that of its own. */
static void sixel_chooses_colours(void **state)
{
    (void)state;
    if (nb_way_sixel.lacks) skip();
    uint8_t *from = malloc(PIXELS);
    for (int i = 0; i < SIDE * SIDE; i++) {
        from[3 * i] = (uint8_t)(i / SIDE * 255 / SIDE);
        from[3 * i + 1] = (uint8_t)(i % SIDE * 255 / SIDE);
        from[3 * i + 2] = 128;
    }
    nb_picture picture = {.rows = SIDE, .columns = SIDE, .high = 2, .wide = 2};
    nb_text text;
    nb_text_init(&text, ctx);
    assert_int_equal(nb_picture_write(ctx, &nb_way_sixel, &picture, from, SIDE, SIDE, &text),
                     NB_OK);
    read_sixel(nb_text_get(&text));
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++) {
            long wanted = 0, got = 0, count = PIXELS / 8;
            for (long at = count * i + k; at < count * (i + 1); at += 3) {
                wanted += from[at];
                got += seen.pixel[at];
            }
            assert_true(labs(got - wanted) <= 6 * count / 3);
        }
    nb_text_free(&text);
    free(from);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    static const int64_t wrong[][2] = {{0, 1},
                                       {1, 0},
                                       {-1, 1},
                                       {NB_PICTURE_SIDE + 1, 1},
                                       {1, NB_PICTURE_SIDE + 1},
                                       {NB_PICTURE_SIDE, NB_PICTURE_MOST / NB_PICTURE_SIDE + 1}};
    uint8_t pixel[3] = {0};
    nb_text text;
    nb_text_init(&text, ctx);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        nb_picture picture = {.rows = wrong[i][0], .columns = wrong[i][1], .high = 1, .wide = 1};
        assert_int_equal(nb_picture_write(ctx, &nb_way_kitty, &picture, pixel, 1, 1, &text),
                         NB_EARG);
    }
    nb_picture picture = {.rows = 1, .columns = NB_PICTURE_SIDE, .high = 1, .wide = 1};
    assert_int_equal(nb_picture_write(ctx, &nb_way_kitty, &picture, pixel, 0, 1, &text), NB_EARG);
    assert_int_equal(nb_picture_write(ctx, &nb_way_kitty, &picture, pixel, 1, 0, &text), NB_EARG);
    assert_int_equal(nb_picture_write(ctx, &nb_way_kitty, &picture, pixel, 1, 1, &text), NB_OK);
    nb_text_free(&text);
}

static void ways_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(nb_picture_way_find("kitty"), &nb_way_kitty);
    assert_ptr_equal(nb_picture_way_find("sixel"), &nb_way_sixel);
    assert_ptr_equal(nb_picture_way_find("blocks"), &nb_way_blocks);
    assert_null(nb_picture_way_find("auto"));
    assert_null(nb_picture_way_find(""));
}

static nb_status write_once(const nb_picture_way *way)
{
    static uint8_t pixels[64 * 64 * 3]; /* of many colours */
    for (int i = 0; i < 64 * 64 * 3; i++) pixels[i] = (uint8_t)((i * 7919) >> 3);
    nb_picture picture = {.rows = 64, .columns = 64, .high = 1, .wide = 1};
    nb_text text;
    nb_text_init(&text, ctx);
    nb_status status = nb_picture_write(ctx, way, &picture, pixels, 64, 64, &text);
    nb_text_free(&text);
    return status;
}

static void memory_may_end(void **state)
{
    (void)state;
    ctx->memory.pool_cap = 0;
    for (const nb_picture_way *const *way = nb_picture_ways; *way; way++) {
        nb_status status = NB_EMEMORY;
        if (!(*way)->write) continue;
        for (int i = 1; status == NB_EMEMORY; i++) {
            ctx->memory.fail_at = ctx->memory.requests + (uint64_t)i;
            size_t live = ctx->memory.live;
            status = write_once(*way);
            assert_int_equal(ctx->memory.live, live);
        }
        ctx->memory.fail_at = 0;
        assert_int_equal(status, NB_OK);
    }
}

static void heeds_ctrl_c(void **state)
{
    (void)state;
    static volatile sig_atomic_t pressed = 1;
    ctx->interrupt = &pressed;
    for (const nb_picture_way *const *way = nb_picture_ways; *way; way++)
        if ((*way)->write) assert_int_equal(write_once(*way), NB_EINTERRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kitty_holds_every_pixel, setup, teardown),
        cmocka_unit_test_setup_teardown(kitty_cuts_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(sixel_holds_every_pixel, setup, teardown),
        cmocka_unit_test_setup_teardown(sixel_chooses_colours, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(ways_have_names, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end, setup, teardown),
        cmocka_unit_test_setup_teardown(heeds_ctrl_c, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
