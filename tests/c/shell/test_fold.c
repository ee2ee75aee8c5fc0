/* Lines with a mark: at every width both fit the window, and the mark stands below its letter. */
#include "shell/screen/fold.h"

#include "base/escape.h"
#include "../../shell/width.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4096, WIDEST = 200 };

typedef struct screen {
    char text[TEXT_MAX];
    size_t length;
} screen;

static void take(void *self, const char *text, size_t length)
{
    screen *s = self;
    char shown[NB_ESCAPE_MAX];
    for (size_t taken; length > 0; text += taken, length -= taken) {
        taken = nb_escape(text, length, NB_ESCAPE_LINES, shown);
        s->length += (size_t)snprintf(s->text + s->length, sizeof s->text - s->length, "%s", shown);
    }
}

static int columns_of(const char *text, size_t length, int column)
{
    if (*text == '\t') return 8 - column % 8;
    return width_of(nb_utf8_point(text, length));
}

static int columns(const char *text, size_t length)
{
    int column = 0;
    for (size_t i = 0, taken; i < length; i += taken) {
        taken = nb_utf8_length(text + i, length - i);
        assert_true(taken > 0);
        column += columns_of(text + i, taken, column);
    }
    return column;
}

/* What stands in that column. */
static const char *at_column(const char *text, size_t length, int wanted)
{
    int column = 0;
    size_t i = 0;
    for (size_t taken; i < length && column < wanted; i += taken) {
        taken = nb_utf8_length(text + i, length - i);
        column += columns_of(text + i, taken, column);
    }
    assert_int_equal(column, wanted);
    return text + i;
}

/* The marked letter is an 'X', which no line has elsewhere, or the line's end. */
static void check(const char *line, size_t width, const char *cut)
{
    static screen s;
    char text[TEXT_MAX];
    const char *letter = strchr(line, 'X');
    size_t length = strlen(line), place = letter ? (size_t)(letter - line) : length, used;
    used = (size_t)snprintf(text, sizeof text, "wrong\n%s\n", line);
    for (size_t i = 0; i < place; i++)
        if (((unsigned char)line[i] & 0xC0) != 0x80) text[used++] = line[i] == '\t' ? '\t' : ' ';
    strcpy(text + used, "^\nbehind");
    s.length = 0;
    sh_fold(text, &(sh_lie){.width = width, .cut = cut}, take, &s);
    const char *shown = strchr(s.text, '\n') + 1, *below = strchr(shown, '\n') + 1;
    size_t shown_length = (size_t)(below - shown) - 1;
    size_t blanks = strspn(below, " ");
    if (strncmp(below + blanks, "^\nbehind", 8) != 0) fail_msg("%zu: %s", width, s.text);
    const char *above = at_column(shown, shown_length, (int)blanks);
    if (*above != (letter ? 'X' : '\n')) fail_msg("%zu: %s", width, s.text);
    if (columns(shown, shown_length) > (int)width || blanks >= width)
        fail_msg("%zu: %s", width, s.text);
    if (columns(line, length) + !letter <= (int)width)
        assert_int_equal(strncmp(shown, line, length), 0);
}

static void test_every_width(void **state)
{
    static const char *const lines[] = {
        "  x = 1 + 2 X 3",
        "  x = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 X 12 + 13 + 14 + 15 + 16 + 17 + 18 + 19",
        "  X = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18 + 19",
        "  x = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18 + 19",
        "  x = 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18 + X",
        "  s = '日本語日本語日本語日本語' X '日本語日本語日本語日本語日本語日本語日本語日本語'",
        "  s = '日a本語b日本c語日本d語日本語e日本語日f本語g日本語日本語h日本語日i本語日本語' X",
        "  e\u0301 = 'e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301' X e\u0301e\u0301e\u0301",
        "  \tif a then\tb = 1\tX\tend\tif a then\tb = 1\t\tend",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (size_t width = 20; width <= WIDEST; width++) {
            check(lines[i], width, "…");
            check(lines[i], width, "...");
        }
}

/* Below an accent that is drawn over a line's last letter, the mark stands in the window too. */
static void test_mark_below_accent(void **state)
{
    static screen s;
    (void)state;
    sh_fold("  abcdefghie\xcc\x81\n            ^", &(sh_lie){.width = 12, .cut = "…"}, take, &s);
    assert_string_equal(s.text, "  …cdefghie\xcc\x81\n           ^");
}

/* A control character takes the columns of what is shown for it. */
static void test_controls(void **state)
{
    static screen s;
    (void)state;
    sh_fold("  a\x1b X\n     ^", &(sh_lie){.width = 30, .cut = "…"}, take, &s);
    assert_string_equal(s.text, "  a\\027 X\n        ^");
}

/* Lines that begin with a blank and have no mark below them stay as they are. */
static void test_unmarked(void **state)
{
    static const char *const texts[] = {"  a line that is too wide for so few columns",
                                        "  a line that is too wide for so few columns\n  ^ no mark",
                                        "  a line that is too wide for so few columns\nnor ^"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        screen s = {.length = 0};
        sh_fold(texts[i], &(sh_lie){.width = 20, .cut = "…"}, take, &s);
        assert_string_equal(s.text, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_mark_below_accent),
        cmocka_unit_test(test_unmarked),
    };
    if (!setlocale(LC_ALL, "C.UTF-8")) return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
