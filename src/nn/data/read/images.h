/* Data sets from folders of images. */
#ifndef NB_DATA_IMAGES_H
#define NB_DATA_IMAGES_H

#include "io/image/images.h"
#include "nn/data/set.h"

/* x is bytes, (n, channels, rows, columns), that the network sees divided by 255; y class numbers.
 * The set is called as the folder. Where there are parts it is train and valid together, and each
 * is a set of its own. Fails as nb_images_open says. */
nb_set *nb_set_read_images(nb_ctx *ctx, const char *path, const nb_images_options *options);

#endif
