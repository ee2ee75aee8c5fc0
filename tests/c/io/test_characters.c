/* Would catch: characters that are cut where a block ends, numbers out of order, a mark that
 * becomes a character, wrong places in messages, 256 characters that take two bytes or 257 that
 * take one, and files that change between the two passes. */
#include "files.h"

#include "base/escape.h"
#include "io/characters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 << 10 }; /* bytes that the reader takes at once */

static nb_characters read_text(const char *text, size_t size, bool bytes)
{
    nb_characters out;
    assert_int_equal(nb_characters_read(ctx, write_file("t.txt", text, size), bytes, &out), NB_OK);
    return out;
}

static int number_at(const nb_characters *of, int64_t i)
{
    return of->size == 1 ? ((const uint8_t *)of->numbers->data)[i]
                         : ((const uint16_t *)of->numbers->data)[i];
}

/* The text has this vocabulary and these numbers. */
static void check(const char *text, size_t size, bool bytes, int points, const int32_t *point,
                  int count, const int *numbers)
{
    nb_characters of = read_text(text, size, bytes);
    assert_int_equal(of.points, points);
    assert_int_equal(of.size, 1);
    for (int i = 0; i < points; i++) assert_int_equal(of.point[i], point[i]);
    assert_int_equal(of.count, count);
    for (int i = 0; i < count; i++) assert_int_equal(number_at(&of, i), numbers[i]);
    nb_characters_free(ctx, &of);
}

#define TEXT(s) s, sizeof s - 1
#define POINTS(...)                                                                                \
    sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), (int32_t[])                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NUMBERS(...)                                                                               \
    sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[])                                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void vocabularies(void **state)
{
    (void)state;
    check(TEXT("hello"), false, POINTS('e', 'h', 'l', 'o'), NUMBERS(1, 0, 2, 2, 3));
    check(TEXT("a"), false, POINTS('a'), NUMBERS(0));
    check(TEXT("b\r\n\0b"), false, POINTS(0, '\n', '\r', 'b'), NUMBERS(3, 2, 1, 0, 3));
    check(TEXT("z\xC3\xA4\xE2\x88\x87\xF0\x9F\x98\x80z"), false, POINTS('z', 0xE4, 0x2207, 0x1F600),
          NUMBERS(0, 1, 2, 3, 0));
    check(TEXT("\xC3\xA4\xFF"), true, POINTS(0xA4, 0xC3, 0xFF), NUMBERS(1, 0, 2));
}

/* The mark is no character of UTF-8, in the midst and among bytes it is. */
static void mark(void **state)
{
    (void)state;
    check(TEXT("\xEF\xBB\xBF"
               "ba"),
          false, POINTS('a', 'b'), NUMBERS(1, 0));
    check(TEXT("b\xEF\xBB\xBF"), false, POINTS('b', 0xFEFF), NUMBERS(0, 1));
    check(TEXT("\xEF\xBB\xBF"), true, POINTS(0xBB, 0xBF, 0xEF), NUMBERS(2, 0, 1));
}

/* A character of four bytes at every place around the end of a block. */
static void across_blocks(void **state)
{
    (void)state;
    char *text = malloc(2 * BLOCK);
    for (size_t before = BLOCK - 5; before <= BLOCK + 1; before++) {
        memset(text, 'a', 2 * BLOCK);
        memcpy(text + before, "\xF0\x9F\x98\x80", 4);
        nb_characters of = read_text(text, 2 * BLOCK, false);
        assert_int_equal(of.count, 2 * BLOCK - 3);
        assert_int_equal(of.points, 2);
        for (int64_t i = 0; i < of.count; i++)
            assert_int_equal(number_at(&of, i), i == (int64_t)before);
        nb_characters_free(ctx, &of);
    }
    free(text);
}

static void packed(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = gzip("noon", 4, &size);
    nb_characters of;
    assert_int_equal(nb_characters_read(ctx, write_file("t.gz", data, size), false, &of), NB_OK);
    assert_int_equal(of.count, 4);
    assert_int_equal(of.points, 2);
    nb_characters_free(ctx, &of);
    free(data);
}

static void refuse(const char *text, size_t size, const char *words)
{
    nb_characters out;
    const char *path = write_file("bad.txt", text, size);
    assert_int_equal(nb_characters_read(ctx, path, false, &out), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "bad.txt");
    assert_failed(NB_EFORMAT, words);
    assert_null(out.numbers);
}

