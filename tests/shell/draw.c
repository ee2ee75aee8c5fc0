/* Holds what the shell draws against an independent model. The shell's own functions (draw.c,
 * frame.c, layout.c) show lines, cursors, prompts, styles and suggestions at random, in windows of
 * several sizes; what they write goes to the tests' terminal, and after each state the screen must
 * be what model.c lays out: every character with its style, and the cursor.
 *
 * usage: draw     ($NABLA_DRAW states a window, from the seed $NABLA_DRAW_SEED) */
#define _GNU_SOURCE

#include "shell/colour/colour.h"
#include "shell/line/display/draw.h"
#include "shell/line/keys.h"
#include "shell/complete/suggest.h"
#include "shell/line/answers.h"

#include "chance.h"
#include "model.h"
#include "screen.h"
#include "styles.h"
#include "texts.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

enum {
    STATES = 8000,
    SEED = 5,
    FRAME_OF_A_LETTER = 160 /* bytes that one more letter at a row's end may cost */
};

static model_row rows[MODEL_ROWS];

static struct {
    sh_shell shell;
    model_text text, prompt, other_prompt, further, suggestion;
    bool searching;     /* the other prompt is shown */
    bool wants_nothing; /* no suggestion */
    int window_rows, window_columns;
    bool keys_come;
    bool put_off;    /* keys came: nothing was drawn */
    int memory;      /* allocations until one fails; < 0: none does */
    model_page page; /* what should stand there */
    long base;       /* the screen's line where the frame begins */
    int top;         /* the page's row that is shown first; < 0: not known */
    bool base_known, above_stands;
    bool keeps;         /* the terminal has said that it does */
    long writes, bytes; /* since the last look */
    long edges;         /* last columns written in windows that have no other */
    long state;
    const char *did;
    char line[1 << 16], prompt_bytes[4096], other_bytes[4096], further_bytes[256];
    char suggestion_bytes[4096];
} test;

/* ---- Pieces ---- */

static const model_piece *any_piece(void)
{
    return texts_piece(chance(3) ? chance(TEXTS_LETTERS) : chance(TEXTS_PIECES),
                       test.shell.terminal.utf8);
}

static unsigned char any_style(void)
{
    static const unsigned char flags[] = {0, 0, 0, SH_STYLE_UNKNOWN, SH_STYLE_MATCH};
    return (unsigned char)(chance(SH_STYLES) | ANY_OF(flags));
}

/* ---- What the drawing stands on: the program's own, as the test has it ---- */

bool sh_answers_keeps(void)
{
    return test.keeps;
}

const char *sh_answers_uncover(void)
{
    return "";
}

bool sh_keys_come(void)
{
    return test.keys_come;
}

const char *sh_suggest(sh_shell *shell, const char *text, size_t length)
{
    (void)shell;
    (void)text;
    (void)length;
    return test.wants_nothing ? "" : test.suggestion_bytes;
}

/* Colours without a matching bracket where there is no cursor. */
void sh_colour_text(sh_shell *shell, const char *text, size_t length, size_t cursor,
                    unsigned char *style)
{
    size_t at = 0;
    (void)shell;
    (void)text;
    for (int i = 0; i < test.text.count; i++)
        for (int k = 0; k < test.text.item[i].piece->length && at < length; k++) {
            style[at++] = test.text.item[i].style;
            if (cursor > length) style[at - 1] &= (unsigned char)~SH_STYLE_MATCH;
        }
}

static screen_cell look(unsigned char style)
{
    return styles_look(style, test.shell.terminal.colour);
}

/* The linker puts these in the places of the C library's. */
int __wrap_isatty(int file);
ssize_t __wrap_write(int file, const void *bytes, size_t count);
void *__wrap_realloc(void *block, size_t size);
void *__real_realloc(void *block, size_t size);

int __wrap_isatty(int file)
{
    (void)file;
    return 1;
}

static void fail(const char *what);

/* A frame is one write. */
ssize_t __wrap_write(int file, const void *bytes, size_t count)
{
    static const char begins[] = "\033[?2026h", ends[] = "\033[?2026l";
    const char *text = bytes;
    (void)file;
    test.writes++;
    test.bytes += (long)count;
    if (count < 16 || memcmp(text, begins, 8) != 0 || memcmp(text + count - 8, ends, 8) != 0)
        fail("what is written is no frame");
    for (size_t i = 0; i < count; i++) screen_take((unsigned char)text[i]);
    return (ssize_t)count;
}

