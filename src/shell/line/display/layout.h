/* Where the characters of an input stand on the screen: bytes with styles in, rows out. It knows
 * nothing of Readline or of the terminal but its width. */
#ifndef SH_LAYOUT_H
#define SH_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum { SH_GLYPH_BYTES = 16 };

/* What is to be shown, in the order of reading: newlines begin rows, all else is shown. */
typedef struct sh_scene {
    char *byte;
    unsigned char *style; /* of each byte: colour.h */
    size_t length, room;
    size_t cursor; /* before this byte */
    bool failed;   /* memory ended: something is missing */
} sh_scene;

/* Columns that a row may fill, one less than the terminal has: it never wraps by itself. */
typedef struct sh_page {
    int columns;
    bool utf8;
} sh_page;

/* One character as it is shown. */
typedef struct sh_glyph {
    size_t length; /* of its bytes in the text */
    int width;     /* in columns; 0 for one that is drawn over the one before it */
    char shown[SH_GLYPH_BYTES];
    size_t shown_length;
} sh_glyph;

typedef struct sh_row {
    size_t begin, end; /* bytes of the scene, without the newline behind it */
} sh_row;

typedef struct sh_layout {
    sh_row *row;
    size_t rows, room;
    size_t cursor_row;
    int cursor_column;
    bool failed;
} sh_layout;

/* Makes the scene an empty one; its memory is kept. */
void sh_scene_clear(sh_scene *scene);
void sh_scene_free(sh_scene *scene);
/* Adds text in one style, or each byte in its own. */
void sh_scene_add(sh_scene *scene, const char *text, size_t length, unsigned char style);
void sh_scene_add_styled(sh_scene *scene, const char *text, size_t length,
                         const unsigned char *style);

/* The character at the beginning of the text, which is not empty and no newline, shown from that
 * column on: controls as ^X, tabs as blanks, what is no character as a replacement, and so what is
 * wider than the page. */
sh_glyph sh_glyph_at(const sh_page *page, const char *text, size_t length, int column);
/* Columns that a text takes which begins at that one and does not wrap. */
int sh_width_of(bool utf8, const char *text, size_t length, int column);

/* Breaks the scene into rows; at least one. */
void sh_layout_make(sh_layout *layout, const sh_page *page, const sh_scene *scene);
void sh_layout_free(sh_layout *layout);

#endif