static void bad_text(void **state)
{
    (void)state;
    refuse("", 0, "holds no character");
    refuse(TEXT("\xEF\xBB\xBF"), "holds no character");
    refuse(TEXT("ab\xFF"), "byte 3, in line 1, is no UTF-8 (0xFF); bytes = true");
    refuse(TEXT("a\nb\n\nc\xE4"
                "defgh"),
           "byte 7, in line 4, is no UTF-8 (0xE4)");
    refuse(TEXT("\xEF\xBB\xBF"
                "a\xC3"),
           "byte 5, in line 1, is no UTF-8 (0xC3)");
    refuse(TEXT("ab\xE2\x88"), "byte 3, in line 1");
    refuse(TEXT("\xED\xA0\x80"
                "abcd"),
           "byte 1, in line 1"); /* a surrogate */
    refuse(TEXT("\xC0\x80"
                "abcd"),
           "byte 1, in line 1"); /* overlong */
    char *text = malloc(BLOCK);
    memset(text, '\n', BLOCK);
    text[BLOCK - 1] = '\xC3'; /* a character that both block and file cut */
    refuse(text, BLOCK, "byte 65536, in line 65536");
    free(text);
    nb_characters out;
    assert_int_equal(nb_characters_read(ctx, path_of("none.txt"), false, &out), NB_EIO);
}

/* A text of code points from `first` on, surrogates passed over. */
static nb_characters read_points(uint32_t first, uint32_t count, nb_status *status)
{
    char *text = malloc((size_t)count * 4 + 1);
    size_t size = 0;
    nb_characters out;
    for (uint32_t p = first; count > 0; p++) {
        if (p >= 0xD800 && p < 0xE000) continue;
        size += nb_utf8_write(p, text + size);
        count--;
    }
    *status = nb_characters_read(ctx, write_file("points.txt", text, size), false, &out);
    free(text);
    return out;
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        uint32_t count;
        size_t size;
    } cases[] = {{256, 1}, {257, 2}, {NB_CHARACTERS_MAX, 2}};
    nb_status status;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        nb_characters of = read_points(1, cases[c].count, &status);
        assert_int_equal(status, NB_OK);
        assert_int_equal(of.points, cases[c].count);
        assert_int_equal(of.size, cases[c].size);
        assert_int_equal(of.numbers->bytes, cases[c].count * cases[c].size);
        for (int64_t i = 0; i < of.count; i++) assert_int_equal(number_at(&of, i), i);
        nb_characters_free(ctx, &of);
    }
    read_points(1, NB_CHARACTERS_MAX + 1, &status);
    assert_failed(NB_EFORMAT, "holds 65537 different characters; a vocabulary has at most 65536");
}

/* Someone writes to the file when the first pass is over: the meter is told of half the work. */
static void meddle(void *self, const char *what, double share)
{
    (void)what;
    if (share == 0.5) write_file("t.txt", self, strlen(self));
}

static void no_end(void *self)
{
    (void)self;
}

static void changes(void **state)
{
    (void)state;
    static char instead[][8] = {"abcb", "abca", "abcabc", "abcx", "ab", "", "ab\xFF"};
    for (size_t i = 0; i < sizeof instead / sizeof instead[0]; i++) {
        nb_meter meter = {.tell = meddle, .end = no_end, .self = instead[i]};
        nb_characters of;
        const char *path = write_file("t.txt", "abca", 4);
        ctx->meter = &meter;
        nb_status status = nb_characters_read(ctx, path, false, &of);
        ctx->meter = NULL;
        bool fits = i < 2; /* the same characters, in whichever order */
        assert_int_equal(status, fits ? NB_OK : NB_EFORMAT);
        if (!fits) assert_failed(NB_EFORMAT, i == 6 ? "no UTF-8" : "changed while it was read");
        nb_characters_free(ctx, &of);
    }
}

static void interrupt(void **state)
{
    (void)state;
    static const volatile sig_atomic_t pressed = 1;
    nb_characters of;
    const char *path = write_file("t.txt", "abca", 4);
    ctx->interrupt = &pressed;
    assert_int_equal(nb_characters_read(ctx, path, false, &of), NB_EINTERRUPT);
    ctx->interrupt = NULL;
}

static nb_status attempt(void *path)
{
    nb_characters of;
    nb_status status = nb_characters_read(ctx, path, false, &of);
    nb_characters_free(ctx, &of);
    return status;
}

static void memory_ends(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s", write_file("t.txt", "hello\xC3\xA4", 7));
    sweep_failing_requests(attempt, path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vocabularies), TEST(mark),    TEST(across_blocks), TEST(packed),      TEST(bad_text),
        TEST(sizes),        TEST(changes), TEST(interrupt),     TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("characters", tests, NULL, NULL);
}
