/* Would catch: JSON that is none being accepted, strings decoded wrong or beyond their end, numbers
 * that wrap, and nesting that costs stack. */
#include "files.h"

#include "io/json.h"

#include <string.h>

/* A reader over a copy of exactly the text's bytes, so that a step beyond them is seen. */
static nb_json reader(const char *text, size_t length)
{
    nb_json json = {.ctx = ctx, .file = "f", .place = "its header", .length = length};
    json.text = test_malloc(length + 1);
    memmove(json.text, text, length);
    json.text = test_realloc(json.text, length ? length : 1);
    return json;
}

static void accept_string(const char *text, const char *expected)
{
    nb_json json = reader(text, strlen(text));
    const char *found = nb_json_string(&json);
    if (!found) fail_msg("%s: %s", text, ctx->message);
    assert_string_equal(found, expected);
    assert_int_equal(nb_json_end(&json), NB_OK);
    test_free(json.text);
}

static void refuse_string(const char *text, const char *words)
{
    nb_json json = reader(text, strlen(text));
    if (nb_json_string(&json)) fail_msg("accepted: %s", text);
    assert_failed(NB_EFORMAT, "of its header: ");
    assert_failed(NB_EFORMAT, words);
    test_free(json.text);
}

static void strings_as_they_stand(void **state)
{
    (void)state;
    accept_string("\"\"", "");
    accept_string(" \t\r\n\"plain\" \n", "plain");
    accept_string("\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
                  "\xf4\x8f\xbf\xbf \x7f\"",
                  "\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
                  "\xf4\x8f\xbf\xbf \x7f");
}

static void escapes(void **state)
{
    (void)state;
    accept_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    accept_string("\"a\\u0041b\"", "aAb");
    accept_string("\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\\uD7FF\\ue000\"",
                  "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80");
    accept_string("\"\\uD800\\uDC00\\uDBFF\\uDFFF\\ud83d\\ude00!\"",
                  "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xf0\x9f\x98\x80!");
}

static void strings_that_are_none(void **state)
{
    (void)state;
    refuse_string("", "byte 1 of its header: expected a string, not the end");
    refuse_string("x", "expected a string, not 'x'");
    refuse_string("\"open", "byte 6 of its header: expected a closing quote, not the end");
    refuse_string("\"a\nb\"",
                  "byte 3 of its header: expected a character of a string, not the byte 0a");
    refuse_string("\"\\x\"", "not 'x'");
    refuse_string("\"\\", "not the end");
    refuse_string("\"\\u12", "expected a hexadecimal digit, not the end");
    refuse_string("\"\\u12g4\"", "expected a hexadecimal digit, not 'g'");
    refuse_string("\"\\u0000\"", "a string holds a NUL character");
    const char *halves[] = {"\"\\ud800\"",    "\"\\udc00\"",        "\"\\ud800x\"",
                            "\"\\ud800\\n\"", "\"\\ud800\\ud800\"", "\"\\ud800\\u",
                            "\"\\ud800\\",    "\"\\udbff\\ue000\""};
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        refuse_string(halves[i], "half of a surrogate pair stands alone");
    }
}

/* Overlong forms, surrogates, beyond U+10FFFF, lone and missing continuation bytes, cut sequences.
 */
static void strings_that_are_not_utf8(void **state)
{
    (void)state;
    const char *bad[] = {"\x80",
                         "\xbf",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xed\xbf\xbf",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xfe",
                         "\xff",
                         "\xc2x",
                         "\xe1\x80x",
                         "\xc2",
                         "\xe1\x80",
                         "\xf1\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[16] = "\"";
        strcat(text, bad[i]);
        refuse_string(text, "a string is not UTF-8");
        assert_false(nb_utf8_is_valid(bad[i]));
    }
    assert_true(nb_utf8_is_valid(""));
    assert_true(nb_utf8_is_valid("z\xc3\xa9\xe2\x88\x87\xf0\x9f\x98\x80"));
}

static void check_number(const char *text, uint64_t expected, size_t used)
{
    nb_json json = reader(text, strlen(text));
    uint64_t number;
    assert_int_equal(nb_json_natural(&json, &number), NB_OK);
    assert_true(number == expected);
    assert_int_equal(json.at, used);
    test_free(json.text);
}

static void refuse_number(const char *text, const char *words)
{
    nb_json json = reader(text, strlen(text));
    uint64_t number;
    assert_int_equal(nb_json_natural(&json, &number), NB_EFORMAT);
    assert_failed(NB_EFORMAT, words);
    test_free(json.text);
}

static void numbers(void **state)
{
    (void)state;
    check_number("0", 0, 1);
    check_number(" 120 ", 120, 4);
    check_number("18446744073709551615", UINT64_MAX, 20);
    check_number("00", 0, 1); /* the second 0 is not part of it: what follows refuses it */
    check_number("1.5", 1, 1);
    check_number("1e3", 1, 1);
    refuse_number("18446744073709551616", "a number beyond 64 bits");
    refuse_number("184467440737095516150", "a number beyond 64 bits");
    refuse_number("-1", "expected a whole number from 0, not '-'");
    refuse_number("+1", "not '+'");
    refuse_number(".5", "not '.'");
    refuse_number("\"1\"", "not '\"'");
    refuse_number("", "not the end");
}

