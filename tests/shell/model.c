/* What the shell's line should look like. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPLACEMENT = 0xFFFD };

typedef struct layout {
    model_page *page;
    int columns;
    bool utf8;
    model_look *look;
} layout;

static model_row *last_row(const layout *l)
{
    return &l->page->row[l->page->rows - 1];
}

static void next_row(const layout *l)
{
    if (l->page->rows == MODEL_ROWS) {
        fprintf(stderr, "model: too many rows\n");
        abort();
    }
    l->page->rows++;
    model_row *row = last_row(l);
    row->width = 0;
    for (int i = 0; i < SCREEN_COLUMNS_MOST; i++) row->cell[i] = (screen_cell){.code = ' '};
}

static void wrap_for(const layout *l, int width)
{
    if (last_row(l)->width + width > l->columns) next_row(l);
}

static void put(const layout *l, uint32_t code, unsigned char style)
{
    model_row *row = last_row(l);
    row->cell[row->width] = l->look(style);
    row->cell[row->width++].code = code;
}

static void put_mark(const layout *l, uint32_t code)
{
    model_row *row = last_row(l);
    int at = row->width - 1;
    if (at > 0 && row->cell[at].code == 0) at--;
    for (int i = 0; at >= 0 && i < SCREEN_MARKS; i++)
        if (row->cell[at].mark[i] == 0) {
            row->cell[at].mark[i] = code;
            return;
        }
}

static uint32_t replacement(const layout *l)
{
    return l->utf8 ? REPLACEMENT : '?';
}

static int width_of_piece(const layout *l, const model_piece *piece)
{
    int width = piece->kind == MODEL_WIDE                         ? 2
                : piece->kind == MODEL_LETTERS && piece->shown[1] ? 2
                : piece->kind == MODEL_MARK                       ? 0
                                                                  : 1;
    return width > l->columns ? 1 : width;
}

static void put_letters(const layout *l, const model_item *item)
{
    const model_piece *piece = item->piece;
    bool wide = piece->kind == MODEL_WIDE, too_wide = (wide || piece->shown[1]) && l->columns < 2;
    put(l, too_wide ? replacement(l) : piece->shown[0], item->style);
    if (!too_wide && (wide || piece->shown[1])) put(l, wide ? 0 : piece->shown[1], item->style);
}

static void put_tab(const layout *l, unsigned char style)
{
    do put(l, ' ', style);
    while (last_row(l)->width % 8 != 0 && last_row(l)->width < l->columns);
}

static void put_item(const layout *l, const model_item *item)
{
    switch (item->piece->kind) {
    case MODEL_LETTERS:
    case MODEL_WIDE:
        put_letters(l, item);
        break;
    case MODEL_MARK:
        put_mark(l, item->piece->shown[0]);
        break;
    case MODEL_TAB:
        put_tab(l, item->style);
        break;
    case MODEL_BAD:
        for (int i = 0; i < item->piece->length; i++) {
            wrap_for(l, 1);
            put(l, replacement(l), item->style);
        }
        break;
    case MODEL_NEWLINE:
        next_row(l);
        break;
    }
}

static void place_cursor(const layout *l)
{
    l->page->cursor_row = l->page->rows - 1;
    l->page->cursor_column = last_row(l)->width;
}

void model_add(model_page *page, int columns, bool utf8, const model_text *text,
               const model_text *further, model_look *look)
{
    const layout l = {page, columns, utf8, look};
    if (page->rows == 0) next_row(&l);
    for (int i = 0; i < text->count; i++) {
        const model_item *item = &text->item[i];
        bool ends = item->piece->kind == MODEL_NEWLINE;
        if (!ends) wrap_for(&l, width_of_piece(&l, item->piece));
        if (text->cursed && text->cursor == i) place_cursor(&l);
        put_item(&l, item);
        if (ends && further) model_add(page, columns, utf8, further, NULL, look);
    }
    if (text->cursed && text->cursor == text->count) place_cursor(&l);
}
