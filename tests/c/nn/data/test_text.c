/* Would catch: windows that begin a character early or late, a y that is not what follows, parts
 * that share what is judged, and names that a file or a text does not bring back. */
#include "nn/data/read/text.h"

#include "../../io/files.h"

#include "nn/data/words.h"

#include <stdio.h>
#include <string.h>

static nb_set *set_of(const char *text, int64_t steps, int64_t stride, double valid, double test)
{
    const nb_text_options options = {
        .steps = steps, .stride = stride, .valid = valid, .test = test};
    return nb_set_read_text(ctx, write_file("t.txt", text, strlen(text)), &options);
}

/* All rows as letters: "abc/def". */
static void assert_rows(nb_tensor *numbers, const char *expected)
{
    char text[128], *to = text;
    assert_non_null(numbers);
    for (int64_t i = 0; i < numbers->shape[0]; i++) {
        if (i > 0) *to++ = '/';
        for (int64_t k = 0; k < numbers->shape[1]; k++)
            *to++ = (char)('a' + (int)nb_tensor_get(numbers, (int64_t[]){i, k}) - 1);
    }
    *to = '\0';
    assert_string_equal(text, expected);
    nb_tensor_release(ctx, numbers);
}

static void check(const nb_set *set, const char *x, const char *y)
{
    assert_non_null(set);
    assert_rows(nb_set_x(ctx, set, NB_F32), x);
    assert_rows(nb_set_y(ctx, set, NB_F32), y);
}