static nb_status add_item(nb_json *json, void *into)
{
    uint64_t number, *sum = into;
    nb_status status = nb_json_natural(json, &number);
    *sum = 10 * *sum + (status ? 0 : number);
    return status;
}

static nb_status add_member(nb_json *json, void *into, const char *key)
{
    assert_string_equal(key, "k");
    return nb_json_array(json, add_item, into);
}

static nb_status read_text(const char *text, uint64_t *sum)
{
    nb_json json = reader(text, strlen(text));
    *sum = 0;
    nb_status status = nb_json_object(&json, add_member, sum);
    if (!status) status = nb_json_end(&json);
    test_free(json.text);
    return status;
}

static void objects_and_arrays(void **state)
{
    (void)state;
    uint64_t sum;
    assert_int_equal(read_text("{}", &sum), NB_OK);
    assert_int_equal(read_text(" { } ", &sum), NB_OK);
    assert_int_equal(read_text("{\"k\":[1,2],\"k\":[]}", &sum), NB_OK);
    assert_int_equal(sum, 12);
    assert_int_equal(read_text("\n{ \"\\u006b\" : [ 3 , 4 ] , \"k\" : [ 5 ] }\t", &sum), NB_OK);
    assert_int_equal(sum, 345);
}

static void objects_and_arrays_that_are_none(void **state)
{
    (void)state;
    const char *bad[] = {"",
                         "{",
                         "}",
                         "[]",
                         "{,}",
                         "{\"k\"}",
                         "{\"k\":}",
                         "{\"k\":1}",
                         "{\"k\":[}",
                         "{\"k\":[1 2]}",
                         "{\"k\":[,]}",
                         "{\"k\":[1,]}",
                         "{\"k\":[1],}",
                         "{\"k\":[01]}",
                         "{\"k\":[1.5]}",
                         "{\"k\":[1e3]}",
                         "{\"k\":[null]}",
                         "{k:[]}",
                         "{\"k\"=[]}",
                         "{\"k\":[]",
                         "{\"k\":[1}",
                         "{} x",
                         "{}{}",
                         "{'k':[]}",
                         "{\"k\":[]]}",
                         "{/**/}"};
    uint64_t sum;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!read_text(bad[i], &sum)) fail_msg("accepted: %s", bad[i]);
        assert_failed(NB_EFORMAT, "f: byte ");
        assert_failed(NB_EFORMAT, " of its header: expected ");
    }
}

/* A NUL is neither blank nor end. */
static void a_nul_in_the_text(void **state)
{
    (void)state;
    nb_json json = reader("\0{}", 3);
    uint64_t sum = 0;
    assert_int_equal(nb_json_object(&json, add_member, &sum), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "expected '{', not the byte 00");
    test_free(json.text);
    json = reader("\"a\0b\"", 5);
    assert_null(nb_json_string(&json));
    assert_failed(NB_EFORMAT, "not the byte 00");
    test_free(json.text);
}

static void nesting_ends_where_it_is_not_expected(void **state)
{
    (void)state;
    enum { DEPTH = 1 << 20 };
    uint64_t sum = 0;
    nb_json json = reader("", 0);
    json.text = test_realloc(json.text, DEPTH);
    json.length = DEPTH;
    memset(json.text, '[', DEPTH);
    assert_int_equal(nb_json_array(&json, add_item, &sum), NB_EFORMAT);
    assert_failed(NB_EFORMAT, "byte 2 of its header: expected a whole number from 0, not '['");
    test_free(json.text);
}

static void check_quote(const char *string, const char *expected)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_json_quote(&text, string);
    assert_string_equal(nb_text_get(&text), expected);
    nb_json json = reader(text.data, text.length);
    assert_string_equal(nb_json_string(&json), string);
    test_free(json.text);
    nb_text_free(&text);
}

static void quoted_strings_read_back(void **state)
{
    (void)state;
    check_quote("", "\"\"");
    check_quote("plain", "\"plain\"");
    check_quote("a\"b\\c/", "\"a\\\"b\\\\c/\"");
    check_quote("\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\x7f\"");
    check_quote("\xe2\x88\x87 \xf0\x9f\x98\x80", "\"\xe2\x88\x87 \xf0\x9f\x98\x80\"");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strings_as_they_stand),
        TEST(escapes),
        TEST(strings_that_are_none),
        TEST(strings_that_are_not_utf8),
        TEST(numbers),
        TEST(objects_and_arrays),
        TEST(objects_and_arrays_that_are_none),
        TEST(a_nul_in_the_text),
        TEST(nesting_ends_where_it_is_not_expected),
        TEST(quoted_strings_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
