/* PNG, through libpng: all kinds of colour and depth, interlaced or not. Pixels come as bytes;
 * palettes as their colours, a depth of 16 bits rounded, transparency as alpha. Gamma, profiles and
 * texts are passed over. */
#ifndef NB_PNG_H
#define NB_PNG_H

#include "io/image/format.h"

extern const nb_image_format nb_image_png;

#endif
