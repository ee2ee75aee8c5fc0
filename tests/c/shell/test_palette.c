/* What the terminal is sent for a style, and that the colours of the beginning can be read: their
 * contrast is computed here, by WCAG's formula, from xterm's table of 256. */
#include "shell/colour/palette.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static size_t number_of(const char *name)
{
    for (size_t i = 0; sh_palette_name_at(NULL, i); i++)
        if (strcmp(sh_palette_name_at(NULL, i), name) == 0) return i;
    fail_msg("no style %s", name);
    return 0;
}

static void set(const char *name, const char *words)
{
    sh_look look;
    assert_true(sh_look_read(&look, words));
    sh_palette_set(number_of(name), look);
}

/* The codes are made anew for this terminal. */
static void terminal(const char *term, const char *colours)
{
    setenv("TERM", term, 1);
    if (colours)
        setenv("COLORTERM", colours, 1);
    else
        unsetenv("COLORTERM");
    sh_palette_set(0, sh_palette_standard(0));
}

static int begin(void **state)
{
    (void)state;
    unsetenv("XTERM_VERSION");
    for (size_t i = 0; sh_palette_name_at(NULL, i); i++) sh_palette_set(i, sh_palette_standard(i));
    terminal("xterm-256color", NULL);
    return 0;
}

static void codes(void **state)
{
    (void)state;
    assert_string_equal(sh_style_code(SH_STYLE_PLAIN), "\033[0m");
    assert_string_equal(sh_style_code(SH_STYLE_KEYWORD), "\033[0;38;5;98m");
    assert_string_equal(sh_style_code(SH_STYLE_PROMPT), "\033[0;1;38;5;63m");
    assert_string_equal(sh_style_code(SH_STYLE_STRING | SH_STYLE_UNKNOWN), "\033[0;4;38;5;28m");
    assert_string_equal(sh_style_code(SH_STYLE_STRING | SH_STYLE_MATCH), "\033[0;1;38;5;163m");
    assert_string_equal(sh_style_code(SH_STYLE_PLAIN | SH_STYLE_UNKNOWN), "\033[0;4m");
    assert_string_equal(sh_style_code(SH_STYLE_NUMBER | SH_STYLE_REGION), "\033[0;7;38;5;132m");
    assert_string_equal(sh_style_code(0x1F), "\033[0m");
}

static void terminals(void **state)
{
    (void)state;
    setenv("XTERM_VERSION", "XTerm(379)", 1);
    terminal("xterm", NULL);
    assert_string_equal(sh_style_code(SH_STYLE_KEYWORD), "\033[0;38;5;98m");
    unsetenv("XTERM_VERSION");
    terminal("xterm-256color", NULL);
    set("string", "#123456");
    set("number", "bright red");
    set("name", "italic");
    assert_string_equal(sh_style_code(SH_STYLE_STRING), "\033[0;38;5;23m");
    assert_string_equal(sh_style_code(SH_STYLE_NUMBER), "\033[0;91m");
    assert_string_equal(sh_style_code(SH_STYLE_NAME), "\033[0;3m");
    terminal("xterm", "truecolor");
    assert_string_equal(sh_style_code(SH_STYLE_STRING), "\033[0;38;2;18;52;86m");
    assert_string_equal(sh_style_code(SH_STYLE_KEYWORD), "\033[0;38;5;98m");
    terminal("xterm", NULL);
    assert_string_equal(sh_style_code(SH_STYLE_STRING), "\033[0;30m");
    assert_string_equal(sh_style_code(SH_STYLE_KEYWORD), "\033[0;35m");
    assert_string_equal(sh_style_code(SH_STYLE_COMMENT), "\033[0;90m");
    terminal("xterm", "yes");
    assert_string_equal(sh_style_code(SH_STYLE_KEYWORD), "\033[0;38;5;98m");
}

static void words(void **state)
{
    static const char *const same[] = {
        "",        "bold",         "bright blue", "bold italic 17",
        "#0a0b0c", "bright white", "black",       "underline reverse"};
    sh_look look;
    char out[SH_LOOK_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(sh_look_read(&look, same[i]));
        assert_string_equal(sh_look_words(look, out), same[i]);
    }
}

/* What help says of a style is what it begins with. */
static void told(void **state)
{
    static const char *const shown[] = {
#define X(name, help, shown, ...) shown,
#include "shell/colour/styles.def"
#undef X
    };
    char out[SH_LOOK_MAX];
    (void)state;
    unsetenv("XTERM_VERSION");
    for (size_t i = 0; sh_palette_name_at(NULL, i); i++) {
        const char *words = sh_look_words(sh_palette_standard(i), out);
        assert_string_equal(shown[i], *words ? words : "false");
    }
}

/* ---- Contrast ---- */

static double linear(int level)
{
    double c = level / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Of a number from 16 on. */
static double luminance(int number)
{
    static const int levels[] = {0, 95, 135, 175, 215, 255};
    int grey = 8 + 10 * (number - 232), at = number - 16;
    int red = number < 232 ? levels[at / 36] : grey;
    int green = number < 232 ? levels[at / 6 % 6] : grey;
    int blue = number < 232 ? levels[at % 6] : grey;
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

static void contrast(void **state)
{
    int looked_at = 0;
    (void)state;
    unsetenv("XTERM_VERSION");
    for (size_t i = 0; sh_palette_name_at(NULL, i); i++) {
        sh_look look = sh_palette_standard(i);
        if (look.range == SH_NO_COLOUR) continue;
        assert_int_equal(look.range, SH_OF_256);
        assert_in_range(look.colour, 16, 255);
        assert_true((luminance(look.colour) + 0.05) / 0.05 >= 4.3);
        assert_true(1.05 / (luminance(look.colour) + 0.05) >= 4.3);
        looked_at++;
    }
    assert_int_equal(looked_at, 10);
}

/* Each kind of token has a colour of its own. */
static void distinct(void **state)
{
    (void)state;
    for (int a = SH_STYLE_PLAIN; a <= SH_STYLE_COMMAND; a++)
        for (int b = SH_STYLE_PLAIN; b < a; b++)
            assert_string_not_equal(sh_style_code((unsigned char)a),
                                    sh_style_code((unsigned char)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(codes, begin),    cmocka_unit_test_setup(terminals, begin),
        cmocka_unit_test_setup(words, begin),    cmocka_unit_test_setup(told, begin),
        cmocka_unit_test_setup(contrast, begin), cmocka_unit_test_setup(distinct, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
