/* The ways in which a terminal takes pictures of pixels: one descriptor each. */
#ifndef NB_PICTURE_WAY_H
#define NB_PICTURE_WAY_H

#include "base/text.h"

#include <stdint.h>

/* The most rows and columns of pixels, and pixels altogether, that a terminal is sent. */
enum { NB_PICTURE_SIDE = 1 << 14, NB_PICTURE_MOST = 1 << 24 };

typedef struct nb_picture {
    const uint8_t *pixels; /* rows x columns of red, green, blue */
    int64_t rows, columns; /* 1 … NB_PICTURE_SIDE */
    int64_t high, wide;    /* rows and columns of letters that it fills */
} nb_picture;

typedef struct nb_picture_way {
    const char *name;
    const char *lacks; /* what this program was built without, so that it cannot; or NULL */
    /* Adds the sequence that shows the picture with its first pixel where the cursor is. Where the
     * cursor is afterwards differs between terminals. NULL: it is shown by letters. */
    nb_status (*write)(const nb_picture *picture, nb_text *to);
    /* Ends a sequence of which the rest was lost; "" where there is none. */
    const char *mend;
    /* Takes away what covers the letter at the cursor; "" where no picture lies over letters. */
    const char *uncover;
} nb_picture_way;

/* kitty, sixel, blocks; ends with NULL. */
extern const nb_picture_way *const nb_picture_ways[];
extern const nb_picture_way nb_way_kitty, nb_way_sixel, nb_way_blocks;

/* The way of this name, or NULL. */
const nb_picture_way *nb_picture_way_find(const char *name);

/* Writes rows x columns of pixels, 3 bytes each, as a picture of picture->rows x columns: each
 * becomes a rectangle of whole pixels. picture->pixels is not read. */
nb_status nb_picture_write(nb_ctx *ctx, const nb_picture_way *way, const nb_picture *picture,
                           const uint8_t *pixels, int64_t rows, int64_t columns, nb_text *to);

#endif
