/* From the pixels of a file to channels: grey or red, green, blue, without transparency. */
#ifndef NB_PIXELS_H
#define NB_PIXELS_H

#include "io/image/format.h"

/* What stands behind transparent pixels: 0 … 255; or nobody said. */
enum { NB_NO_BACKGROUND = -1 };

/* A row of the image as `channels` (1 or 3) rows of columns bytes, one behind the other. Pixels
 * that alpha makes transparent, alpha / 255 of themselves, show the background behind them; without
 * one they are refused (NB_EFORMAT; `row`, from 0, is for the message). Grey of colours is their
 * luma by Rec. 601: 0.299 red + 0.587 green + 0.114 blue. `pixels` is changed. */
nb_status nb_pixels_split(const nb_image *image, int64_t row, uint8_t *pixels, int channels,
                          int background, uint8_t *out);

#endif
