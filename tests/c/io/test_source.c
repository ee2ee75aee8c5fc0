/* Would catch: bytes lost or doubled at the seams (window, gzip members, the look for the end),
 * damage that passes as data, and paths on which opening hangs. */
#include "files.h"

#include "io/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 300 * 1000 + 7 }; /* more than two windows, and not a multiple */

/* Bytes without a pattern that deflate could use. */
static uint8_t *noise(size_t size)
{
    uint8_t *data = malloc(size);
    assert_non_null(data);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        data[i] = (uint8_t)(state >> 24);
    }
    return data;
}

/* Reads a source to its end in pieces of `piece` bytes, looking for the end before each: what came
 * must be `data`. The first failure, or NB_OK. */
static nb_status read_in_pieces(nb_source *source, const uint8_t *data, size_t size, size_t piece)
{
    uint8_t *into = malloc(piece);
    nb_status status = NB_OK;
    for (size_t at = 0; !status && at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        bool end = nb_source_at_end(source);
        status = nb_source_read(source, into, n, "the test");
        if (!status) assert_false(end);
        if (!status) assert_memory_equal(into, data + at, n);
        if (!status) assert_int_equal(nb_source_position(source), at + n);
    }
    free(into);
    if (status) return status;
    assert_true(nb_source_at_end(source));
    return nb_source_read(source, NULL, 0, "the end");
}

static nb_status read_memory(const void *packed, size_t packed_size, const uint8_t *data,
                             size_t size, size_t piece)
{
    nb_source *source = nb_source_memory(ctx, "m.gz", packed, packed_size);
    assert_non_null(source);
    nb_status status = read_in_pieces(source, data, size, piece);
    nb_source_close(source);
    return status;
}

static void memory_is_read_to_its_end(void **state)
{
    (void)state;
    const uint8_t data[] = "abcdef";
    nb_source *source = nb_source_memory(ctx, "a name", data, 6);
    char into[8] = "";
    assert_string_equal(nb_source_name(source), "a name");
    assert_int_equal(nb_source_most(source), 6);
    assert_int_equal(nb_source_read(source, into, 4, "it"), NB_OK);
    assert_string_equal(into, "abcd");
    assert_int_equal(nb_source_most(source), 2);
    assert_false(nb_source_at_end(source));
    assert_int_equal(nb_source_read(source, into, 3, "its header"), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "a name ends after 6 bytes; its header needs 7");
    assert_true(nb_source_at_end(source));
    nb_source_close(source);
    nb_source_close(NULL);
}

static void nothing_at_all(void **state)
{
    (void)state;
    nb_source *source = nb_source_open(ctx, write_file("empty", "", 0));
    assert_non_null(source);
    assert_int_equal(nb_source_most(source), 0);
    assert_true(nb_source_at_end(source));
    assert_int_equal(nb_source_read(source, NULL, 0, "nothing"), NB_OK);
    char c;
    assert_int_equal(nb_source_read(source, &c, 1, "its header"), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "ends after 0 bytes; its header needs 1");
    nb_source_close(source);
}

static void a_large_file_in_any_pieces(void **state)
{
    (void)state;
    uint8_t *data = noise(LARGE);
    size_t packed_size;
    uint8_t *packed = gzip(data, LARGE, &packed_size);
    const char *plain = write_file("plain", data, LARGE);
    const char *zipped = write_file("zipped", packed, packed_size);
    const size_t pieces[] = {1000, 4093, 131072, LARGE};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (int k = 0; k < 2; k++) {
            nb_source *source = nb_source_open(ctx, k == 0 ? plain : zipped);
            assert_non_null(source);
            assert_int_equal(read_in_pieces(source, data, LARGE, pieces[i]), NB_OK);
            nb_source_close(source);
        }
    }
    free(packed);
    free(data);
}

static void a_file_that_shrinks_just_ends(void **state)
{
    (void)state;
    uint8_t *data = noise(LARGE);
    const char *path = write_file("plain", data, LARGE);
    nb_source *source = nb_source_open(ctx, path);
    assert_non_null(source);
    assert_int_equal(truncate(path, 200 * 1000), 0);
    assert_int_equal(nb_source_read(source, data, LARGE, "it"), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "ends after 200000 bytes; it needs 300007");
    nb_source_close(source);
    free(data);
}