void *__wrap_realloc(void *block, size_t size)
{
    if (test.memory >= 0 && test.memory-- == 0) return NULL;
    return __real_realloc(block, size);
}

/* ---- Where it fails ---- */

static void fail(const char *what)
{
    int columns = test.window_columns;
    printf("draw: state %ld at %d x %d%s, %s: %s\n", test.state, test.window_rows, columns,
           test.shell.terminal.utf8 ? "" : " without UTF-8", test.did, what);
    printf("  cursor %ld,%d of lines from %ld; should be row %d (shown from %d),%d; base %ld\n",
           screen_cursor(), screen_column(), screen_first(), test.page.cursor_row, test.top,
           test.page.cursor_column, test.base);
    for (int i = 0; i < test.page.rows && i < 60; i++)
        screen_print("should", test.page.row[i].cell, test.page.row[i].width);
    for (long i = screen_first(); i <= screen_last(); i++)
        screen_print(i == test.base ? "base" : "is", screen_at(i, 0), columns);
    exit(1);
}

/* ---- What should stand there ---- */

static int usable(void)
{
    return test.window_columns > 1 ? test.window_columns - 1 : 1;
}

static void lay_out(bool final)
{
    bool utf8 = test.shell.terminal.utf8, at_end = test.text.cursor == test.text.count;
    bool suggests = test.shell.terminal.colour && at_end && test.text.count && !final &&
                    !test.searching && !test.wants_nothing;
    model_page *page = &test.page;
    const model_text *prompt = test.searching && !final ? &test.other_prompt : &test.prompt;
    page->row = rows;
    page->rows = 0;
    test.suggestion.cursed = suggests;
    test.text.cursed = !suggests;
    test.suggestion.cursor = 0;
    if (final)
        for (int i = 0; i < test.text.count; i++)
            test.text.item[i].style &= (unsigned char)~SH_STYLE_MATCH;
    model_add(page, usable(), utf8, prompt, NULL, look);
    model_add(page, usable(), utf8, &test.text, &test.further, look);
    if (suggests) model_add(page, usable(), utf8, &test.suggestion, NULL, look);
    /* A window of one column has no place behind it. */
    if (page->cursor_column >= test.window_columns) page->cursor_column = test.window_columns - 1;
}

static void compare_row(long line, const model_row *row)
{
    static const screen_cell blank = {.code = ' '};
    for (int i = 0; i < test.window_columns; i++) {
        const screen_cell *is = screen_at(line, i);
        const screen_cell *should = row && i < row->width ? &row->cell[i] : &blank;
        if (memcmp(is, should, sizeof *is) != 0) {
            printf("line %ld, column %d\n", line, i);
            fail(is->code != should->code ? "another character" : "another style");
        }
    }
}

/* The window of the page, which is moved as little as needed. */
static int choose_top(void)
{
    int most = test.window_rows, top = test.top, rows_all = test.page.rows;
    if (rows_all <= most) return 0;
    if (top + most > rows_all) top = rows_all - most;
    if (top > test.page.cursor_row) top = test.page.cursor_row;
    if (top + most <= test.page.cursor_row) top = test.page.cursor_row - most + 1;
    return top;
}

static void check_counts(void)
{
    const screen_counts *count = screen_count();
    if (count->wraps > 0) fail("the terminal has wrapped");
    if (test.window_columns == 1) test.edges = count->edges_framed;
    if (count->edges_framed > test.edges) fail("the last column is written");
    if (count->strange_framed > 0) fail("a sequence that has no place in a frame");
}

static void check_above(void)
{
    if (test.base > screen_first() && strcmp(screen_text(test.base - 1), "#") != 0)
        fail("what stood above is gone");
}

