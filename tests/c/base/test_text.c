/* Texts that grow, and numbers written for people. */
#include "base/context.h"
#include "base/random.h"
#include "base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = nb_ctx_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nb_ctx *ctx = *state;
    int left = ctx->memory.live != 0;
    nb_ctx_free(ctx);
    return left ? -1 : 0;
}

static void test_add(void **state)
{
    nb_text text;
    nb_text_init(&text, *state);
    assert_string_equal(nb_text_get(&text), "");
    nb_text_add(&text, "%d - %s", 64, "30");
    nb_text_add(&text, "%s", "");
    nb_text_add_bytes(&text, " sigmoid???", 8);
    nb_text_add_bytes(&text, NULL, 0);
    assert_string_equal(nb_text_get(&text), "64 - 30 sigmoid");
    assert_int_equal(text.length, 15);
    assert_false(text.failed);
    nb_text_free(&text);
    assert_string_equal(nb_text_get(&text), "");
    nb_text_add(&text, "again");
    assert_string_equal(nb_text_get(&text), "again");
    nb_text_free(&text);
}

/* Bytes are bytes: a NUL among them does not end the text. */
static void test_bytes_with_nul(void **state)
{
    nb_text text;
    nb_text_init(&text, *state);
    nb_text_add_bytes(&text, "a\0b", 3);
    nb_text_add(&text, "c");
    assert_int_equal(text.length, 4);
    assert_memory_equal(nb_text_get(&text), "a\0bc", 5);
    nb_text_free(&text);
}

/* Every length across several growths, by both ways of adding, against a plain array. */
static void test_growth(void **state)
{
    enum { LENGTH = 3000 };
    char expected[LENGTH + 1];
    nb_text text, bytes;
    nb_text_init(&text, *state);
    nb_text_init(&bytes, *state);
    for (size_t i = 0; i < LENGTH; i++) {
        expected[i] = (char)('a' + i % 26);
        expected[i + 1] = '\0';
        nb_text_add(&text, "%c", expected[i]);
        nb_text_add_bytes(&bytes, &expected[i], 1);
        assert_string_equal(nb_text_get(&text), expected);
        assert_string_equal(nb_text_get(&bytes), expected);
    }
    nb_text_add(&text, "%s%s", expected, expected);
    assert_int_equal(text.length, 3 * LENGTH);
    nb_text_free(&text);
    nb_text_free(&bytes);
}

/* Lets the Nth request fail for every N until none does: what was there stays, what comes after is
 * dropped as a whole, and the context says why. */
static void test_memory_ends(void **state)
{
    nb_ctx *ctx = *state;
    bool failed = true;
    ctx->memory.pool_cap = 0;
    for (uint64_t n = 1; failed; n++) {
        nb_text text;
        nb_text_init(&text, ctx);
        ctx->memory.fail_at = ctx->memory.requests + n;
        for (int i = 0; i < 200; i++) nb_text_add(&text, "%s", "0123456789");
        failed = text.failed;
        if (failed) {
            assert_int_equal(ctx->status, NB_EMEMORY);
            assert_true(text.length < 2000);
        } else {
            assert_true(n > 3);
            assert_int_equal(text.length, 2000);
        }
        assert_int_equal(text.length % 10, 0);
        assert_int_equal(strlen(nb_text_get(&text)), text.length);
        nb_text_free(&text);
    }
}

/* A length that overflows is a refusal, not a short buffer. */
static void test_overflow(void **state)
{
    nb_text text;
    nb_text_init(&text, *state);
    nb_text_add(&text, "here");
    nb_text_add_bytes(&text, "x", SIZE_MAX - 2);
    assert_true(text.failed);
    nb_text_add(&text, "dropped");
    assert_string_equal(nb_text_get(&text), "here");
    nb_text_free(&text);
}