/* The format lets members follow each other, empty ones too. */
static void gzip_of_several_members(void **state)
{
    (void)state;
    size_t a_size, b_size, empty_size;
    uint8_t *a = gzip("first ", 6, &a_size), *b = gzip("second", 6, &b_size);
    uint8_t *empty = gzip("", 0, &empty_size);
    uint8_t all[256];
    size_t size = 0;
    const uint8_t *parts[] = {empty, a, empty, b, empty};
    const size_t sizes[] = {empty_size, a_size, empty_size, b_size, empty_size};
    for (int i = 0; i < 5; i++) {
        memcpy(all + size, parts[i], sizes[i]);
        size += sizes[i];
    }
    for (size_t piece = 1; piece <= 12; piece++) {
        assert_int_equal(read_memory(all, size, (const uint8_t *)"first second", 12, piece), NB_OK);
    }
    free(a);
    free(b);
    free(empty);
}

/* Zeros behind it fill a block of a tape or a disk, however many; what stands behind them is an
 * error. */
static void gzip_padded_with_zeros(void **state)
{
    static const size_t padding[] = {1, 2, 511, 65536, 200000};
    size_t size;
    (void)state;
    uint8_t *packed = gzip("abc", 3, &size);
    for (size_t i = 0; i < sizeof padding / sizeof *padding; i++) {
        size_t whole = size + padding[i];
        uint8_t *padded = calloc(whole + 1, 1);
        assert_non_null(padded);
        memcpy(padded, packed, size);
        assert_int_equal(read_memory(padded, whole, (const uint8_t *)"abc", 3, 3), NB_OK);
        padded[whole] = 1;
        assert_int_equal(read_memory(padded, whole + 1, (const uint8_t *)"abc", 3, 3), NB_EFORMAT);
        free(padded);
    }
    free(packed);
}

static void gzip_ending_in_a_read_says_unpacked(void **state)
{
    (void)state;
    size_t size;
    uint8_t *packed = gzip("abc", 3, &size);
    char into[4];
    nb_source *source = nb_source_memory(ctx, "m.gz", packed, size);
    assert_int_equal(nb_source_read(source, into, 4, "its header"), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "m.gz ends after 3 unpacked bytes; its header needs 4");
    nb_source_close(source);
    free(packed);
}

/* Cut inside its last member, whatever was inflated before, a file must not pass for whole. */
static void gzip_cut_short_at_every_byte(void **state)
{
    (void)state;
    const uint8_t text[] = "some text, some more text, and the same text again";
    size_t size;
    uint8_t *packed = gzip(text, sizeof text, &size);
    for (size_t n = 0; n < size; n++) {
        assert_int_equal(read_memory(packed, n, text, sizeof text, 7), NB_EFORMAT);
        if (n >= 2) assert_failed(NB_EFORMAT, "m.gz is cut short: its gzip data stop after ");
    }
    assert_int_equal(read_memory(packed, size, text, sizeof text, 7), NB_OK);
    free(packed);
}

/* Some bits mean nothing (a flag, time and system in the header, the rest of deflate's last byte);
 * every other flip must show. */
