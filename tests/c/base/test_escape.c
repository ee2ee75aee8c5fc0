/* Would catch: a byte that reaches a terminal and is a control character there, letters that are
 * taken for one, and text that is lost or read beyond its end. */
#include "base/context.h"
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nb_ctx *ctx;

static int setup(void **state)
{
    (void)state;
    ctx = nb_ctx_new();
    return ctx ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nb_ctx_free(ctx);
    return 0;
}

static void check_bytes(const char *bytes, size_t length, nb_escaping how, const char *expected)
{
    nb_text text;
    nb_text_init(&text, ctx);
    nb_text_add_escaped(&text, bytes, length, how);
    assert_string_equal(nb_text_get(&text), expected);
    assert_int_equal(nb_is_plain(bytes, length, how),
                     strlen(expected) == length && memcmp(bytes, expected, length) == 0);
    nb_text_free(&text);
}

static void check(const char *bytes, nb_escaping how, const char *expected)
{
    check_bytes(bytes, strlen(bytes), how, expected);
}

static void controls(void **state)
{
    (void)state;
    check("", NB_ESCAPE_LINES, "");
    check("\033]0;title\a", NB_ESCAPE_LINES, "\\027]0;title\\007");
    check("a\n\tb\r\x7f", NB_ESCAPE_LINES, "a\n\tb\\r\\127");
    check("a\n\tb\r\x7f", NB_ESCAPE_WORD, "a\\n\\tb\\r\\127");
    check("a \"b\" \\", NB_ESCAPE_WORD, "a \"b\" \\");
    check("a \"b\" \\\n", NB_ESCAPE_QUOTED, "a \\\"b\\\" \\\\\\n");
    check_bytes("a\0b", 3, NB_ESCAPE_LINES, "a\\000b");
    check("1\0332", NB_ESCAPE_QUOTED, "1\\0272"); /* three digits: the next one is no part of it */
}

static void letters(void **state)
{
    (void)state;
    const char *plain = "∇ é ü ∂C/∂w 数 😀 ñ … ─";
    check(plain, NB_ESCAPE_LINES, plain);
    check(plain, NB_ESCAPE_QUOTED, plain);
    check("\u00a0\u200d\ufeff\U0010ffff", NB_ESCAPE_WORD, "\u00a0\u200d\ufeff\U0010ffff");
}

/* 0x9b alone, or as U+009B, begins a sequence like Esc [. */
static void hidden(void **state)
{
    (void)state;
    check("a\xc2\x9b"
          "31m",
          NB_ESCAPE_LINES, "a\\u{9B}31m");
    check("a\x9b"
          "31m",
          NB_ESCAPE_LINES, "a\\15531m");
    check("\xc2\x80\xc2\x9f", NB_ESCAPE_LINES, "\\u{80}\\u{9F}");
    check("\u202Eabc\u2066\u2028", NB_ESCAPE_LINES, "\\u{202E}abc\\u{2066}\\u{2028}");
}

static void no_utf8(void **state)
{
    (void)state;
    check("\xc3", NB_ESCAPE_LINES, "\\195");
    check("\xc3(", NB_ESCAPE_LINES, "\\195(");
    check("\xc0\x9b", NB_ESCAPE_LINES, "\\192\\155");          /* overlong Esc */
    check("\xed\xa0\x80", NB_ESCAPE_LINES, "\\237\\160\\128"); /* a surrogate */
    check("\xf4\x90\x80\x80\xff", NB_ESCAPE_LINES, "\\244\\144\\128\\128\\255");
    char *cut = malloc(2); /* its own block, so that a sanitizer sees a read behind it */
    memcpy(cut, "\xe2\x88", 2);
    check_bytes(cut, 2, NB_ESCAPE_LINES, "\\226\\136");
    free(cut);
}

/* Whatever the bytes: nothing below a space but what may stay, no DEL, no C1. */
static void any_bytes(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (char)(seed >> 24);
        }
        nb_text text;
        nb_text_init(&text, ctx);
        nb_text_add_escaped(&text, bytes, sizeof bytes, NB_ESCAPE_WORD);
        const char *at = nb_text_get(&text);
        size_t left = text.length;
        while (left > 0) {
            unsigned char c = (unsigned char)*at;
            size_t length = nb_utf8_length(at, left);
            assert_true(length > 0 && c >= ' ' && c != 0x7f);
            assert_false(c == 0xc2 && (unsigned char)at[1] < 0xa0);
            at += length;
            left -= length;
        }
        nb_text_free(&text);
    }
}

/* Every message of the core, whose names and paths are somebody else's. */
static void messages(void **state)
{
    (void)state;
    char path[2 * NB_MESSAGE_MAX];
    nb_fail(ctx, NB_EIO, "cannot open %s: %s", "a\033[2Jb", "no");
    assert_string_equal(ctx->message, "cannot open a\\027[2Jb: no");
    nb_fail_in(ctx, "%s", "in\a");
    assert_string_equal(ctx->message, "in\\007: cannot open a\\027[2Jb: no");
    memset(path, '\033', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    nb_fail(ctx, NB_EIO, "%s", path);
    assert_int_equal(strlen(ctx->message), (NB_MESSAGE_MAX - 1) / 4 * 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(controls), TEST(letters), TEST(hidden), TEST(no_utf8), TEST(any_bytes), TEST(messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
