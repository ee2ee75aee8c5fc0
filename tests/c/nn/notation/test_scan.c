/* Notation cut into tokens, and the errors that mark a place in it. */
#include "nn/notation/scan.h"

#include "../../support.h"
#include "base/random.h"

/* Kinds as letters: z size, x shape, n number, w name, r range, s sign, o other. */
static const char kinds[] = ".zxnwrso";

static void assert_tokens(const char *text, const char *expected)
{
    char got[64] = "";
    nb_scan scan;
    nb_scan_start(&scan, ctx, text);
    for (size_t i = 0; scan.token.kind != NB_TOKEN_END; nb_scan_next(&scan)) {
        assert_true(i < sizeof got - 1);
        got[i++] = kinds[scan.token.kind];
    }
    assert_string_equal(got, expected);
}

static void test_tokens(void **state)
{
    (void)state;
    assert_tokens("", "");
    assert_tokens(" \t\r\n\v\f", "");
    assert_tokens("784-30-10", "zszsz");
    assert_tokens("64 - 30 relu6-10:mse", "zszwszsw");
    assert_tokens("1x28x28 - dense 7", "xswz");
    assert_tokens("relu@7 tanh@9..12", "wszwszrz");
    assert_tokens("init=he name=_a1", "wswwsw");
    assert_tokens("0.5 1. 1e5 2e-3 9..12 1e 1e-", "nnnnzrzzwzws");
    assert_tokens("3x x3 3x4e5 3x4.5", "zwwxwxoz");
    assert_tokens("* *x64 3x*x* *x 4*[30] **", "sxxswzsszsss");
    assert_tokens("a(b=-1,c=2x3)|[]", "wswsszswsxssss");
    assert_tokens("3.1.2 3.1..2 1.2.", "nnrzno");
    assert_tokens(". .. ... ;", "orroo");
    assert_tokens("\xC3\xA9 \xFF \x80\x80\x80 \xE2\x80\x93", "oooo");
}

static void test_spaced(void **state)
{
    (void)state;
    nb_scan scan;
    nb_scan_start(&scan, ctx, " 64-30 -\n10");
    assert_true(scan.token.spaced);
    nb_scan_next(&scan);
    assert_false(scan.token.spaced);
    assert_true(nb_scan_at(&scan, '-') && !nb_scan_at(&scan, ':'));
    assert_false(nb_scan_peek(&scan).spaced);
    nb_scan_next(&scan);
    nb_scan_next(&scan);
    assert_true(scan.token.spaced);
    assert_true(nb_scan_peek(&scan).spaced);
}

static void test_digits(void **state)
{
    (void)state;
    const char *end, *text = "99999999999999999999999999x";
    assert_int_equal(nb_scan_digits("12x", 100, &end), 12);
    assert_int_equal(*end, 'x');
    assert_int_equal(nb_scan_digits("100", 100, &end), 100);
    assert_int_equal(nb_scan_digits("101", 100, &end), 101);
    assert_int_equal(nb_scan_digits(text, 100, &end), 101);
    assert_int_equal(*end, 'x');
    assert_int_equal(nb_scan_digits("0007", 100, &end), 7);
}

/* Numbers are read to the last bit; a path is none. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
    } good[] = {{"0", 0},
                {"30", 30},
                {"0.5", 0.5},
                {"1.", 1},
                {"12.5e-3", 12.5e-3},
                {"1e300", 1e300},
                {"5e-324", 5e-324},
                {"0.1", 0.1},
                {"1e-999", 0},
                {"123456789.123456789", 123456789.123456789}};
    static const char *const bad[] = {"1e999", "3.1.2", "9e99999999999999999999"};
    nb_scan scan;
    double number;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        nb_scan_start(&scan, ctx, good[i].text);
        assert_true(nb_scan_number(scan.token, &number));
        assert_true(number == good[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nb_scan_start(&scan, ctx, bad[i]);
        assert_false(nb_scan_number(scan.token, &number));
    }
    char digits[301];
    for (int length = 200; length <= 201; length++) { /* the longest on both sides */
        memset(digits, '0', sizeof digits);
        digits[length] = '\0';
        nb_scan_start(&scan, ctx, digits);
        assert_int_equal(nb_scan_number(scan.token, &number), length == 200);
    }
}