static void gzip_with_any_bit_flipped(void **state)
{
    (void)state;
    const uint8_t text[] = "some text, some more text, and the same text again";
    size_t size;
    uint8_t *packed = gzip(text, sizeof text, &size);
    for (size_t bit = 24; bit < 8 * size; bit++) {
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        nb_source *source = nb_source_memory(ctx, "m.gz", packed, size);
        assert_non_null(source);
        uint8_t into[sizeof text];
        bool passed = nb_source_read(source, into, sizeof text, "it") == NB_OK &&
                      nb_source_at_end(source) && nb_source_read(source, NULL, 0, "it") == NB_OK;
        if (passed) assert_memory_equal(into, text, sizeof text);
        if (passed) assert_true((bit / 8 >= 3 && bit / 8 <= 9) || bit / 8 == size - 9);
        nb_source_close(source);
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(packed);
}

static void gzip_with_a_wrong_checksum(void **state)
{
    (void)state;
    size_t size;
    uint8_t *packed = gzip("abc", 3, &size);
    packed[size - 8] ^= 1;
    assert_int_equal(read_memory(packed, size, (const uint8_t *)"abc", 3, 3), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "m.gz is damaged: its gzip data fail after 3 unpacked bytes "
                              "(incorrect data check)");
    free(packed);
}

/* A failure of the look for the end is not lost, however often one looks and reads on. */
static void a_failure_at_the_end_shows_at_the_next_read(void **state)
{
    (void)state;
    size_t size;
    uint8_t *packed = gzip("abc", 3, &size);
    char into[3];
    nb_source *source = nb_source_memory(ctx, "m.gz", packed, size - 8);
    assert_int_equal(nb_source_read(source, into, 3, "it"), NB_OK);
    assert_int_equal(nb_source_read(source, into, 0, "it"), NB_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(nb_source_at_end(source));
        nb_fail(ctx, NB_EARG, "something else");
        assert_int_equal(nb_source_read(source, into, (size_t)i, "it"), NB_EFORMAT);
        assert_failed(NB_EFORMAT, "m.gz is cut short: its gzip data stop after 3 unpacked bytes");
    }
    nb_source_close(source);
    free(packed);
}

static void gzip_with_something_behind(void **state)
{
    (void)state;
    size_t size;
    uint8_t *packed = gzip("abc", 3, &size);
    packed = realloc(packed, size + 4);
    assert_non_null(packed);
    memcpy(packed + size, "more", 4);
    assert_int_equal(read_memory(packed, size + 4, (const uint8_t *)"abc", 3, 3), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "m.gz is damaged");
    free(packed);
}

/* Deflate at its best: the bound must hold at every step and not be far off. */
static void most_bounds_what_comes(void **state)
{
    (void)state;
    enum { ZEROS = 4 << 20, STEP = 9973 };
    size_t size;
    uint8_t *data = calloc(ZEROS, 1), into[STEP];
    uint8_t *packed = gzip(data, ZEROS, &size);
    assert_true(size * 1000 < ZEROS);
    nb_source *source = nb_source_memory(ctx, "m.gz", packed, size);
    assert_true(nb_source_most(source) < ZEROS + ZEROS / 8);
    for (size_t left = ZEROS; left > STEP; left -= STEP) {
        assert_true(nb_source_most(source) >= left);
        assert_int_equal(nb_source_read(source, into, STEP, "it"), NB_OK);
    }
    nb_source_close(source);
    free(packed);
    free(data);
}

/* The file's begin decides, not its name: 1f 8b of another method is no gzip. */
static void what_only_begins_like_gzip_is_plain(void **state)
{
    (void)state;
    const uint8_t other[] = {0x1f, 0x8b, 0x07, 0x00};
    assert_int_equal(read_memory(other, 4, other, 4, 4), NB_OK);
    assert_int_equal(read_memory(other, 1, other, 1, 1), NB_OK);
}

/* Parts of a file and of memory, plain ones, while the whole is being read. */
static void parts_leave_the_whole_where_it_was(void **state)
{
    (void)state;
    const uint8_t text[] = "0123456789abcdef";
    const nb_part part = {.offset = 10, .packed = 4};
    for (int k = 0; k < 2; k++) {
        char into[8] = "";
        nb_source *whole = k == 0 ? nb_source_memory(ctx, "whole", text, 16)
                                  : nb_source_open(ctx, write_file("whole", text, 16));
        assert_non_null(whole);
        assert_int_equal(nb_source_raw_size(whole), 16);
        assert_int_equal(nb_source_read(whole, into, 2, "it"), NB_OK);
        nb_source *first = nb_source_part(whole, "a part", &part);
        nb_source *second = nb_source_part(whole, "a part", &part);
        assert_int_equal(nb_source_most(first), 4);
        assert_int_equal(nb_source_read(first, into, 3, "it"), NB_OK);
        assert_memory_equal(into, "abc", 3);
        assert_int_equal(nb_source_read(second, into, 4, "it"), NB_OK);
        assert_memory_equal(into, "abcd", 4);
        assert_true(nb_source_at_end(second));
        nb_source_close(second);
        assert_int_equal(nb_source_read(first, into, 2, "it"), NB_EFORMAT);
        assert_failed(NB_EFORMAT, "a part ends after 4 bytes; it needs 5");
        nb_source_close(first);
        assert_int_equal(nb_source_read(whole, into, 3, "it"), NB_OK);
        assert_memory_equal(into, "234", 3);
        nb_source_close(whole);
    }
}

/* The end of the part that `part` says, after all its `bytes` bytes were read. */
static nb_status end_of_part(const uint8_t *raw, size_t size, const nb_part *part, size_t bytes)
{
    char into[64];
    nb_source *whole = nb_source_memory(ctx, "whole", raw, size);
    nb_source *source = nb_source_part(whole, "whole: part", part);
    nb_status status = nb_source_read(source, into, bytes, "it");
    for (int i = 0; !status && i < 2; i++) { /* it fails as often as it is asked */
        assert_true(nb_source_at_end(source));
        status = nb_source_read(source, NULL, 0, "the end");
    }
    nb_source_close(source);
    nb_source_close(whole);
    return status;
}

/* CRC-32 of "123456789" is cbf43926, the check value of every table of CRCs. */
static void what_a_directory_says_of_a_part_is_checked(void **state)
{
    (void)state;
    const uint8_t raw[] = "..123456789..";
    nb_part part = {.offset = 2, .packed = 9, .checked = true, .size = 9, .crc = 0xcbf43926};
    assert_int_equal(end_of_part(raw, 13, &part, 9), NB_OK);
    part.crc++;
    assert_int_equal(end_of_part(raw, 13, &part, 9), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "whole: part is damaged: its checksum is cbf43926; the directory "
                              "says cbf43927");
    part.crc--;
    part.size = 10;
    assert_int_equal(end_of_part(raw, 13, &part, 9), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "whole: part is damaged: it has 9 bytes; the directory says 10");
}

/* A deflate stream in a part: behind a gzip header of 10 bytes, in front of its trailer of 8. */
static void a_part_is_inflated(void **state)
{
    (void)state;
    size_t size;
    uint8_t *packed = gzip("123456789", 9, &size);
    packed[0] = 0; /* the whole is no gzip to be unpacked */
    nb_part part = {.offset = 10,
                    .packed = size - 18,
                    .deflated = true,
                    .checked = true,
                    .size = 9,
                    .crc = 0xcbf43926};
    assert_int_equal(end_of_part(packed, size, &part, 9), NB_OK);
    part.packed++;
    assert_int_equal(end_of_part(packed, size, &part, 9), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "whole: part is damaged: its deflate data end after ");
    part.packed -= 2;
    assert_int_equal(end_of_part(packed, size, &part, 9), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "whole: part is cut short: its deflate data stop after ");
    free(packed);
}

static void a_look_takes_nothing_away(void **state)
{
    (void)state;
    size_t size;
    const char *text = "0123456789abcdefghij";
    uint8_t *packed = gzip(text, 20, &size);
    for (int k = 0; k < 2; k++) {
        char into[32] = "", head[32] = "";
        nb_source *source = k == 0 ? nb_source_memory(ctx, "m", text, 20)
                                   : nb_source_memory(ctx, "m", packed, size);
        assert_int_equal(nb_source_peek(source, head, 3), 3);
        assert_int_equal(nb_source_peek(source, head, sizeof head), NB_PEEK_MAX);
        assert_memory_equal(head, text, NB_PEEK_MAX);
        assert_true(nb_source_most(source) >= 20);
        assert_int_equal(nb_source_position(source), 0);
        assert_int_equal(nb_source_read(source, into, 18, "it"), NB_OK);
        assert_memory_equal(into, text, 18);
        assert_int_equal(nb_source_peek(source, head, 8), 2);
        assert_memory_equal(head, "ij", 2);
        assert_int_equal(nb_source_read(source, into, 2, "it"), NB_OK);
        assert_int_equal(nb_source_peek(source, head, 8), 0);
        assert_true(nb_source_at_end(source));
        nb_source_close(source);
    }
    free(packed);
}

static void refuse(const char *path, const char *words)
{
    assert_null(nb_source_open(ctx, path));
    assert_failed(NB_EIO, words);
    assert_failed(NB_EIO, path);
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    write_file("file", "x", 1);
    refuse(path_of("nothing"), "cannot open ");
    refuse(path_of("nothing"), ": No such file or directory");
    refuse(path_of("file/below"), ": Not a directory");
    refuse(path_of("."), " is a directory, not a file");
    refuse("", ": No such file or directory");
}

static void what_is_no_file_does_not_hang(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    refuse(path_of("fifo"), " is not a regular file");
    refuse("/dev/null", " is not a regular file");
}

static void a_file_without_permission(void **state)
{
    (void)state;
    const char *path = write_file("secret", "x", 1);
    assert_int_equal(chmod(path, 0), 0);
    if (!become_anybody()) skip();
    nb_source *source = nb_source_open(ctx, path);
    become_root();
    assert_null(source);
    assert_failed(NB_EIO, ": Permission denied");
}

static void an_interrupt_stops_reading(void **state)
{
    (void)state;
    volatile sig_atomic_t pressed = 0;
    char into[3];
    size_t size;
    uint8_t *packed = gzip("abc", 3, &size);
    nb_source *source = nb_source_open(ctx, write_file("f.gz", packed, size));
    assert_non_null(source);
    ctx->interrupt = &pressed;
    pressed = 1;
    assert_int_equal(nb_source_read(source, into, 3, "it"), NB_EINTERRUPT);
    pressed = 0;
    assert_int_equal(nb_source_read(source, into, 3, "it"), NB_OK);
    ctx->interrupt = NULL;
    nb_source_close(source);
    free(packed);
}

static nb_status open_and_read(void *path)
{
    char into[50000];
    nb_source *source = nb_source_open(ctx, path);
    if (!source) return ctx->status;
    nb_status status = nb_source_read(source, into, 100, "it");
    if (!status) status = nb_source_read(source, into, sizeof into, "it");
    nb_source_close(source);
    return status;
}

static nb_status open_memory(void *arg)
{
    const uint8_t begin[] = {0x1f, 0x8b, 8};
    (void)arg;
    nb_source *source = nb_source_memory(ctx, "m.gz", begin, sizeof begin);
    nb_source_close(source);
    return source ? NB_OK : ctx->status;
}

/* zlib asks for memory at the start and again when its window is first needed. */
static void memory_ending_at_every_request(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = noise(LARGE);
    uint8_t *packed = gzip(data, LARGE, &size);
    char path[600];
    strcpy(path, write_file("f.gz", packed, size));
    sweep_failing_requests(open_and_read, path);
    strcpy(path, write_file("f", data, LARGE));
    sweep_failing_requests(open_and_read, path);
    sweep_failing_requests(open_memory, NULL);
    free(packed);
    free(data);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_is_read_to_its_end),
        TEST(nothing_at_all),
        TEST(a_large_file_in_any_pieces),
        TEST(a_file_that_shrinks_just_ends),
        TEST(gzip_of_several_members),
        TEST(gzip_padded_with_zeros),
        TEST(gzip_ending_in_a_read_says_unpacked),
        TEST(gzip_cut_short_at_every_byte),
        TEST(gzip_with_any_bit_flipped),
        TEST(gzip_with_a_wrong_checksum),
        TEST(a_failure_at_the_end_shows_at_the_next_read),
        TEST(gzip_with_something_behind),
        TEST(most_bounds_what_comes),
        TEST(what_only_begins_like_gzip_is_plain),
        TEST(parts_leave_the_whole_where_it_was),
        TEST(what_a_directory_says_of_a_part_is_checked),
        TEST(a_part_is_inflated),
        TEST(a_look_takes_nothing_away),
        TEST(what_cannot_be_opened),
        TEST(what_is_no_file_does_not_hang),
        TEST(a_file_without_permission),
        TEST(an_interrupt_stops_reading),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
