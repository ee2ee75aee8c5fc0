/* Where the characters of an input stand on the screen. */
#include "shell/line/display/layout.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { TAB_COLUMNS = 8, DELETE = 0x7f, ROOM_FIRST = 256, ROWS_FIRST = 16 };

/* ---- Scenes ---- */

void sh_scene_clear(sh_scene *scene)
{
    scene->length = scene->cursor = 0;
    scene->failed = false;
}

void sh_scene_free(sh_scene *scene)
{
    free(scene->byte);
    free(scene->style);
    *scene = (sh_scene){.byte = NULL};
}

static bool make_room(sh_scene *scene, size_t more)
{
    if (scene->room - scene->length >= more) return true;
    size_t room = 2 * scene->room + more + ROOM_FIRST;
    char *byte = realloc(scene->byte, room);
    if (byte) scene->byte = byte;
    unsigned char *style = realloc(scene->style, room);
    if (style) scene->style = style;
    if (byte && style) scene->room = room;
    return byte && style;
}

void sh_scene_add(sh_scene *scene, const char *text, size_t length, unsigned char style)
{
    if (length == 0) return;
    if (!make_room(scene, length)) {
        scene->failed = true;
        return;
    }
    memcpy(scene->byte + scene->length, text, length);
    memset(scene->style + scene->length, style, length);
    scene->length += length;
}

void sh_scene_add_styled(sh_scene *scene, const char *text, size_t length,
                         const unsigned char *style)
{
    size_t begin = scene->length;
    sh_scene_add(scene, text, length, 0);
    if (scene->length > begin) memcpy(scene->style + begin, style, length);
}

/* ---- Characters ---- */

static sh_glyph replacement(bool utf8, size_t length)
{
    sh_glyph glyph = {.length = length, .width = 1, .shown_length = utf8 ? 3 : 1};
    memcpy(glyph.shown, utf8 ? "\xef\xbf\xbd" : "?", glyph.shown_length);
    return glyph;
}

static sh_glyph tab(const sh_page *page, int column)
{
    int width = TAB_COLUMNS - column % TAB_COLUMNS, left = page->columns - column;
    if (left > 0 && left < width) width = left;
    sh_glyph glyph = {.length = 1, .width = width, .shown_length = (size_t)width};
    memset(glyph.shown, ' ', glyph.shown_length);
    return glyph;
}

static sh_glyph letter(const char *text, size_t length, int width)
{
    sh_glyph glyph = {.length = length, .width = width, .shown_length = length};
    memcpy(glyph.shown, text, length);
    return glyph;
}

static sh_glyph wide(const sh_page *page, const char *text, size_t length)
{
    wchar_t code;
    mbstate_t state = {0};
    size_t taken = mbrtowc(&code, text, length, &state);
    if (taken == 0 || taken > SH_GLYPH_BYTES) return replacement(page->utf8, 1);
    int width = wcwidth(code);
    return width < 0 ? replacement(page->utf8, taken) : letter(text, taken, width);
}

static bool is_letter(char c)
{
    return c >= ' ' && c < DELETE;
}

sh_glyph sh_glyph_at(const sh_page *page, const char *text, size_t length, int column)
{
    unsigned char c = (unsigned char)*text;
    sh_glyph glyph;
    if (is_letter(*text)) return letter(text, 1, 1);
    if (c == '\t')
        glyph = tab(page, column);
    else if (c < ' ' || c == DELETE)
        glyph = (sh_glyph){
            .length = 1, .width = 2, .shown = {'^', (char)(c ^ 0x40)}, .shown_length = 2};
    else
        glyph = wide(page, text, length);
    return glyph.width > page->columns ? replacement(page->utf8, glyph.length) : glyph;
}

int sh_width_of(bool utf8, const char *text, size_t length, int column)
{
    const sh_page endless = {INT_MAX, utf8};
    int at = column;
    for (size_t i = 0; i < length;) {
        sh_glyph glyph = sh_glyph_at(&endless, text + i, length - i, at);
        at += glyph.width;
        i += glyph.length;
    }
    return at - column;
}

/* ---- Rows ---- */

/* Begins a row at byte `at`; without memory the last one goes on, and the layout has failed. */
static void begin_row(sh_layout *layout, size_t at)
{
    if (layout->rows == layout->room) {
        size_t room = 2 * layout->room + ROWS_FIRST;
        sh_row *row = realloc(layout->row, room * sizeof *row);
        if (!row) {
            layout->failed = true;
            return;
        }
        layout->row = row;
        layout->room = room;
    }
    layout->row[layout->rows++] = (sh_row){at, at};
}

static void put_cursor(sh_layout *layout, int column)
{
    layout->cursor_row = layout->rows - 1;
    layout->cursor_column = column;
}

/* Ends the last row before byte `end` and begins one at `next`. */
static void break_row(sh_layout *layout, size_t end, size_t next)
{
    layout->row[layout->rows - 1].end = end;
    begin_row(layout, next);
}

/* The character at byte `at`, on the last row or, where that is full, on a new one. */
static sh_glyph place(sh_layout *layout, const sh_page *page, const sh_scene *scene, size_t at,
                      int *column)
{
    const char *text = scene->byte + at;
    sh_glyph glyph = sh_glyph_at(page, text, scene->length - at, *column);
    if (*column + glyph.width <= page->columns) return glyph;
    break_row(layout, at, at);
    *column = 0;
    return sh_glyph_at(page, text, scene->length - at, 0);
}

/* How many of the next bytes are ASCII's letters, of which each takes a column, and fit on the row:
 * most of a large text. */
static size_t count_letters(const sh_page *page, const sh_scene *scene, size_t at, int column)
{
    size_t count = 0, most = scene->length - at, room = (size_t)(page->columns - column);
    if (room < most) most = room;
    while (count < most && is_letter(scene->byte[at + count])) count++;
    return count;
}

/* Takes what stands at byte `at`; returns how many bytes that were. */
static size_t take(sh_layout *layout, const sh_page *page, const sh_scene *scene, size_t at,
                   int *column)
{
    bool ends = scene->byte[at] == '\n';
    sh_glyph glyph = {.length = 1};
    if (!ends) glyph = place(layout, page, scene, at, column);
    if (scene->cursor >= at && scene->cursor < at + glyph.length) put_cursor(layout, *column);
    *column = ends ? 0 : *column + glyph.width;
    if (ends) break_row(layout, at, at + 1);
    return glyph.length;
}

void sh_layout_make(sh_layout *layout, const sh_page *page, const sh_scene *scene)
{
    int column = 0;
    size_t at = 0;
    layout->rows = 0;
    layout->failed = scene->failed;
    begin_row(layout, 0);
    while (at < scene->length && !layout->failed) {
        size_t letters = count_letters(page, scene, at, column), cursor = scene->cursor;
        if (letters == 0) {
            at += take(layout, page, scene, at, &column);
            continue;
        }
        if (cursor >= at && cursor - at < letters) put_cursor(layout, column + (int)(cursor - at));
        column += (int)letters;
        at += letters;
    }
    if (layout->failed) return;
    layout->row[layout->rows - 1].end = at;
    if (scene->cursor >= at) put_cursor(layout, column);
}

void sh_layout_free(sh_layout *layout)
{
    free(layout->row);
    *layout = (sh_layout){.row = NULL};
}