/* Fails at the token that begins at the first '!' of `text`. */
static void assert_marked(const char *text, const char *expected)
{
    nb_scan scan;
    nb_scan_start(&scan, ctx, text);
    while (*scan.token.at && *scan.token.at != '!') nb_scan_next(&scan);
    assert_int_equal(nb_scan_fail(&scan, scan.token, "bad %d", 7), NB_EARG);
    assert_string_equal(ctx->message, expected);
}

static void test_mark(void **state)
{
    (void)state;
    assert_marked("!", "bad 7\n  !\n  ^");
    assert_marked("64 - ! - 10", "bad 7\n  64 - ! - 10\n       ^");
    assert_marked("64 -", "bad 7\n  64 -\n      ^");
    assert_marked("64\n-\t!", "bad 7\n  64 - !\n       ^");
    /* A mark stands below its column, not its byte; what does not show takes one column. */
    assert_marked("\xC3\xA9\xE2\x88\x87 !", "bad 7\n  \xC3\xA9\xE2\x88\x87 !\n     ^");
    assert_marked("\x1B[31m \xFF\xC2\x9B !", "bad 7\n  ?[31m ??? !\n            ^");
}

/* A value that stands alone needs no mark. */
static void test_plain(void **state)
{
    (void)state;
    nb_scan scan;
    nb_scan_start(&scan, ctx, "64");
    scan.plain = true;
    nb_scan_fail(&scan, scan.token, "bad %d", 7);
    assert_string_equal(ctx->message, "bad 7");
}

/* Of a long text the surroundings are shown, cut where characters end. */
static void test_excerpt(void **state)
{
    (void)state;
    char text[600] = "";
    for (int i = 0; i < 60; i++) strcat(text, "\xC3\xA9 ");
    strcat(text, "!");
    for (int i = 0; i < 60; i++) strcat(text, " \xC3\xA9");
    nb_scan scan;
    nb_scan_start(&scan, ctx, text);
    while (*scan.token.at != '!') nb_scan_next(&scan);
    nb_scan_fail(&scan, scan.token, "bad");
    char *line = strchr(ctx->message, '\n') + 1, *mark = strchr(line, '\n') + 1;
    assert_memory_equal(line, "  …\xC3\xA9 ", 8);
    assert_null(strchr(ctx->message, '?'));
    int columns = 0;
    for (char *c = line; *c != '!'; c++) columns += ((unsigned char)*c & 0xC0) != 0x80;
    assert_int_equal(strcspn(mark, "^"), columns);
    assert_int_equal(mark[-4], '\xE2'); /* "…" at the line's end */
}

static void test_quote(void **state)
{
    (void)state;
    char out[NB_QUOTE_MAX];
    nb_scan scan;
    nb_scan_start(&scan, ctx, "a_very_long_name_that_goes_on_and_on_and_on_and_on \x01");
    assert_string_equal(nb_scan_quote(scan.token, out), "'a_very_long_name_that_goes_on_an…'");
    nb_scan_next(&scan);
    assert_string_equal(nb_scan_quote(scan.token, out), "'?'");
    nb_scan_next(&scan);
    assert_string_equal(nb_scan_quote(scan.token, out), "the end");
}

/* Any bytes: every text comes to an end, and an error at any place fits the message. */
static void test_any_bytes(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(3, NB_FOR_TENSOR, 0);
    for (int round = 0; round < 20000; round++) {
        char text[200];
        char quote[NB_QUOTE_MAX];
        size_t length = (size_t)nb_random_below(&stream, sizeof text);
        for (size_t i = 0; i < length; i++) text[i] = (char)nb_random_below(&stream, 256);
        text[length] = '\0';
        nb_scan scan;
        nb_scan_start(&scan, ctx, text);
        for (; scan.token.kind != NB_TOKEN_END; nb_scan_next(&scan)) {
            assert_true(scan.token.length > 0);
            if (nb_random_below(&stream, 20)) continue;
            nb_scan_fail(&scan, scan.token, "%s", nb_scan_quote(scan.token, quote));
            assert_int_equal(ctx->message[strlen(ctx->message) - 1], '^');
        }
        assert_ptr_equal(scan.token.at, text + strlen(text));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tokens), TEST(spaced),  TEST(digits), TEST(numbers),   TEST(mark),
        TEST(plain),  TEST(excerpt), TEST(quote),  TEST(any_bytes),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