static void check_screen(void)
{
    int count = test.page.rows < test.window_rows ? test.page.rows : test.window_rows;
    if (test.top >= 0) {
        test.top = choose_top();
    } else {
        long from = test.page.rows <= count ? test.base : screen_first();
        test.top = test.page.cursor_row - (int)(screen_cursor() - from);
        if (test.page.rows <= count) test.top = 0;
    }
    if (!test.base_known) test.base = screen_cursor() - (test.page.cursor_row - test.top);
    if (test.top < 0 || test.top + count > test.page.rows) fail("these are other rows");
    for (int i = 0; i < count; i++) compare_row(test.base + i, &rows[test.top + i]);
    for (long i = test.base + count; i <= screen_last(); i++) compare_row(i, NULL);
    if (screen_cursor() != test.base + test.page.cursor_row - test.top ||
        screen_column() != test.page.cursor_column)
        fail("the cursor stands elsewhere");
    if (test.above_stands) check_above();
    test.base_known = true;
    check_counts();
}

/* ---- Acting ---- */

/* Gives Readline what the test has. */
static void set_line(void)
{
    int length = texts_write(&test.text, test.line, &rl_point);
    rl_extend_line_buffer(length + 1);
    memcpy(rl_line_buffer, test.line, (size_t)length + 1);
    rl_end = length;
    rl_display_prompt = test.searching ? test.other_bytes : rl_prompt;
}

static void begin(void)
{
    for (const char *c = "#\r\n"; *c; c++) screen_take((unsigned char)*c);
    test.base = screen_cursor();
    test.base_known = test.above_stands = true;
    test.top = 0;
    test.text.count = test.text.cursor = 0;
    test.searching = false;
    rl_set_prompt(test.prompt_bytes);
    sh_draw_begin(test.further_bytes);
}

static void draw_again_writes_nothing(void)
{
    long before = test.writes;
    sh_draw();
    if (test.writes != before) fail("the same is drawn again");
}

static void draw(void)
{
    set_line();
    test.keys_come = chance(8) == 0;
    long before = test.writes;
    sh_draw();
    if (test.keys_come && test.writes != before) fail("it is drawn although keys come");
    if (test.writes > before + 1) fail("a frame is more than one write");
    if (test.keys_come) sh_draw_now();
    test.keys_come = false;
    lay_out(false);
    check_screen();
    if (chance(8) == 0) draw_again_writes_nothing();
}

/* ---- States ---- */

static void insert_some(void)
{
    test.did = "some is inserted";
    int at = chance(2) ? test.text.cursor : chance(test.text.count + 1);
    for (int i = 1 + chance(chance(10) ? 4 : 60); i > 0; i--) {
        bool ends = chance(12) == 0;
        texts_insert(&test.text, at, ends ? &texts_newline : any_piece(), any_style());
        if (at <= test.text.cursor) test.text.cursor++;
        at += chance(8) != 0;
    }
}

static void insert_letter(void)
{
    test.did = "one letter is inserted";
    texts_insert(&test.text, test.text.cursor++, texts_piece(chance(TEXTS_LETTERS), true),
                 SH_STYLE_NAME);
}

static void delete_some(void)
{
    test.did = "some is deleted";
    int at = chance(test.text.count + 1), count = 1 + chance(chance(6) ? 8 : 200);
    int gone = test.text.count - at < count ? test.text.count - at : count;
    if (test.text.cursor > at)
        test.text.cursor -= test.text.cursor - at < gone ? test.text.cursor - at : gone;
    texts_take_out(&test.text, at, count);
}

static void move_cursor(void)
{
    test.did = "the cursor moves";
    int to = test.text.cursor + (chance(2) ? 1 : -1) * (1 + chance(12));
    if (chance(4) == 0) to = chance(2) ? test.text.count : chance(test.text.count + 1);
    test.text.cursor = to < 0 ? 0 : to > test.text.count ? test.text.count : to;
}

static void change_styles(void)
{
    test.did = "styles change";
    int at = chance(test.text.count + 1), count = 1 + chance(10);
    for (int i = at; i < test.text.count && i < at + count; i++)
        test.text.item[i].style = any_style();
}

static void set_suggestion(void)
{
    test.did = "something is suggested";
    test.wants_nothing = chance(3) == 0;
    test.suggestion.count = 0;
    for (int i = 1 + chance(chance(4) ? 12 : 90); i > 0; i--)
        texts_insert(&test.suggestion, test.suggestion.count, any_piece(), SH_STYLE_SUGGESTED);
    /* It is a string. */
    for (int i = test.suggestion.count - 1; i >= 0; i--)
        if (test.suggestion.item[i].piece->bytes[0] == '\0') texts_take_out(&test.suggestion, i, 1);
    if (test.suggestion.count == 0) test.wants_nothing = true;
    texts_write(&test.suggestion, test.suggestion_bytes, NULL);
    if (chance(2)) test.text.cursor = test.text.count;
}

