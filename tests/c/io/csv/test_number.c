/* Would catch: a number whose last bit is wrong, a mark taken for another, and words taken for
 * numbers. The numbers are compared with those of the C library. */
#include "../files.h"

#include "base/random.h"
#include "io/csv/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers in a row give the same, with digits behind the text's end, which may be read and must not
 * count. Says whether the text's was taken. */
static bool same_in_row(const char *text, char mark)
{
    bool marked;
    size_t length = strlen(text), taken = 0;
    double value = 0, other[2] = {1, 1};
    const int32_t place[] = {1, -1};
    char *room = malloc(length + 1 + NB_CSV_AHEAD);
    memset(room, '7', length + 1 + NB_CSV_AHEAD);
    memcpy(room, text, length + 1);
    const char *end = nb_csv_number(room, mark, &value, &marked), *at = room;
    if (end && !strchr("0123456789eE.,", *end ? *end : ';'))
        taken = nb_csv_numbers(&at, *end, mark, place, 2, other);
    bool same = at == (taken ? end + 1 : room) && other[0] == 1 &&
                (!taken || memcmp(&value, other + 1, sizeof value) == 0);
    if (!same || taken > 1) fail_msg("%s gives %.17g, not %.17g", text, other[1], value);
    free(room);
    return taken;
}

static void same(const char *text)
{
    bool marked;
    double value = 0, expected = strtod(text, NULL);
    const char *end = nb_csv_number(text, '.', &value, &marked);
    if (!end || *end || memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("%s gives %.17g, not %.17g", text, value, expected);
    assert_int_equal(marked, strchr(text, '.') != NULL);
    same_in_row(text, '.');
}

/* All lengths around eight digits and sixteen, each with a sign and something behind it. */
static void in_a_row(void **state)
{
    static const char *const behind[] = {"", ";1.5", "e2;", "E-3", "e", "\n", "x", "\xff", "-1"};
    char text[64];
    (void)state;
    for (int whole = 0; whole <= 20; whole++)
        for (int fraction = 0; fraction <= 20; fraction++)
            for (size_t b = 0; b < sizeof behind / sizeof *behind; b++)
                for (int sign = 0; sign < 3; sign++) {
                    snprintf(text, sizeof text, "%s%.*s.%.*s%s",
                             (const char *[]){"", "-", "+"}[sign], whole, "98765432109876543210",
                             fraction, "12345678901234567890", behind[b]);
                    int digits = whole + fraction;
                    bool fits = b != 4 && sign < 2 && digits > 0 && digits <= 19;
                    assert_int_equal(same_in_row(text, '.'), fits);
                    assert_int_equal(same_in_row(text, ','), false);
                }
    assert_true(same_in_row("-0.0", '.'));
    assert_true(same_in_row("-0.00000000000000000000001;", '.'));
    assert_true(same_in_row("123456,25;", ','));
    assert_true(same_in_row("0e7;", '.'));
    assert_true(same_in_row("99e36;", '.'));
    assert_false(same_in_row("1e38;", '.'));
    assert_false(same_in_row("-1e400;", '.'));
    assert_false(same_in_row("inf", '.'));
}

/* Blanks, several in a row, and where they end. */
static void up_to_the_first(void **state)
{
    static const char text[] = "1,-2.5, 3e1,  4.125,x,6,7\n8;\0\0\0\0\0\0\0";
    const int32_t place[] = {3, 2, 1, 0, 4, 5};
    double value[6] = {0, 0, 0, 0, -9, -9};
    const char *at = text;
    (void)state;
    assert_int_equal(nb_csv_numbers(&at, ',', '.', place, 6, value), 4);
    assert_string_equal(at, "x,6,7\n8;");
    assert_true(value[3] == 1 && value[2] == -2.5 && value[1] == 30 && value[0] == 4.125);
    assert_true(value[4] == -9 && value[5] == -9);
    at += 2;
    assert_int_equal(nb_csv_numbers(&at, ',', 0, place, 2, value), 1);
    assert_int_equal(nb_csv_numbers(&at, '\n', 0, place, 1, value), 1);
    assert_string_equal(at, "8;");
    at = "12345678901234560890;\0\0\0\0\0\0\0"; /* its 0 is no mark */
    assert_int_equal(nb_csv_numbers(&at, ';', 0, place, 1, value), 0);
    at = text + 2; /* a point that is no mark */
    assert_int_equal(nb_csv_numbers(&at, ',', 0, place, 1, value), 0);
    assert_true(at == text + 2);
}

static void by_hand(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "+3",
        "007",
        "1.",
        ".5",
        "-.5e1",
        "1e5",
        "1E+05",
        "1e-5",
        "0.1",
        "0.30000000000000004",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993e22",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "123456789012345678e-21",
        "9999999999999999999e19",
        "9999999999999999999e-21",
        "1000000000000000000e-22",
        "10000000000000000000000",
        "0.000000000000000000000001",
        "2.2250738585072011e-308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e400",
        "1e-400",
        "0e999999999",
        "1e-99999999999",
        "0.0000001e10",
        "100000e-5",
        "1e00000005",
        "inf",
        "-INF",
        "Infinity",
        "+infinity",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) same(texts[i]);
}

