/* Curves and dots on pixels, with smooth edges: what a pixel gets of a colour is the share of it
 * that a stroke covers. */
#ifndef NB_STROKES_H
#define NB_STROKES_H

#include "io/picture/way.h"

typedef struct nb_strokes {
    nb_ctx *ctx;
    int64_t rows, columns;
    uint8_t *pixels; /* rows x columns of red, green, blue */
    uint8_t *share;  /* of each pixel that the strokes under way cover, of 255 */
} nb_strokes;

/* Pixels of one colour. What is zeroed may be closed. */
nb_status nb_strokes_open(nb_ctx *ctx, nb_strokes *strokes, int64_t rows, int64_t columns,
                          const uint8_t colour[3]);
void nb_strokes_close(nb_strokes *strokes);
/* Joins points in their order, x1 y1 x2 y2 … in pixels from the upper left corner; where one is not
 * finite is a gap. A point without neighbours is a dot. */
nb_status nb_strokes_path(nb_strokes *strokes, const double *points, size_t count, double width);
/* Dots of that width at the points. */
nb_status nb_strokes_dots(nb_strokes *strokes, const double *points, size_t count, double width);
/* Gives what the strokes so far cover their colour; others may begin. */
void nb_strokes_end(nb_strokes *strokes, const uint8_t colour[3]);

#endif