static void set_search(void)
{
    test.did = "the prompt is another";
    test.searching = !test.searching;
    test.other_prompt.count = 0;
    for (int i = 1 + chance(chance(3) ? 12 : 60); i > 0; i--)
        texts_insert(&test.other_prompt, test.other_prompt.count,
                     texts_piece(chance(TEXTS_LETTERS), true), SH_STYLE_PLAIN);
    texts_write(&test.other_prompt, test.other_bytes, NULL);
}

/* What looks the same comes in the place of a tab or of blanks. */
static void swap_blanks(void)
{
    static const model_piece tab = {MODEL_TAB, "\t", 1, {0, 0}},
                             blank = {MODEL_LETTERS, " ", 1, {' '}};
    test.did = "a tab and blanks change places";
    int at = test.text.cursor;
    if (at == test.text.count || test.text.item[at].piece->kind != MODEL_TAB)
        for (int i = chance(6); i > 0; i--) texts_insert(&test.text, at, &blank, SH_STYLE_PLAIN);
    else
        texts_take_out(&test.text, at, 1);
    if (chance(2)) texts_insert(&test.text, at, &tab, SH_STYLE_PLAIN);
    if (test.text.cursor > test.text.count) test.text.cursor = test.text.count;
}

static void clear_text(void)
{
    test.did = "the text goes";
    test.text.count = test.text.cursor = 0;
}

static void take_output(const char *text)
{
    for (; *text; text++) screen_take((unsigned char)*text);
}

/* Something is printed below, as a list is. */
static void print_below(void)
{
    test.did = "something is printed";
    sh_draw_below();
    fflush(rl_outstream);
    if (screen_column() != 0) fail("below is not at the left edge");
    for (int i = chance(4); i > 0; i--) take_output("z\r\n");
    take_output("#\r\n");
    test.above_stands = true;
    test.base = screen_cursor();
    test.top = 0;
    set_line();
    sh_draw_again();
}

static void clear_screen(void)
{
    test.did = "the screen is cleared";
    sh_draw_cleared();
    take_output("\033[H\033[J");
    test.base = screen_cursor();
    test.top = 0;
    set_line();
    sh_draw_again();
}

static void resize(int window_rows, int columns)
{
    test.did = "the window is another";
    if (columns >= SCREEN_COLUMNS_MOST) columns = SCREEN_COLUMNS_MOST - 1;
    static const screen_flow flows[] = {SCREEN_STAYS, SCREEN_FLOWS};
    screen_flow flow = ANY_OF(flows);
    screen_set_flow(flow);
    screen_resize(window_rows, columns);
    /* Where lines stay, have grown narrower, and nobody knows, it is drawn too high up. */
    test.keeps = flow == SCREEN_STAYS && chance(2);
    test.base_known = test.keeps || flow != SCREEN_STAYS || columns >= test.window_columns;
    test.above_stands = test.above_stands && test.base_known;
    test.base = screen_moved(test.base);
    if (test.base < screen_first()) test.base = screen_first();
    test.window_rows = window_rows;
    test.window_columns = columns;
    test.top = -1;
    set_line();
    sh_draw_window(window_rows, columns);
    sh_draw_anew();
}

/* Where memory ends what stands there stays. */
static void draw_without_memory(void)
{
    test.did = "memory ends";
    set_line();
    test.memory = chance(4);
    sh_draw();
    test.memory = -1;
    check_counts();
}

static void check_final(void)
{
    if (screen_column() != 0) fail("what comes next is not at the left edge");
    long from = screen_cursor() - test.page.rows;
    for (int i = 0; i < test.page.rows; i++)
        if (from + i >= 0) compare_row(from + i, &rows[i]);
    compare_row(screen_cursor(), NULL);
    check_counts();
}

static void finish(void)
{
    test.did = "the input is taken";
    set_line();
    test.searching = false;
    rl_display_prompt = rl_prompt;
    sh_draw_finish("");
    fflush(rl_outstream);
    /* A line that is taken is a string: it ends where a NUL was typed. */
    for (int i = 0; i < test.text.count; i++)
        if (test.text.item[i].piece->bytes[0] == '\0') test.text.count = i;
    lay_out(true);
    check_final();
    begin();
}

