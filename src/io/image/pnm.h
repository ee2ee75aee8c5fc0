/* PGM (grey) and PPM (colour), as text (P2, P3) and as bytes (P5, P6), with comments, of up to
 * 65,535 steps from black to white. */
#ifndef NB_PNM_H
#define NB_PNM_H

#include "io/image/format.h"

extern const nb_image_format nb_image_pnm;

#endif
