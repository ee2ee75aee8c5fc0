/* Images brought to another size, a row at a time. Along each dimension on its own: to fewer pixels
 * every new one is the mean of what it covers, the pixels at its ends by their covered share (area
 * averaging); to more it lies on the straight line between the two whose centres are next to its
 * own, beyond the outermost centres it is their pixel (bilinear). The sums are whole numbers, so
 * that a result is the exact one rounded, halves up, on every machine. */
#ifndef NB_RESAMPLE_H
#define NB_RESAMPLE_H

#include "base/context.h"

/* Along one dimension: new pixel j is the sum of weight[start[j] …] times the old ones from
 * first[j] on, divided by `divisor`. */
typedef struct nb_taps {
    int64_t from, to;
    uint32_t divisor;
    int32_t *first, *start; /* `to`, and `to` + 1 of them */
    uint32_t *weight;
} nb_taps;

typedef struct nb_resample {
    nb_ctx *ctx;
    int channels;
    nb_taps across, down;
    int64_t row;     /* how many rows have been added */
    int64_t low;     /* the new rows before it are whole */
    uint32_t *line;  /* a row that has its new columns */
    uint64_t *total; /* of each new pixel: (channels, rows, columns) */
} nb_resample;

/* From images (channels, from_rows, from_columns) to (channels, rows, columns); sizes of 1 …
 * NB_IMAGE_MOST. To be freed also on failure. */
nb_status nb_resample_init(nb_ctx *ctx, nb_resample *r, int channels, const int64_t from[2],
                           const int64_t to[2]);
void nb_resample_free(nb_resample *r);
/* Begins a new image. */
void nb_resample_begin(nb_resample *r);
/* The next row: the channels' rows one behind the other. */
void nb_resample_add(nb_resample *r, const uint8_t *row);
/* After the last one: writes the image. */
void nb_resample_take(const nb_resample *r, uint8_t *out);

#endif