static void test_grouped(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {
        {0, "0"},
        {7, "7"},
        {999, "999"},
        {1000, "1,000"},
        {1797, "1,797"},
        {100000, "100,000"},
        {-999, "-999"},
        {-1000, "-1,000"},
        {INT64_MAX, "9,223,372,036,854,775,807"},
        {INT64_MIN, "-9,223,372,036,854,775,808"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nb_text text;
        nb_text_init(&text, *state);
        nb_text_add_grouped(&text, rows[i].number);
        assert_string_equal(nb_text_get(&text), rows[i].text);
        nb_text_free(&text);
    }
}

static const struct {
    double number;
    const char *text;
} numbers[] = {
    {0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {-1, "-1"},
    {30, "30"},
    {100, "100"},
    {3.0, "3"},
    {0.1, "0.1"},
    {0.5, "0.5"},
    {-2.5, "-2.5"},
    {9.5, "9.5"},
    {123.456, "123.456"},
    {0.001, "0.001"},
    {0.0001, "0.0001"},
    {0.00012, "0.00012"},
    {0.00001, "1e-5"},
    {0.000012, "1.2e-5"},
    {1e15, "1000000000000000"},
    {9007199254740991, "9007199254740991"},
    {1e16, "1e16"},
    {1.5e300, "1.5e300"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
    {DBL_MAX, "1.7976931348623157e308"},
    {DBL_MIN, "2.2250738585072014e-308"},
    {5e-324, "5e-324"},
    {-5e-324, "-5e-324"},
    {INFINITY, "inf"},
    {-INFINITY, "-inf"},
    {NAN, "nan"},
    {-NAN, "nan"},
};

static void check_numbers(nb_ctx *ctx)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        nb_text text;
        char out[NB_NUMBER_MAX];
        nb_text_init(&text, ctx);
        nb_text_add_number(&text, numbers[i].number);
        assert_string_equal(nb_text_get(&text), numbers[i].text);
        assert_string_equal(nb_number_text(numbers[i].number, out), numbers[i].text);
        nb_text_free(&text);
    }
}

static void test_numbers(void **state)
{
    check_numbers(*state);
}

/* Where the locale's sign is a comma, numbers still have a point. */
static void test_numbers_in_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    const char *set = NULL;
    for (size_t i = 0; !set && i < sizeof names / sizeof names[0]; i++) {
        set = setlocale(LC_NUMERIC, names[i]);
    }
    if (!set) skip();
    check_numbers(*state);
    setlocale(LC_NUMERIC, "C");
}

/* Doubles of any bits read back as themselves and fit the room. */
static void test_numbers_read_back(void **state)
{
    nb_stream stream = nb_stream_make(1, NB_FOR_TENSOR, 0);
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)nb_random_word(&stream) << 32 | nb_random_word(&stream);
        char out[NB_NUMBER_MAX];
        double number;
        memcpy(&number, &bits, sizeof number);
        nb_number_text(number, out);
        assert_true(strlen(out) <= 24);
        assert_true(isnan(number) || strtod(out, NULL) == number);
    }
}

/* Single precision: as NumPy writes them. */
static void test_singles(void **state)
{
    static const struct {
        float number;
        const char *text;
    } list[] = {
        {0.1f, "0.1"},
        {1 / 3.0f, "0.33333334"},
        {0.3f, "0.3"},
        {0x1p24f, "16777216"},
        {FLT_MAX, "3.4028235e38"},
        {FLT_MIN, "1.1754944e-38"},
        {0x1p-149f, "1e-45"},
        {0x1.4p-147f, "7e-45"},
        {0x1.16c2p-133f, "1e-40"},
        {123456.789f, "123456.79"},
        {0x1.000002p0f, "1.0000001"},
        {-2.5f, "-2.5"},
        {-0.0f, "-0"},
    };
    nb_stream stream = nb_stream_make(2, NB_FOR_TENSOR, 0);
    char out[NB_NUMBER_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        assert_string_equal(nb_single_text(list[i].number, out), list[i].text);
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = nb_random_word(&stream);
        float number;
        memcpy(&number, &bits, sizeof number);
        nb_single_text(number, out);
        assert_true(strlen(out) <= 18);
        assert_true(isnan(number) || (float)strtod(out, NULL) == number);
    }
}

/* What a file says is cut at a whole character, and moves no cursor. */
static void test_shown(void **state)
{
    (void)state;
    char out[NB_SHOWN], text[200];
    assert_string_equal(nb_text_shown("w", out), "w");
    assert_string_equal(nb_text_shown("", out), "");
    assert_string_equal(nb_text_shown("a\033[2J\n\177\303\274", out), "a\\027[2J\\n\\127\303\274");
    memset(text, 'x', sizeof text);
    text[NB_SHOWN - 1] = '\0';
    assert_string_equal(nb_text_shown(text, out), text);
    strcpy(text + NB_SHOWN - 2, "\303\274"); /* its second byte has no room */
    nb_text_shown(text, out);
    assert_int_equal(strlen(out), NB_SHOWN - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_add, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_with_nul, setup, teardown),
        cmocka_unit_test_setup_teardown(test_growth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_grouped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_in_locale, setup, teardown),
        cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_singles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