static void rows(void **state)
{
    (void)state;
    static const struct {
        int64_t steps, stride;
        const char *x, *y;
    } cases[] = {
        {3, 3, "abc/def", "bcd/efg"},
        {2, 2, "ab/cd/ef", "bc/de/fg"},
        {6, 6, "abcdef", "bcdefg"},
        {4, 2, "abcd/cdef", "bcde/defg"},
        {2, 3, "ab/de", "bc/ef"},
        {5, 1, "abcde/bcdef", "bcdef/cdefg"},
        {1, 1, "a/b/c/d/e/f", "b/c/d/e/f/g"},
        {2, 99, "ab", "bc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nb_set *set = set_of("abcdefg", cases[i].steps, cases[i].stride, 0, 0);
        check(set, cases[i].x, cases[i].y);
        assert_null(set->train);
        assert_string_equal(set->name, "t");
        nb_set_release(ctx, set);
    }
    assert_null(set_of("abcdefg", 7, 7, 0, 0));
    assert_failed(NB_ESHAPE,
                  "t.txt holds 7 characters; a row of 7 steps and what follows it need 8");
}

/* Every dtype, in order and out of it, and scaled. */
static void dtypes(void **state)
{
    (void)state;
    nb_set *set = set_of("abcdefg", 3, 1, 0, 0);
    for (int dtype = 0; dtype < NB_DTYPES; dtype++) {
        nb_tensor *x = nb_tensor_new(ctx, (nb_dtype)dtype, 2, (int64_t[]){2, 3});
        const int32_t order[] = {3, 1};
        assert_int_equal(nb_set_gather(ctx, set, order, 0, 2, 0, x, NULL), NB_OK);
        assert_rows(x, "def/bcd");
    }
    nb_scale *scale = nb_scale_new(ctx, 3, (double[]){1, 0, 0}, (double[]){1, 2, 1});
    nb_set *scaled = nb_set_from(ctx, set->x, scale, NULL, NULL, NULL);
    nb_tensor *x = nb_set_x(ctx, scaled, NB_F64);
    assert_true(nb_tensor_get(x, (int64_t[]){1, 0}) == 1); /* b is 2, and 1 less */
    assert_true(nb_tensor_get(x, (int64_t[]){1, 1}) == 6);
    nb_tensor_release(ctx, x);
    nb_scale_release(ctx, scale);
    nb_set_release(ctx, scaled);
    nb_set_release(ctx, set);
}

/* More than 256 characters: their numbers take two bytes. */
static void many(void **state)
{
    (void)state;
    int32_t point[300];
    char text[1200], *to = text;
    for (int i = 0; i < 300; i++) point[i] = 0x4E00 + i;
    for (int i = 299; i >= 0; i--)
        to += sprintf(to, "%c%c%c", 0xE0 | point[i] >> 12, 0x80 | (point[i] >> 6 & 63),
                      0x80 | (point[i] & 63));
    nb_set *set = set_of(text, 299, 299, 0, 0);
    nb_tensor *x = nb_set_x(ctx, set, NB_I32), *y = nb_set_y(ctx, set, NB_I32);
    for (int k = 0; k < 299; k++) {
        assert_true(nb_tensor_get(x, (int64_t[]){0, k}) == 300 - k);
        assert_true(nb_tensor_get(y, (int64_t[]){0, k}) == 299 - k);
    }
    nb_tensor_release(ctx, x);
    nb_tensor_release(ctx, y);
    nb_set_release(ctx, set);
}

/* No character that the last part is asked for is one that the first was asked for. */
static void parts(void **state)
{
    (void)state;
    nb_set *set = set_of("abcdefghijk", 2, 2, 0.2, 0.4);
    check(set->train, "ab/cd", "bc/de");
    check(set->valid, "ef", "fg");
    check(set->test, "gh/ij", "hi/jk");
    nb_set_release(ctx, set);
    set = set_of("abcdefghijk", 3, 1, 0, 0.25); /* the last two of eight rows, from g on */
    assert_null(set->valid);
    check(set->train, "abc/bcd/cde/def", "bcd/cde/def/efg");
    check(set->test, "ghi/hij", "hij/ijk");
    nb_set *most, *rest;
    assert_int_equal(nb_set_split(ctx, set, 0.5, 1, &most, &rest), NB_EARG);
    assert_failed(NB_EARG, "the rows of this text overlap");
    assert_null(nb_set_folds(ctx, set, 2, 1));
    assert_failed(NB_EARG, "overlap");
    nb_set_release(ctx, set);
    assert_null(set_of("abcdefghijk", 3, 1, 0, 0.8));
    assert_failed(NB_EARG, "test = 0.8 leaves no row to learn from: the text gives 8 of 3 steps");
    assert_null(set_of("abcde", 2, 2, 0.01, 0.01));
    assert_failed(NB_EARG, "valid = 0.01 leaves no row");
    set = set_of("abcde", 2, 2, 0, 0.01); /* one row at least */
    check(set->test, "cd", "de");
    assert_int_equal(nb_set_split(ctx, set, 0.5, 1, &most, &rest), NB_OK);
    nb_set_release(ctx, most);
    nb_set_release(ctx, rest);
    nb_set_release(ctx, set);
}

/* ---- Vocabularies ---------------------------------------------------------------------------- */

static void assert_read(const nb_classes *words, const char *text, size_t length, int64_t count,
                        const int32_t *numbers)
{
    nb_tensor *read = nb_words_read(ctx, words, text, length);
    assert_non_null(read);
    assert_int_equal(read->shape[0], count);
    for (int64_t i = 0; i < count; i++) assert_int_equal((int)nb_tensor_get(read, &i), numbers[i]);
    nb_text back;
    nb_text_init(&back, ctx);
    assert_int_equal(nb_words_write(ctx, &back, words, read), NB_OK);
    assert_int_equal(back.length, length);
    assert_memory_equal(nb_text_get(&back), text, length);
    nb_text_free(&back);
    nb_tensor_release(ctx, read);
}

static void refuse(const nb_classes *words, const char *text, const char *message)
{
    assert_null(nb_words_read(ctx, words, text, strlen(text)));
    assert_failed(NB_EVALUE, message);
}

static void characters(void **state)
{
    (void)state;
    const int32_t point[] = {0, '\n', 'a', 0xE4, 0x2207, 0x1F600};
    nb_classes *words = nb_words_new(ctx, point, 6, false);
    assert_read(words, "a\0\n\xC3\xA4\xE2\x88\x87\xF0\x9F\x98\x80", 12, 6,
                (int32_t[]){3, 1, 2, 4, 5, 6});
    refuse(words, "aab",
           "character 3 of the text is 'b', which is none of the 6 of the vocabulary");
    refuse(words, "\xC3\xA4\xC3\xBC", "character 2 of the text is '\xC3\xBC'");
    refuse(words, "a\xE4", "byte 2 of the text is no UTF-8 (0xE4)");
    refuse(words, "a\r", "is '\\r'");
    nb_classes_release(ctx, words);
    words = nb_words_new(ctx, point + 2, 1, false);
    assert_null(nb_words_read(ctx, words, "\0", 1));
    assert_failed(NB_EVALUE, "character 1 of the text is '\\0'");
    nb_classes_release(ctx, words);
}

static void bytes(void **state)
{
    (void)state;
    const int32_t byte[] = {0, 'a', 0x80, 0xC3, 0xFF};
    nb_classes *words = nb_words_new(ctx, byte, 5, true);
    assert_read(words, "\xC3\x80\xFF\0a", 5, 5, (int32_t[]){4, 3, 5, 1, 2});
    refuse(words, "a\xC3\xA4", "byte 3 of the text is 0xA4, which is none of the 5 bytes of");
    nb_classes_release(ctx, words);
}

/* What files keep of a vocabulary is UTF-8, and gives the same again. */
static void in_files(void **state)
{
    (void)state;
    const int32_t point[] = {0, '\n', '\\', 'x', 0x80, 0xE9};
    nb_classes *words = nb_words_new(ctx, point, 6, true);
    nb_text text;
    nb_text_init(&text, ctx);
    nb_classes_write(&text, words);
    assert_string_equal(nb_text_get(&text), "\\xC0\\x80\n\\n\n\\\\\nx\n\\x80\n\\xE9");
    nb_classes *read = nb_classes_read(ctx, nb_text_get(&text));
    assert_read(read, "\xE9\x80x\\\n", 6, 6, (int32_t[]){6, 5, 4, 3, 2, 1});
    nb_classes_release(ctx, read);
    nb_classes_release(ctx, words);
    nb_text_free(&text);
    static const char *const bad[] = {"\\x", "\\xE", "\\xe9", "\\x00", "\\xG0", "\\x0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(nb_classes_read(ctx, bad[i]));
        assert_failed(NB_EFORMAT, "class name 1 has a '\\'");
    }
    /* Names that a file brings in another order are found all the same. */
    read = nb_classes_read(ctx, "b\nc\na");
    assert_read(read, "abc", 3, 3, (int32_t[]){3, 1, 2});
    nb_classes_release(ctx, read);
}

static void no_words(void **state)
{
    (void)state;
    nb_classes *words = nb_words_new(ctx, (int32_t[]){'a', 'b'}, 2, false);
    static const double value[] = {0, 3, 1.5};
    static const char *const message[] = {"number 2 is 0; the vocabulary has 1 to 2",
                                          "number 2 is 3; the vocabulary has 1 to 2",
                                          "1.5 does not fit"};
    for (int i = 0; i < 3; i++) {
        nb_tensor *numbers = nb_tensor_new(ctx, NB_F64, 1, (int64_t[]){2});
        nb_tensor_set(numbers, (int64_t[]){0}, 1);
        nb_tensor_set(numbers, (int64_t[]){1}, value[i]);
        nb_text text;
        nb_text_init(&text, ctx);
        assert_int_equal(nb_words_write(ctx, &text, words, numbers), NB_EVALUE);
        assert_failed(NB_EVALUE, message[i]);
        nb_text_free(&text);
        nb_tensor_release(ctx, numbers);
    }
    nb_classes_release(ctx, words);
}

static nb_status attempt(void *path)
{
    const nb_text_options options = {.steps = 2, .stride = 2, .valid = 0.2, .test = 0.2};
    nb_set *set = nb_set_read_text(ctx, path, &options);
    nb_tensor *x = set ? nb_set_x(ctx, set, NB_F64) : NULL;
    nb_tensor *words = x ? nb_words_read(ctx, set->schema.words, "bab", 3) : NULL;
    nb_text text;
    nb_text_init(&text, ctx);
    nb_status status = words ? nb_words_write(ctx, &text, set->schema.words, words) : ctx->status;
    nb_text_free(&text);
    nb_tensor_release(ctx, words);
    nb_tensor_release(ctx, x);
    nb_set_release(ctx, set);
    return status;
}

static void memory_ends(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s", write_file("t.txt", "abcdefghijk", 11));
    sweep_failing_requests(attempt, path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows),  TEST(dtypes),   TEST(many),     TEST(parts),       TEST(characters),
        TEST(bytes), TEST(in_files), TEST(no_words), TEST(memory_ends),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
