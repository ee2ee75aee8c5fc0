/* All images of a folder (folder.h), one after the other. Two passes: the first looks at every
 * header, so that all are known to be of one size; the second reads pixels. */
#ifndef NB_IMAGES_H
#define NB_IMAGES_H

#include "io/elements.h"
#include "io/image/folder.h"
#include "io/image/pixels.h"

typedef struct nb_images_options {
    bool grey;             /* colours become grey; else all images are colour where one is */
    int64_t rows, columns; /* what images are brought to (resample.h), 1 … NB_IMAGE_MOST; 0: none
                              is, and all have the same size */
    int background;        /* as of nb_pixels_split */
} nb_images_options;

typedef struct nb_image_reader nb_image_reader;

/* What there is: images of train, valid and test, in this order, those of each in order of their
 * classes. */
typedef struct nb_images {
    bool parted;
    nb_names *classes;
    int64_t train, valid, test; /* how many there are of each */
    int channels;
    int64_t rows, columns;
    nb_tensor *y;      /* class numbers of train and then valid, NB_I32 (n) */
    nb_tensor *test_y; /* likewise; NULL: there is no test */
    nb_image_reader *reader;
} nb_images;

/* The first pass. NB_EIO and NB_EFORMAT name the file; NB_EARG as nb_image_folder_list says,
 * NB_ESHAPE names two files of different sizes. On failure nothing is left. Progress is told as
 * "reading". */
nb_status nb_images_open(nb_ctx *ctx, const char *path, const nb_images_options *options,
                         nb_images *images);
/* The second: pixels of the next n, bytes (n, channels, rows, columns). */
nb_status nb_images_next(nb_images *images, void *into, int64_t n);
void nb_images_free(nb_ctx *ctx, nb_images *images);

#endif
