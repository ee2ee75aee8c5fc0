/* Images: rows of pixels from a file, whose kind is told by what it begins with. PNG, PGM and PPM,
 * of any depth, give bytes: 0 is black, 255 the most that the file's depth can say. */
#ifndef NB_IMAGE_H
#define NB_IMAGE_H

#include "io/image/format.h"

/* NB_EIO, or NB_EFORMAT "cats/1.png: …" for what is no such image, damaged or cut short. On failure
 * there is nothing to close. */
nb_status nb_image_open(nb_ctx *ctx, const char *path, nb_image *image);
/* The same from a source, which stays the caller's and must outlive the image. */
nb_status nb_image_begin(nb_ctx *ctx, nb_source *source, nb_image *image);
/* Rows come in order, from the top; NB_EFORMAT, NB_EMEMORY, NB_EINTERRUPT. */
nb_status nb_image_row(nb_image *image, uint8_t *pixels);
/* To be asked behind the last row: is the rest of the file as it must be? */
nb_status nb_image_end(nb_image *image);
void nb_image_close(nb_image *image);

#endif