/* Digits from 1 to 25 of them with exponents of all sizes: every way that a number can take. */
static void drawn(void **state)
{
    (void)state;
    nb_stream stream = nb_stream_make(11, NB_FOR_SHUFFLE, 0);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int n = 0, digits = 1 + (int)nb_random_below(&stream, 25);
        int mark = (int)nb_random_below(&stream, (uint64_t)digits + 1);
        for (int k = 0; k < digits; k++) {
            if (k == mark && i % 2) text[n++] = '.';
            text[n++] = "0123456789"[nb_random_below(&stream, 10)];
        }
        int exponent = (int)nb_random_below(&stream, 61) - 30;
        if (i % 8 == 0) exponent *= 11;
        if (i % 3) n += snprintf(text + n, sizeof text - (size_t)n, "e%d", exponent);
        text[n] = '\0';
        same(text);
    }
}

/* A middle between two doubles has up to 767 digits; one digit behind it decides. */
static void the_800th_digit(void **state)
{
    (void)state;
    char text[1200];
    int n = snprintf(text, sizeof text, "%.1000f", 0x1.0000000000001p-200 + 0x1p-253);
    same(text);
    snprintf(text, sizeof text, "9007199254740993.%0980d1", 0);
    same(text);
    snprintf(text, sizeof text, "9007199254740993.%0980d", 0);
    same(text);
    assert_true(n > 900);
}

static void marks(void **state)
{
    (void)state;
    bool marked;
    double value;
    const char *end = nb_csv_number("1,5;", ',', &value, &marked);
    assert_true(end && *end == ';' && value == 1.5 && marked);
    end = nb_csv_number("-12345678901234567,25", ',', &value, &marked);
    assert_true(end && !*end && value == -12345678901234567.25 && marked);
    end = nb_csv_number("1.5", ',', &value, &marked);
    assert_true(end && *end == '.' && value == 1 && !marked);
    end = nb_csv_number("1.2.3", '.', &value, &marked);
    assert_true(end && strcmp(end, ".3") == 0);
    end = nb_csv_number("0x1F", '.', &value, &marked);
    assert_true(end && *end == 'x');
    end = nb_csv_number("1e", '.', &value, &marked);
    assert_true(end && *end == 'e' && value == 1);
    end = nb_csv_number("1e+", '.', &value, &marked);
    assert_true(end && *end == 'e');
    static const char *const none[] = {"", ".", "-", "+", "e5", "-.e1", "nan", "i", "abc", "--1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(nb_csv_number(none[i], '.', &value, &marked));
}

static void missing_and_dates(void **state)
{
    (void)state;
    static const char *const missing[] = {"", "?", "-", "NA", "na", "N/A", "nan", "NaN", "NULL"};
    static const char *const there[] = {"0", "--", "none", "N", "NAN5", "nul", "x"};
    static const char *const dates[] = {"2024-01-31", "31.1.24", "1/31/2024",
                                        "12:30",      "2024-01", "2024-01-31T10:00:00"};
    static const char *const no_dates[] = {"1.5",   "1-2", "12",   "12345-1-1", "1/2",
                                           "1:2:3", "-1",  "1.2.", ""};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        assert_true(nb_csv_is_missing(missing[i], strlen(missing[i])));
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        assert_false(nb_csv_is_missing(there[i], strlen(there[i])));
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        assert_true(nb_csv_is_date(dates[i], strlen(dates[i])));
    for (size_t i = 0; i < sizeof no_dates / sizeof *no_dates; i++)
        assert_false(nb_csv_is_date(no_dates[i], strlen(no_dates[i])));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_hand),         TEST(in_a_row), TEST(up_to_the_first),   TEST(drawn),
        TEST(the_800th_digit), TEST(marks),    TEST(missing_and_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
