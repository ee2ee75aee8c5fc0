/* What the shell's line should look like: the naive layout of a prompt, a text and a suggestion on
 * a window, one character after the other, from the words of the contract alone. Texts are lists of
 * pieces of which it is known how they are shown, so nothing is decoded here. */
#ifndef TESTS_SHELL_MODEL_H
#define TESTS_SHELL_MODEL_H

#include "screen.h"

enum { MODEL_PIECES = 4096, MODEL_ROWS = 6000 };

typedef enum model_kind {
    MODEL_LETTERS, /* `shown` letters of one column, which a row's end may not part */
    MODEL_WIDE,    /* one of two columns */
    MODEL_MARK,    /* that combines with what stands before it */
    MODEL_BAD,     /* as many replacements as it has bytes, each a character */
    MODEL_TAB,
    MODEL_NEWLINE
} model_kind;

typedef struct model_piece {
    model_kind kind;
    const char *bytes;
    int length;        /* of bytes */
    uint32_t shown[2]; /* 0 behind the last */
} model_piece;

/* A piece with the style of its first byte. */
typedef struct model_item {
    const model_piece *piece;
    unsigned char style;
} model_item;

typedef struct model_text {
    model_item item[MODEL_PIECES];
    int count, cursor; /* before this item */
    bool cursed;       /* the cursor is here */
} model_text;

typedef struct model_row {
    screen_cell cell[SCREEN_COLUMNS_MOST];
    int width;
} model_row;

typedef struct model_page {
    model_row *row; /* MODEL_ROWS */
    int rows, cursor_row, cursor_column;
} model_page;

/* How a style looks; the test that lays out decides. */
typedef screen_cell model_look(unsigned char style);

/* Adds the text, with `further` before what stands behind each of its newlines, or NULL. A page of
 * `columns` that may be filled; begins with no row at all. */
void model_add(model_page *page, int columns, bool utf8, const model_text *text,
               const model_text *further, model_look *look);

#endif