static void change_state(void)
{
    static void (*const changes[])(void) = {
        insert_some,    insert_some,    insert_letter, insert_letter, delete_some,
        delete_some,    move_cursor,    move_cursor,   move_cursor,   change_styles,
        set_suggestion, set_suggestion, set_search,    swap_blanks,   swap_blanks};
    int rare = chance(60);
    if (rare == 0)
        clear_text();
    else if (rare < 3)
        finish();
    else if (rare == 3)
        print_below();
    else if (rare == 4)
        clear_screen();
    else if (rare == 5)
        draw_without_memory();
    else
        ANY_OF(changes)();
    if (test.text.count > 1500) texts_take_out(&test.text, 0, test.text.count - chance(200));
    if (test.text.cursor > test.text.count) test.text.cursor = test.text.count;
}

/* One more letter at the end of a row costs what it must. */
static void check_frugal(bool one_letter)
{
    const model_row *row = &rows[test.page.cursor_row];
    bool simple = one_letter && test.text.cursor == test.text.count && !test.searching &&
                  test.wants_nothing && row->width > 8 && test.page.rows <= test.window_rows;
    if (simple && test.bytes > FRAME_OF_A_LETTER) fail("one letter costs a whole row");
}

static void play_window(int window_rows, int columns, long states)
{
    screen_clear();
    screen_resize(window_rows, columns);
    test.window_rows = window_rows;
    test.window_columns = columns;
    sh_draw_window(window_rows, columns);
    test.did = "begins";
    test.edges = 0;
    begin();
    for (test.state = 0; test.state < states; test.state++) {
        const char *did = test.did = "";
        if (chance(20) == 0) {
            resize(1 + chance(2 * window_rows), 1 + chance(2 * columns));
            lay_out(false);
            check_screen();
            resize(window_rows, columns);
            lay_out(false);
            check_screen();
        }
        test.writes = test.bytes = 0;
        change_state();
        did = test.did;
        draw();
        check_frugal(strcmp(did, "one letter is inserted") == 0);
    }
    finish();
}

/* ---- Setting up ---- */

static void set_prompts(bool utf8)
{
    const char *first = utf8 ? "∇ " : "n> ", *further = utf8 ? " · " : " > ";
    texts_set(&test.prompt, first, SH_STYLE_PROMPT);
    texts_set(&test.further, further, SH_STYLE_PROMPT);
    snprintf(test.prompt_bytes, sizeof test.prompt_bytes, "\001\033[1m\002%s\001\033[0m\002",
             first);
    snprintf(test.further_bytes, sizeof test.further_bytes, "\001\033[1m\002%s\001\033[0m\002",
             further);
}

static void play(bool utf8, bool colour)
{
    static const int windows[][2] = {{24, 80}, {8, 20}, {3, 10}},
                     odd[][2] = {{1, 1}, {1, 2}, {2, 3}, {1, 80}, {24, 2}, {40, 8}, {5, 200}};
    long states = setting("NABLA_DRAW", STATES);
    if (!setlocale(LC_CTYPE, utf8 ? "C.UTF-8" : "C")) exit(77);
    test.shell.terminal = (sh_terminal){true, true, true, utf8, colour, colour};
    set_prompts(utf8);
    /* What the last locale called characters this one does not. */
    test.suggestion.count = test.other_prompt.count = 0;
    test.suggestion_bytes[0] = test.other_bytes[0] = '\0';
    if (!sh_draw_open(&test.shell)) fail("the terminal is not drawn on");
    bool usual = utf8 && colour;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        play_window(windows[i][0], windows[i][1], usual ? states : states / 4);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        play_window(odd[i][0], odd[i][1], states / 8);
    sh_draw_close();
}

int main(void)
{
    static const char none[] = "/dev/null";
    setenv("TERM", "xterm", 1);
    test.memory = -1;
    chance_begin((uint64_t)setting("NABLA_DRAW_SEED", SEED));
    rl_instream = fopen(none, "r");
    rl_outstream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = screen_take_stream});
    rl_initialize();
    play(true, true);
    play(true, false);
    play(false, true);
    printf("all screens are the model's\n");
    return 0;
}
